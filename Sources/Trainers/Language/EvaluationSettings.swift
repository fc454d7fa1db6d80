internal import Contract
internal import Models

/// How a language judge measures an adapter, under `evaluation` in the settings.
package struct EvaluationSettings: Codable, Sendable, Equatable {
    /// The ways to measure pass@1.
    package enum Method: String, Codable, Sendable, CaseIterable {
        /// `expected` where every held-out answer is one exact string, otherwise `sampled`.
        case auto
        /// The probability of the one right string, by teacher forcing: no sampling noise.
        case expected
        /// The share of sampled answers that the verifier accepts.
        case sampled
    }

    /// How pass@1 is measured.
    package var method: Method = .auto
    /// The most held-out questions of each topic that are used, the first ones in their order.
    package var itemsPerTopic: Int = 200
    /// How many answers are sampled for each question (`sampled` only).
    package var samples: Int = 1
    /// The temperature of pass@1.
    package var temperature: Double = 1
    /// Whether the accuracy of greedy answers is measured as well.
    package var greedy: Bool = true

    /// The defaults.
    package init() {}

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
            SamplingSettings.temperatures.contains(temperature),
            key + "temperature",
            "is \(temperature), expected 0.001 … 100"
        )
    }
}
