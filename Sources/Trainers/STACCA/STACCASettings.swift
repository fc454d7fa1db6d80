package import Contract
package import Tasks

/// `trainer.settings` of `stacca`.
package struct STACCASettings: TrainerSettings {
    /// What happens on the networks.
    package var environment = NetworkEnvironment()
    /// How clients learn. A step of the schedule is one iteration.
    package var learning = LearningSettings()
    /// How many public episodes a public step has.
    package var publicEpisodes = 4
    /// How often each member plays a public episode: by its likelier actions the first time, then by drawn ones.
    package var responsesPerEpisode = 2
    /// The actor's steps of learning from others' episodes; 0: nothing is learnt from them.
    package var imitationSteps = 1
    /// The held-out episodes on each network.
    package var evaluationEpisodes = 8
    /// Whether Adam's moments go on from round to round: for short rounds.
    package var keepMoments = false
    /// Whether the last map of the critic stays with its client.
    package var localCriticHead = false

    /// The defaults.
    package init() {}

    /// Checks the ranges.
    package func validate() throws(SettingsFault) {
        do { try environment.validate() } catch {
            throw SettingsFault(key: "environment.\(error.key)", reason: error.reason)
        }
        do { try learning.validate() } catch {
            throw SettingsFault(key: "learning.\(error.key)", reason: error.reason)
        }
        for (key, value, range) in [
            ("publicEpisodes", publicEpisodes, 1...1024),
            ("responsesPerEpisode", responsesPerEpisode, 1...64),
            ("imitationSteps", imitationSteps, 0...100),
            ("evaluationEpisodes", evaluationEpisodes, 1...10_000),
        ] {
            try SettingsFault.require(
                range.contains(value),
                key,
                "found \(value), expected \(range.lowerBound) … \(range.upperBound)"
            )
        }
    }
}
