import Foundation
import Testing

/// What `Golden/make_smollm2_goldens.py` makes of SmolLM2's GGUF file.
struct SmolLM2Golden: Decodable {
    struct Weights: Decodable {
        let name: String
        let shape: [Int]
        let values: [Float]
        let sha256: String
    }

    struct Line: Decodable {
        let text: String
        let ids: [Int32]
        /// The ids without special parsing, where they may differ.
        let plain: [Int32]?
    }

    /// Texts that both sides draw from `pieces`.
    struct Bulk: Decodable {
        let count: Int
        let longest: Int
        let seed: UInt32
        let pieces: [String]
        let tokens: Int
        let sha256: String

        func texts() -> [String] {
            var state = seed
            func draw(below count: Int) -> Int {
                state = state &* 1_664_525 &+ 1_013_904_223
                return Int(state >> 8) % count
            }
            return (0..<count).map { _ in
                (0..<1 + draw(below: longest)).map { _ in pieces[draw(below: pieces.count)] }.joined()
            }
        }
    }

    struct Turn: Decodable {
        let role: String
        let content: String
    }

    struct Chat: Decodable {
        let messages: [Turn]
        let opens: Bool
        let text: String
        let ids: [Int32]
    }

    struct State: Decodable {
        let boundary: Int
        let values: [Float]
        let norm: Double
    }

    struct Prompt: Decodable {
        let name: String
        let text: String
        let ids: [Int32]
        /// The logarithm of the sum of the last row's exponentiated logits.
        let logSum: Double
        /// Of each token but the first.
        let losses: [Float]
        let columns: [Int]
        let logits: [Float]
        let states: [State]
        let greedy: [Int32]
    }

    let sha256: String
    let parameters: Int
    let tensors: [Weights]
    let texts: [Line]
    let bulk: Bulk
    let chats: [Chat]
    let prompts: [Prompt]

    static func read() throws -> SmolLM2Golden {
        let data = try Data(contentsOf: URL(filePath: Golden.path("smollm2.json")))
        return try JSONDecoder().decode(SmolLM2Golden.self, from: data)
    }

    /// The values at eight places that are spread over them, first and last among them.
    static func spread(_ values: [Float]) -> [Float] {
        (0..<8).map { values[$0 * (values.count - 1) / 7] }
    }
}

extension Trait where Self == ConditionTrait {
    /// For tests that read SmolLM2's weights.
    static var needsSmolLM2: Self {
        .enabled(if: Outside.smolLM2 != nil, "deploy/fetch-model smollm2-135m fetches the model they need")
    }
}
