/// How a language judge measures an adapter, under `evaluation` in the settings.
public struct EvaluationSettings: Codable, Sendable, Equatable {
    /// The ways to measure pass@1.
    public enum Method: String, Codable, Sendable, CaseIterable {
        /// `expected` where every held-out answer is one exact string, otherwise `sampled`.
        case auto
        /// The probability of the one right string, by teacher forcing: no sampling noise.
        case expected
        /// The share of sampled answers that the verifier accepts.
        case sampled
    }

    /// How pass@1 is measured.
    public var method: Method = .auto
    /// The most held-out questions of each topic that are used, the first ones in their order.
    public var itemsPerTopic: Int = 200
    /// How many answers are sampled for each question (`sampled` only).
    public var samples: Int = 1
    /// The temperature of pass@1.
    public var temperature: Double = 1
    /// Whether the accuracy of greedy answers is measured as well.
    public var greedy: Bool = true

    enum CodingKeys: String, CodingKey, CaseIterable {
        case method, itemsPerTopic, samples, temperature, greedy
    }

    /// The defaults.
    public init() {}

    /// Reads what is given and takes defaults for the rest.
    public init(from decoder: any Decoder) throws {
        let keys = try StrictContainer<CodingKeys>(decoder)
        method = try keys.value(.method, default: method)
        itemsPerTopic = try keys.value(.itemsPerTopic, default: itemsPerTopic)
        samples = try keys.value(.samples, default: samples)
        temperature = try keys.value(.temperature, default: temperature)
        greedy = try keys.value(.greedy, default: greedy)
    }

    /// Checks the ranges.
    func validate() throws(SettingsFault) {
        let key = "evaluation."
        try SettingsFault.require(
            itemsPerTopic > 0,
            key + "itemsPerTopic",
            "is \(itemsPerTopic), expected 1 or more"
        )
        try SettingsFault.require(
            (1...1024).contains(samples),
            key + "samples",
            "is \(samples), expected 1 … 1024"
        )
        try SettingsFault.require(
            temperature > 0 && temperature <= 100,
            key + "temperature",
            "is \(temperature), expected 0 < … ≤ 100"
        )
    }
}
