package import Contract
internal import Glibc

/// How a policy learns: PPO (Schulman et al., arXiv:1707.06347) on rollouts of the trainer's own networks. The defaults are the
/// calibrated ones of our experiments; the paper's are not known.
package struct LearningSettings: TrainerSettings {
    /// The episodes of an iteration, each on its own network of the pool.
    package var episodes = 12
    /// The share of episodes that start from exploring states.
    package var exploringStarts = 0.5
    /// The first iterations, in which the critic alone learns.
    package var warmUp = 10
    /// How often the episodes are gone through.
    package var epochs = 3
    /// Into how many parts the episodes are cut in each epoch.
    package var minibatches = 2
    /// ε of the clipped ratio.
    package var clip = 0.2
    /// Adam's learning rate, of both networks.
    package var learningRate = 3e-3
    /// The largest Euclidean norm of a gradient.
    package var gradientNorm = 0.5
    /// What an action is credited with.
    package var advantage = AdvantageSettings()
    /// The weight of the policy's entropy.
    package var entropy = EntropySettings()

    /// The defaults.
    package init() {}

    /// Checks the ranges.
    package func validate() throws(SettingsFault) {
        for (key, value, range) in [
            ("episodes", episodes, 1...4096), ("warmUp", warmUp, 0...100_000), ("epochs", epochs, 1...100),
            ("minibatches", minibatches, 1...4096),
        ] {
            try SettingsFault.require(
                range.contains(value),
                key,
                "found \(value), expected \(range.lowerBound) … \(range.upperBound)"
            )
        }
        try SettingsFault.require(
            minibatches <= episodes,
            "minibatches",
            "found \(minibatches) for \(episodes) episodes, expected at most one for each"
        )
        for (key, value) in [("exploringStarts", exploringStarts), ("clip", clip)] {
            try SettingsFault.require((0...1).contains(value), key, "found \(value), expected 0 … 1")
        }
        for (key, value) in [("learningRate", learningRate), ("gradientNorm", gradientNorm)] {
            try SettingsFault.require(
                value > 0 && value.isFinite,
                key,
                "found \(value), expected more than 0"
            )
        }
        do { try advantage.validate() } catch {
            throw SettingsFault(key: "advantage.\(error.key)", reason: error.reason)
        }
        do { try entropy.validate() } catch {
            throw SettingsFault(key: "entropy.\(error.key)", reason: error.reason)
        }
    }
}

/// `trainer.settings.entropy`: its weight falls geometrically after the warm-up.
package struct EntropySettings: TrainerSettings {
    /// The weight at the end of the warm-up.
    package var start = 0.25
    /// The weight that is kept in the end.
    package var end = 0.02
    /// How many iterations the way takes.
    package var over = 100

    /// The defaults.
    package init() {}

    /// Checks the ranges.
    package func validate() throws(SettingsFault) {
        for (key, value) in [("start", start), ("end", end)] {
            try SettingsFault.require(
                value > 0 && value.isFinite,
                key,
                "found \(value), expected more than 0"
            )
        }
        try SettingsFault.require((1...1_000_000).contains(over), "over", "found \(over), expected 1 or more")
    }

    /// The weight some iterations after the warm-up.
    func weight(after iterations: Int) -> Double {
        let way = min(1, max(0, Double(iterations) / Double(over)))
        return start * pow(end / start, way)
    }
}
