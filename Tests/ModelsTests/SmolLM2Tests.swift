import Digest
import Foundation
import Randomness
import Tensors
import Testing

@testable import Models

/// Against NumPy in float64 on the dequantised weights.
@Suite("SmolLM2-135M-Instruct from GGUF", .needsSmolLM2)
struct SmolLM2Tests {
    private let golden: SmolLM2Golden
    private let path: String
    /// Float32 against float64 through 30 blocks came within 3e-5.
    private let tolerance: Float = 2e-4

    init() throws {
        path = try #require(Outside.smolLM2)
        golden = try SmolLM2Golden.read()
    }

    @Test("every kind of tensor dequantises to the reference's values, bit for bit")
    func tensors() throws {
        let file = try GGUFFile(path: path)
        #expect(golden.tensors.count == 11)
        for entry in golden.tensors {
            let values = try file.values(of: entry.name, shape: entry.shape)
            #expect(SmolLM2Golden.spread(values) == entry.values, "\(entry.name)")
            let hash = SHA256()
            values.withUnsafeBytes { hash.update($0) }
            #expect(hash.finish().description == entry.sha256, "\(entry.name)")
        }
    }

    @Test("logits, losses, states and greedy tokens of six prompts are the reference's")
    func model() throws {
        let base = try BaseModel.load(.gguf(path))
        #expect(try SHA256Digest(of: Data(contentsOf: URL(filePath: path))).description == golden.sha256)
        #expect(base.configuration.parameterCount == golden.parameters)
        let decoder = LanguageDecoder(base)
        #expect(golden.prompts.count == 6)
        for prompt in golden.prompts { try check(prompt, decoder) }
        checkGreedy(decoder)
    }

    private func check(_ prompt: SmolLM2Golden.Prompt, _ decoder: LanguageDecoder) throws {
        // One more token, so that the last of the prompt's has a row of states.
        let batch = PackedBatch(sequences: [prompt.ids + [0]])
        let last = prompt.ids.count - 1
        let logits = decoder.logits(batch: batch, rows: [Int32(last)])
        #expect(
            distance(prompt.columns.map { logits.values[$0] }, prompt.logits) < tolerance,
            "\(prompt.name)"
        )
        let top = try #require(logits.values.max())
        let sum = logits.values.reduce(0.0) { $0 + exp(Double($1 - top)) }
        #expect(abs(Double(top) + log(sum) - prompt.logSum) < Double(tolerance), "\(prompt.name)")

        let tape = Tape(recording: false, workspace: decoder.workspace)
        var rows: [Int: [Float]] = [:]
        let logProbs = decoder.responseLogProbs(tape: tape, batch: batch) { _, boundary, residual in
            let start = last * residual.columns
            rows[boundary] = Array(residual.values[start..<start + residual.columns])
            return residual
        }
        let losses = logProbs.values.prefix(last).map { -$0 }
        #expect(distance(losses, prompt.losses) < tolerance, "\(prompt.name)")
        for state in prompt.states {
            let row = try #require(rows[state.boundary])
            let place: Comment = "\(prompt.name), boundary \(state.boundary)"
            #expect(distance(SmolLM2Golden.spread(row), state.values) < tolerance, place)
            let norm = row.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            #expect(abs(norm / state.norm - 1) < 1e-5, place)
        }
    }

    /// All prompts in one batch. The script has seen to it that no token is near to a tie.
    private func checkGreedy(_ decoder: LanguageDecoder) {
        let completions = decoder.generate(
            prompts: golden.prompts.map(\.ids),
            samplesPerPrompt: 1,
            settings: SamplingSettings(maxTokens: 16, temperature: 0)
        ) { prompt, sample in RandomStream(seed: 1, prompt, sample) }
        for (prompt, completion) in zip(golden.prompts, completions) {
            #expect(completion[0].tokens == prompt.greedy, "\(prompt.name)")
        }
    }
}
