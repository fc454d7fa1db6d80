package import Contract

/// The settings of the `ret` trainer.
package struct RETSettings: TrainerSettings {
    /// Whether the model reads the texts, or goes on from them as prompts.
    package enum Mode: String, Sendable, Codable, CaseIterable {
        /// States are those of the texts' own tokens.
        case read
        /// States are those of the tokens that the model generates from its prompts.
        case generate
    }

    /// The layer boundaries whose states are read: 0 is after the embedding, l + 1 after block l. None means one, at three
    /// fifths of the depth.
    package var layers: [Int] = []
    /// Whether the model reads or generates.
    package var mode = Mode.read
    /// How many leading tokens of a text that is read are not learnt from: the first states of a text are unlike all others.
    package var skipTokens = 1
    /// The most tokens that are generated from a prompt.
    package var maxTokens = 128
    /// The temperature of what is generated.
    package var temperature = 1.0
    /// The shape of encoder and predictor.
    package var shape = MacrostateShape()
    /// How they are learnt.
    package var learning = MacrostateLearning()
    /// G, how many groups the members keep in common.
    package var groups = 8
    /// The Adam steps of one step of the schedule.
    package var updatesPerStep = 10
    /// The public texts of a public step.
    package var publicTextsPerStep = 8
    /// When macrostates count as collapsed: the client then stops, and a merged round is not taken.
    package var collapse = CollapseLimits()
    /// The most tokens of one pass of the model.
    package var tokensPerPass = 8192
    /// How a text becomes tokens.
    package var prompt = PromptSettings()

    /// The defaults.
    package init() {}

    /// Checks the ranges.
    package func validate() throws(SettingsFault) {
        try SettingsFault.require(
            layers.count <= 16 && Set(layers).count == layers.count && layers.allSatisfy { $0 >= 0 },
            "layers",
            "found \(layers), expected at most 16 different layer boundaries"
        )
        for (key, value, range) in [
            ("skipTokens", skipTokens, 0...4096), ("maxTokens", maxTokens, 1...(1 << 20)),
            ("groups", groups, 2...256), ("updatesPerStep", updatesPerStep, 1...100_000),
            ("publicTextsPerStep", publicTextsPerStep, 1...ExchangeLimits.itemsMax),
            ("tokensPerPass", tokensPerPass, 1...(1 << 24)),
        ] {
            try SettingsFault.require(
                range.contains(value),
                key,
                "found \(value), expected \(range.lowerBound) … \(range.upperBound)"
            )
        }
        try SettingsFault.requireTemperature(temperature, "temperature")
        try shape.validate("shape")
        try learning.validate("learning")
        try collapse.validate("collapse")
    }
}
