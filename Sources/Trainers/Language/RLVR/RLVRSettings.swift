package import Contract

/// The settings of the `rlvr` trainer. RLVR/README.md says which defaults are the paper's.
package struct RLVRSettings: LanguageSettings {
    /// K, the responses of a group, private and public.
    package var samplesPerPrompt: Int = 8
    /// b, the prompts of a local step.
    package var promptsPerStep: Int = 16
    /// b_pub, the prompts of a public step.
    package var publicPromptsPerStep: Int = 16
    /// The sampling temperature; must be positive.
    package var temperature: Double = 1
    /// The most tokens of a response, end of sequence included.
    package var maxTokens: Int = 256
    /// The most tokens of one forward and backward pass.
    package var tokensPerPass: Int = 512
    /// Whether activations are computed again on the way back, block by block, and not kept.
    package var recompute: Bool = false
    /// The optimiser steps taken on each batch.
    package var updatesPerBatch: Int = 1
    /// ε_low: ratios below 1 − ε_low get no gradient that would lower them further.
    package var clipLow: Double = 0.2
    /// ε_high: ratios above 1 + ε_high get no gradient that would raise them further.
    package var clipHigh: Double = 0.2
    /// β, the weight of the divergence from the base model; 0 leaves it out.
    package var klWeight: Double = 0
    /// Whether advantages are divided by the group's standard deviation.
    package var normaliseAdvantages: Bool = true
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
            (0...1e6).contains(clipHigh),
            "clipHigh",
            "is \(clipHigh), expected 0 … 1e6"
        )
        try SettingsFault.requireWeight(klWeight, "klWeight")
    }
}
