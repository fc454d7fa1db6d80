package import Contract

/// The settings of the `sft` trainer.
package struct SupervisedSettings: LanguageSettings {
    /// The labelled questions of a local step.
    package var examplesPerStep: Int = 16
    /// K, the responses to each public prompt.
    package var samplesPerPrompt: Int = 8
    /// The prompts of a public step.
    package var publicPromptsPerStep: Int = 16
    /// The sampling temperature of responses; 0 means greedy, and then K = 1 says it all.
    package var temperature: Double = 1
    /// The most tokens of a response or label, end of sequence included.
    package var maxTokens: Int = 256
    /// The most tokens of one forward and backward pass.
    package var tokensPerPass: Int = 8192
    /// μ of FedProx's (μ/2)‖φ − φ̄‖²; 0 leaves it out.
    package var proximalWeight: Double = 0
    /// The optimiser.
    package var optimiser = OptimiserSettings()
    /// How a question becomes a prompt.
    package var prompt = PromptSettings()
    /// How the judge measures an adapter.
    package var evaluation = EvaluationSettings()

    /// The defaults.
    package init() {}

    /// Checks the ranges.
    package func validate() throws(SettingsFault) {
        try validateLanguage()
        try SettingsFault.require(
            (1...65_536).contains(examplesPerStep),
            "examplesPerStep",
            "is \(examplesPerStep), expected 1 … 65536"
        )
    }
}
