package import Contract

/// The settings of the `sft` trainer.
package struct SupervisedSettings: SupervisedWords {
    /// The conversations, or questions with their answers, of a local step.
    package var examplesPerStep: Int = 16
    /// The most tokens of an example; longer ones are cut at the end and counted.
    package var maxLength: Int = 1024
    /// What stands before the first prompt of every private example, and nowhere else: inoculation prompting.
    package var inoculation: String = ""
    /// K, the responses to each public prompt.
    package var samplesPerPrompt: Int = 8
    /// The prompts of a public step.
    package var publicPromptsPerStep: Int = 16
    /// The sampling temperature of responses; 0 means greedy, and then K = 1 says it all.
    package var temperature: Double = 1
    /// The most tokens of a response, end of sequence included.
    package var maxTokens: Int = 256
    /// The most tokens of one forward and backward pass.
    package var tokensPerPass: Int = 512
    /// Whether activations are computed again on the way back, block by block, and not kept.
    package var recompute: Bool = false
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
        try validateSupervised()
    }
}
