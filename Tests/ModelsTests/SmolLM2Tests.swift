import Digest
import Foundation
import Models
import Randomness
import Tensors
import Testing
import Text

private struct SmolLM2Golden: Decodable {
    struct Entry: Decodable {
        let name: String
        let shapeRowMajor: [Int]
        let first8: [Float]
        let last4: [Float]
        let sum: Double
        let absSum: Double
    }

    struct Prompt: Decodable {
        let name: String
        let text: String
        let ids: [Int32]
        let lastTop10: [[Double]]
        let lastLogsumexp: Double
        let tokenNll: [Double]
        let greedyIds: [Int32]
        let greedyMargins: [Double]
        let hiddenLastFirst8: [String: [Float]]
        let hiddenLastNorm: [String: Double]
    }

    struct Meta: Decodable {
        let ggufSha256: String
    }

    let meta: Meta
    let tensors: [Entry]
    let prompts: [Prompt]
}

/// Against a float32 reference on the dequantised weights, whose numbers lie outside of the package.
@Suite(
    "SmolLM2-135M-Instruct from GGUF",
    .enabled(
        if: Outside.smolLM2 != nil && Outside.smolLM2Golden != nil,
        "the model (TRIBUTARY_SMOLLM2) or its golden numbers (TRIBUTARY_SHARED) are not here"
    )
)
struct SmolLM2Tests {
    private let golden: SmolLM2Golden
    private let path: String

    init() throws {
        path = try #require(Outside.smolLM2)
        let file = URL(filePath: try #require(Outside.smolLM2Golden))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        golden = try decoder.decode(SmolLM2Golden.self, from: Data(contentsOf: file))
    }

    @Test("tensors dequantise to the reference's values and sums")
    func tensors() throws {
        let file = try GGUFFile(path: path)
        #expect(golden.tensors.count == 12)
        for entry in golden.tensors {
            let values = try file.values(of: entry.name, shape: entry.shapeRowMajor)
            #expect(distance(values.prefix(8), entry.first8) < 1e-7, "\(entry.name)")
            #expect(distance(values.suffix(4), entry.last4) < 1e-7, "\(entry.name)")
            let (sum, magnitude) = values.reduce(into: (0.0, 0.0)) {
                $0.0 += Double($1)
                $0.1 += abs(Double($1))
            }
            #expect(abs(sum - entry.sum) < 1e-6 * entry.absSum, "\(entry.name)")
            #expect(abs(magnitude - entry.absSum) < 1e-6 * entry.absSum, "\(entry.name)")
        }
    }

    @Test("logits, losses, hidden states and greedy tokens of six prompts are the reference's")
    func model() throws {
        let base = try BaseModel.load(.gguf(path))
        #expect(base.sha256.description == golden.meta.ggufSha256)
        #expect(base.configuration.parameterCount == 134_515_008)
        let tokenizer = try base.tokenizer()
        let decoder = LanguageDecoder(base)
        #expect(golden.prompts.count == 6)
        for prompt in golden.prompts {
            #expect(tokenizer.encode(prompt.text, parseSpecial: true) == prompt.ids, "\(prompt.name)")
            try check(prompt, decoder)
        }
        checkGreedy(decoder)
    }

    private func check(_ prompt: SmolLM2Golden.Prompt, _ decoder: LanguageDecoder) throws {
        let batch = PackedBatch(sequences: [prompt.ids + [0]])
        let last = Int32(prompt.ids.count - 1)
        let logits = decoder.logits(batch: batch, rows: [last])
        for pair in prompt.lastTop10 {
            #expect(abs(Double(logits.values[Int(pair[0])]) - pair[1]) < 5e-3, "\(prompt.name)")
        }
        let top = try #require(logits.values.max())
        let sum = logits.values.reduce(0.0) { $0 + exp(Double($1 - top)) }
        #expect(abs(Double(top) + log(sum) - prompt.lastLogsumexp) < 5e-3, "\(prompt.name)")

        let tape = Tape(recording: false, workspace: decoder.workspace)
        var rows: [String: [Float]] = [:]
        let logProbs = decoder.responseLogProbs(tape: tape, batch: batch) { _, index, residual in
            let start = Int(last) * residual.columns
            rows["\(index - 1)"] = Array(residual.values[start..<start + residual.columns])
            return residual
        }
        for (value, expected) in zip(logProbs.values, prompt.tokenNll) {
            #expect(abs(-Double(value) - expected) < 5e-3, "\(prompt.name)")
        }
        for (layer, expected) in prompt.hiddenLastFirst8 {
            let row = try #require(rows[layer])
            #expect(distance(row.prefix(8), expected) < 5e-3, "\(prompt.name), after block \(layer)")
            let norm = row.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            #expect(abs(norm / (prompt.hiddenLastNorm[layer] ?? 0) - 1) < 1e-3, "\(prompt.name)")
        }
    }

    /// All prompts in one batch: the tokens up to where the reference itself is within 0.02 of a tie.
    private func checkGreedy(_ decoder: LanguageDecoder) {
        let completions = decoder.generate(
            prompts: golden.prompts.map(\.ids),
            samplesPerPrompt: 1,
            settings: SamplingSettings(
                maxTokens: golden.prompts.map(\.greedyIds.count).max() ?? 1,
                temperature: 0
            )
        ) { prompt, sample in RandomStream(seed: 1, prompt, sample) }
        for (prompt, completion) in zip(golden.prompts, completions) {
            let sure = prompt.greedyMargins.firstIndex { $0 < 0.02 } ?? prompt.greedyIds.count
            #expect(sure > 4)
            #expect(
                Array(completion[0].tokens.prefix(sure)) == Array(prompt.greedyIds.prefix(sure)),
                "\(prompt.name)"
            )
        }
    }
}
