package import Contract

/// How a sparse autoencoder is learnt. The defaults are calibrated on a residual stream of 96 columns; the
/// paper takes an autoencoder that others trained.
package struct AutoencoderSettings: Sendable, Codable, Equatable {
    /// m.
    package var latents = 384
    /// The k of a TopK autoencoder; nil for a ReLU one.
    package var topK: Int?
    /// What the sum of activations weighs beside the squared error summed over the columns; for ReLU only.
    package var sparsity = 0.5
    /// How many states a step learns from.
    package var batchSize = 384
    /// How many steps there are.
    package var steps = 2400
    /// Adam's step size.
    package var learningRate = 2e-3
    /// The last part of the steps, which has a lower rate.
    package var lateShare = 0.2
    /// What the rate is multiplied with there.
    package var lateFactor = 0.25
    /// After how many steps latents that were never active since are set anew; 0 for never. The last part of
    /// the steps is left alone.
    package var resampleEvery = 200
    /// How many states are held, shuffled: 25 MB at a width of 96, 151 MB at 576.
    package var bufferedStates = 65_536
    /// The most tokens that the model reads in a pass.
    package var tokensPerPass = 2048

    /// The calibrated settings.
    package init() {}

    /// The step size at a step.
    func rate(step: Int) -> Double {
        step >= lateStart ? learningRate * lateFactor : learningRate
    }

    /// The first step of the last part.
    var lateStart: Int { Int((Double(steps) * (1 - lateShare)).rounded()) }

    /// Checks the settings.
    ///
    /// - Throws: `SettingsFault` naming the key.
    package func validate(_ key: String = "autoencoder") throws(SettingsFault) {
        func check(_ holds: Bool, _ name: String, _ found: Any, _ wanted: String) throws(SettingsFault) {
            try SettingsFault.require(holds, "\(key).\(name)", "found \(found), expected \(wanted)")
        }
        try check((1...1 << 20).contains(latents), "latents", latents, "1 … \(1 << 20)")
        if let topK { try check((1...latents).contains(topK), "topK", topK, "1 … \(latents) latents") }
        try check(sparsity >= 0 && sparsity <= 1e4, "sparsity", sparsity, "0 … 10000")
        try check((1...1 << 17).contains(batchSize), "batchSize", batchSize, "1 … \(1 << 17)")
        try check((1...1 << 30).contains(steps), "steps", steps, "at least 1")
        try check(
            learningRate > 0 && learningRate <= 1,
            "learningRate",
            learningRate,
            "more than 0, at most 1"
        )
        try check((0...1).contains(lateShare), "lateShare", lateShare, "0 … 1")
        try check(lateFactor > 0 && lateFactor <= 1, "lateFactor", lateFactor, "more than 0, at most 1")
        try check(resampleEvery >= 0, "resampleEvery", resampleEvery, "0 or more steps")
        try check(
            (batchSize...1 << 24).contains(bufferedStates),
            "bufferedStates",
            bufferedStates,
            "batchSize = \(batchSize) … \(1 << 24)"
        )
        try check((1...1 << 20).contains(tokensPerPass), "tokensPerPass", tokensPerPass, "1 … \(1 << 20)")
    }
}
