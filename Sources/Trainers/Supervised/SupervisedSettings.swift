/// The settings of the `sft` trainer.
public struct SupervisedSettings: LanguageSettings {
    /// The labelled questions of a local step.
    public var examplesPerStep: Int = 16
    /// K, the responses to each public prompt.
    public var samplesPerPrompt: Int = 8
    /// The prompts of a public step.
    public var publicPromptsPerStep: Int = 16
    /// The sampling temperature of responses; 0 means greedy, and then K = 1 says it all.
    public var temperature: Double = 1
    /// The most tokens of a response or label, end of sequence included.
    public var maxTokens: Int = 256
    /// The most tokens of one forward and backward pass.
    public var tokensPerPass: Int = 8192
    /// μ of FedProx's (μ/2)‖φ − φ̄‖²; 0 leaves it out.
    public var proximalWeight: Double = 0
    /// The optimiser.
    public var optimiser = OptimiserSettings()
    /// How a question becomes a prompt.
    public var prompt = PromptSettings()
    /// How the judge measures an adapter.
    public var evaluation = EvaluationSettings()

    enum CodingKeys: String, CodingKey, CaseIterable {
        case examplesPerStep, samplesPerPrompt, publicPromptsPerStep, temperature, maxTokens, tokensPerPass
        case proximalWeight, optimiser, prompt, evaluation
    }

    /// The defaults.
    public init() {}

    /// Reads what is given and takes defaults for the rest.
    public init(from decoder: any Decoder) throws {
        let keys = try StrictContainer<CodingKeys>(decoder)
        examplesPerStep = try keys.value(.examplesPerStep, default: examplesPerStep)
        samplesPerPrompt = try keys.value(.samplesPerPrompt, default: samplesPerPrompt)
        publicPromptsPerStep = try keys.value(.publicPromptsPerStep, default: publicPromptsPerStep)
        temperature = try keys.value(.temperature, default: temperature)
        maxTokens = try keys.value(.maxTokens, default: maxTokens)
        tokensPerPass = try keys.value(.tokensPerPass, default: tokensPerPass)
        proximalWeight = try keys.value(.proximalWeight, default: proximalWeight)
        optimiser = try keys.value(.optimiser, default: optimiser)
        prompt = try keys.value(.prompt, default: prompt)
        evaluation = try keys.value(.evaluation, default: evaluation)
    }

    /// Checks the ranges.
    public func validate() throws(SettingsFault) {
        try validateLanguage()
        try SettingsFault.require(
            (1...65_536).contains(examplesPerStep),
            "examplesPerStep",
            "is \(examplesPerStep), expected 1 … 65536"
        )
    }
}
