package import Contract
internal import Models
package import Text

/// What the settings of every language trainer have in common.
package protocol LanguageSettings: TrainerSettings {
    /// K, how many responses a client gives to each public prompt.
    var samplesPerPrompt: Int { get }
    /// b_pub, the prompts of a public step.
    var publicPromptsPerStep: Int { get }
    /// The sampling temperature of responses; 0 means greedy.
    var temperature: Double { get }
    /// The most tokens of a response, end of sequence included.
    var maxTokens: Int { get }
    /// The most tokens of one forward and backward pass; a step's batch is cut into passes.
    var tokensPerPass: Int { get }
    /// Whether activations are computed again on the way back, block by block, and not kept.
    var recompute: Bool { get }
    /// μ of FedProx's (μ/2)‖φ − φ̄‖²; 0 leaves it out.
    var proximalWeight: Double { get }
    /// The optimiser.
    var optimiser: OptimiserSettings { get }
    /// How a question becomes a prompt.
    var prompt: PromptSettings { get }
    /// How the judge measures an adapter.
    var evaluation: EvaluationSettings { get }
}

extension LanguageSettings {
    /// Checks the ranges of the common settings.
    func validateLanguage() throws(SettingsFault) {
        for (key, value, limit) in [
            ("samplesPerPrompt", samplesPerPrompt, ExchangeLimits.responsesPerItemMax),
            ("publicPromptsPerStep", publicPromptsPerStep, ExchangeLimits.itemsMax),
            ("maxTokens", maxTokens, 1 << 20), ("tokensPerPass", tokensPerPass, 1 << 24),
        ] {
            try SettingsFault.require(
                value >= 1 && value <= limit,
                key,
                "is \(value), expected 1 … \(limit)"
            )
        }
        let responses = publicPromptsPerStep * samplesPerPrompt
        try SettingsFault.require(
            responses <= ExchangeLimits.responsesMax,
            "publicPromptsPerStep",
            "is \(publicPromptsPerStep), with \(samplesPerPrompt) responses each: \(responses) responses to a public "
                + "step, expected at most \(ExchangeLimits.responsesMax)"
        )
        // A token travels as four bytes; what a response needs besides is its item's name and some numbers.
        let bytes = responses * (4 * maxTokens + ExchangeLimits.itemNameBytesMax + 16)
        try SettingsFault.require(
            bytes <= ExchangeLimits.responsesRawBytesMax,
            "maxTokens",
            "is \(maxTokens), for \(responses) responses to a public step: up to \(bytes) bytes, expected at most "
                + "\(ExchangeLimits.responsesRawBytesMax)"
        )
        try SettingsFault.requireTemperature(temperature, "temperature")
        try SettingsFault.requireWeight(proximalWeight, "proximalWeight")
        try optimiser.validate()
        try evaluation.validate()
        try SettingsFault.require(
            prompt.template.system == nil || prompt.template.kind == .chat,
            "prompt.system",
            "found a system turn, which only a chat has; expected 'kind: chat' beside it"
        )
    }
}

extension SettingsFault {
    /// Requires a temperature that logits can be divided by in float32, or 0.
    static func requireTemperature(_ value: Double, _ key: String) throws(SettingsFault) {
        let range = SamplingSettings.temperatures
        try require(
            SamplingSettings.isTemperature(value),
            key,
            "is \(value), expected 0 or \(range.lowerBound) … \(Int(range.upperBound))"
        )
    }

    /// Requires a weight that is neither 0 nor infinite only in float32.
    static func requireWeight(_ value: Double, _ key: String) throws(SettingsFault) {
        try require(
            value == 0 || (1e-12...1e6).contains(value),
            key,
            "is \(value), expected 0 or 1e-12 … 1e6"
        )
    }
}

/// A prompt template as a setting, `raw` if no kind is given; it is written as a whole.
package struct PromptSettings: Codable, Sendable, Equatable, WholeMapping {
    /// The template.
    package var template: PromptTemplate

    private enum CodingKeys: String, CodingKey { case kind, suffix, system, beginsWithBOS, date }

    /// The text itself, behind what the tokenizer puts before a text.
    package init() { template = .raw }

    /// Takes a template.
    package init(_ template: PromptTemplate) { self.template = template }

    /// Reads a template.
    package init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        template = PromptTemplate(
            kind: try keys.decodeIfPresent(PromptTemplate.Kind.self, forKey: .kind) ?? .raw,
            suffix: try keys.decodeIfPresent(String.self, forKey: .suffix),
            system: try keys.decodeIfPresent(String.self, forKey: .system),
            beginsWithBOS: try keys.decodeIfPresent(Bool.self, forKey: .beginsWithBOS),
            date: try keys.decodeIfPresent(String.self, forKey: .date)
        )
        if let date = template.date, TemplateDate(date) == nil {
            throw SettingsFault(
                key: "date",
                reason: "found '\(date)', expected a day of the calendar as YYYY-MM-DD"
            )
        }
    }

    /// Writes the template's keys.
    package func encode(to encoder: any Encoder) throws { try template.encode(to: encoder) }
}
