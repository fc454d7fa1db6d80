/// How responses are drawn.
package struct SamplingSettings: Sendable, Codable, Equatable {
    /// The most tokens of a response, the stop token included.
    package var maxTokens: Int
    /// What the logits are divided by; 0 takes the most likely token each time (greedy).
    package var temperature: Float
    /// Only the most likely tokens that together reach this probability are drawn; 1 draws from all.
    package var topP: Float
    /// The token that ends a response; it is part of the response. Where one is given, the model's own end tokens
    /// (`BaseModel.ends`) end it as well.
    package var stop: Int32?
    /// Tokens that are never drawn.
    package var forbidden: [Int32]

    /// Makes settings; traps when one is out of range.
    package init(
        maxTokens: Int,
        temperature: Float = 1,
        topP: Float = 1,
        stop: Int32? = nil,
        forbidden: [Int32] = []
    ) {
        self.maxTokens = maxTokens
        self.temperature = temperature
        self.topP = topP
        self.stop = stop
        self.forbidden = forbidden
        check()
    }

    /// Reads settings; a missing key takes the default of `init`. Throws when one is out of range.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        maxTokens = try values.decode(Int.self, forKey: .maxTokens)
        temperature = try values.decodeIfPresent(Float.self, forKey: .temperature) ?? 1
        topP = try values.decodeIfPresent(Float.self, forKey: .topP) ?? 1
        stop = try values.decodeIfPresent(Int32.self, forKey: .stop)
        forbidden = try values.decodeIfPresent([Int32].self, forKey: .forbidden) ?? []
        if let fault {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: fault))
        }
    }

    /// The temperatures that logits can be divided by in float32; 0 means greedy.
    package static let temperatures: ClosedRange<Double> = 0.001...100

    /// Whether responses can be drawn at a temperature: 0, or one of `temperatures`.
    package static func isTemperature(_ value: Float) -> Bool {
        value == 0 || (Float(temperatures.lowerBound)...Float(temperatures.upperBound)).contains(value)
    }

    /// Whether responses can be drawn at a temperature: 0, or one of `temperatures`.
    package static func isTemperature(_ value: Double) -> Bool { value == 0 || temperatures.contains(value) }

    /// What is out of range, if anything.
    package var fault: String? {
        if maxTokens < 1 { return "maxTokens is \(maxTokens), must be at least 1" }
        if !Self.isTemperature(temperature) {
            return "temperature is \(temperature), must be 0 or 0.001 to 100"
        }
        if !(topP >= 1e-6 && topP <= 1) { return "topP is \(topP), must be 0.000001 to 1" }
        return nil
    }

    func check() {
        if let fault { preconditionFailure("SamplingSettings: \(fault)") }
    }
}

/// One response that was drawn.
package struct Completion: Sendable, Equatable {
    /// The tokens, with the stop token if it was drawn.
    package var tokens: [Int32]
    /// For each token, its log-probability under the distribution it was drawn from: after temperature, with
    /// forbidden tokens and those outside of top-p removed and the rest renormalised. With temperature 0 it
    /// is that of the model at temperature 1.
    package var logProbs: [Float]
    /// Whether the stop token was drawn before the tokens ran out.
    package var finished: Bool
}
