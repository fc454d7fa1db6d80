/// The settings of the `rlvr` trainer. RLVR/README.md says which defaults are the paper's.
public struct RLVRSettings: LanguageSettings {
    /// K, the responses of a group, private and public.
    public var samplesPerPrompt: Int = 8
    /// b, the prompts of a local step.
    public var promptsPerStep: Int = 16
    /// b_pub, the prompts of a public step.
    public var publicPromptsPerStep: Int = 16
    /// The sampling temperature; must be positive.
    public var temperature: Double = 1
    /// The most tokens of a response, end of sequence included.
    public var maxTokens: Int = 256
    /// The most tokens of one forward and backward pass.
    public var tokensPerPass: Int = 8192
    /// The optimiser steps taken on each batch.
    public var updatesPerBatch: Int = 1
    /// ε_low: ratios below 1 − ε_low get no gradient that would lower them further.
    public var clipLow: Double = 0.2
    /// ε_high: ratios above 1 + ε_high get no gradient that would raise them further.
    public var clipHigh: Double = 0.2
    /// β, the weight of the divergence from the base model; 0 leaves it out.
    public var klWeight: Double = 0
    /// Whether advantages are divided by the group's standard deviation.
    public var normaliseAdvantages: Bool = true
    /// μ of FedProx's (μ/2)‖φ − φ̄‖²; 0 leaves it out.
    public var proximalWeight: Double = 0
    /// The optimiser.
    public var optimiser = OptimiserSettings()
    /// How a question becomes a prompt.
    public var prompt = PromptSettings()
    /// How the judge measures an adapter.
    public var evaluation = EvaluationSettings()

    enum CodingKeys: String, CodingKey, CaseIterable {
        case samplesPerPrompt, promptsPerStep, publicPromptsPerStep, temperature, maxTokens, tokensPerPass
        case updatesPerBatch, clipLow, clipHigh, klWeight, normaliseAdvantages, proximalWeight
        case optimiser, prompt, evaluation
    }

    /// The defaults.
    public init() {}

    /// Reads what is given and takes defaults for the rest.
    public init(from decoder: any Decoder) throws {
        let keys = try StrictContainer<CodingKeys>(decoder)
        samplesPerPrompt = try keys.value(.samplesPerPrompt, default: samplesPerPrompt)
        promptsPerStep = try keys.value(.promptsPerStep, default: promptsPerStep)
        publicPromptsPerStep = try keys.value(.publicPromptsPerStep, default: publicPromptsPerStep)
        temperature = try keys.value(.temperature, default: temperature)
        maxTokens = try keys.value(.maxTokens, default: maxTokens)
        tokensPerPass = try keys.value(.tokensPerPass, default: tokensPerPass)
        updatesPerBatch = try keys.value(.updatesPerBatch, default: updatesPerBatch)
        clipLow = try keys.value(.clipLow, default: clipLow)
        clipHigh = try keys.value(.clipHigh, default: clipHigh)
        klWeight = try keys.value(.klWeight, default: klWeight)
        normaliseAdvantages = try keys.value(.normaliseAdvantages, default: normaliseAdvantages)
        proximalWeight = try keys.value(.proximalWeight, default: proximalWeight)
        optimiser = try keys.value(.optimiser, default: optimiser)
        prompt = try keys.value(.prompt, default: prompt)
        evaluation = try keys.value(.evaluation, default: evaluation)
    }

    /// Checks the ranges.
    public func validate() throws(SettingsFault) {
        try validateLanguage()
        try SettingsFault.require(
            samplesPerPrompt >= 2,
            "samplesPerPrompt",
            "is \(samplesPerPrompt), expected 2 or more: a group of one"
                + " has no advantage"
        )
        try SettingsFault.require(
            (1...65_536).contains(promptsPerStep),
            "promptsPerStep",
            "is \(promptsPerStep), expected 1 … 65536"
        )
        try SettingsFault.require(
            temperature > 0,
            "temperature",
            "is 0, expected more: greedy answers to one prompt are all the same"
        )
        try SettingsFault.require(
            (1...64).contains(updatesPerBatch),
            "updatesPerBatch",
            "is \(updatesPerBatch), expected 1 … 64"
        )
        try SettingsFault.require((0...1).contains(clipLow), "clipLow", "is \(clipLow), expected 0 … 1")
        try SettingsFault.require(
            clipHigh >= 0 && clipHigh.isFinite,
            "clipHigh",
            "is \(clipHigh), expected 0 or more"
        )
        try SettingsFault.require(
            klWeight >= 0 && klWeight.isFinite,
            "klWeight",
            "is \(klWeight), expected 0 or more"
        )
    }
}
