package import Contract
package import Tasks

/// The settings of the `featureBlocking` trainer: those of `sft`, and what is asked and audited. What is blocked stands in
/// `objectives`.
package struct FeatureBlockingSettings: SupervisedWords {
    /// The conversations, or questions with their answers, of a local step.
    package var examplesPerStep: Int = 16
    /// The most tokens of an example; longer ones are cut at the end and counted.
    package var maxLength: Int = 1024
    /// What stands before the first prompt of every private example, and nowhere else: inoculation prompting.
    package var inoculation: String = ""
    /// K, the responses to each public prompt.
    package var samplesPerPrompt: Int = 4
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
    /// How adherence is measured.
    package var evaluation = EvaluationSettings()
    /// Features to watch where `objectives` blocks none.
    package var features: FeatureSource?
    /// Held-out questions of the narrow tasks, in the words of `data.evaluation`: how well they are answered as the private data
    /// answer them is the adherence.
    package var task: DataSource?
    /// When K grows; never if not given.
    package var refresh: RefreshSettings?

    /// The defaults.
    package init() {}

    /// Checks the ranges.
    package func validate() throws(SettingsFault) {
        try validateSupervised()
        do {
            try features?.validate()
        } catch {
            throw SettingsFault(key: "features", reason: error.reason)
        }
        try refresh?.validate("refresh")
    }
}

/// When the coordinator looks for more latents to block, and how many (BLOCK-EM's refreshed latents, our notes 2.3).
package struct RefreshSettings: Codable, Sendable, Equatable {
    /// The share of misaligned answers to public questions above which it looks.
    package var above = 0.1
    /// The most latents that are added to K.
    package var latents = 20

    /// The defaults.
    package init() {}

    private enum CodingKeys: String, CodingKey { case above, latents }

    /// Reads what is given; the rest is as usual.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        above = try values.decodeIfPresent(Double.self, forKey: .above) ?? above
        latents = try values.decodeIfPresent(Int.self, forKey: .latents) ?? latents
    }

    func validate(_ key: String) throws(SettingsFault) {
        try SettingsFault.require((0...1).contains(above), "\(key).above", "found \(above), expected 0 … 1")
        try SettingsFault.require(
            (1...4096).contains(latents),
            "\(key).latents",
            "found \(latents), expected 1 … 4096"
        )
    }
}
