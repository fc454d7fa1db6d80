import Foundation
import Randomness
import Tensors
import Testing
import Text

@testable import Models

/// What a model of fewer bits computes, beside the same in float32.
@Suite("Forms of weights") struct WeightFormTests {
    /// How far a form is from float32 on some texts.
    struct Distance {
        /// Over all logits of all positions, in units of the deviation of float32's logits: root mean square, largest.
        var mean = 0.0
        var largest = 0.0
        /// The mean loss in nats a token, minus float32's.
        var loss = 0.0
        /// The share of positions with the same likeliest token.
        var agreement = 0.0

        init(of form: LanguageDecoder, from exact: LanguageDecoder, on texts: [[Int32]]) {
            var (squares, variance, count, same, positions) = (0.0, 0.0, 0, 0, 0)
            for text in texts {
                let batch = PackedBatch(sequences: [text])
                let rows = (0..<Int32(text.count - 1)).map { $0 }
                let (a, b) = (form.logits(batch: batch, rows: rows), exact.logits(batch: batch, rows: rows))
                for (row, target) in text.dropFirst().enumerated() {
                    let (one, other) = (Row(a, row, target), Row(b, row, target))
                    variance += other.variance * Double(a.columns)
                    for column in 0..<a.columns {
                        let difference =
                            Double(a.values[row * a.columns + column])
                            - Double(b.values[row * a.columns + column])
                        squares += difference * difference
                        largest = max(largest, abs(difference))
                    }
                    count += a.columns
                    positions += 1
                    loss += one.loss - other.loss
                    if one.likeliest == other.likeliest { same += 1 }
                }
            }
            let unit = (variance / Double(count)).squareRoot()
            mean = (squares / Double(count)).squareRoot() / unit
            largest /= unit
            loss /= Double(positions)
            agreement = Double(same) / Double(positions)
        }

        /// What one row of logits says.
        private struct Row {
            var likeliest = 0
            var variance = 0.0
            var loss = 0.0

            init(_ logits: Tensor, _ row: Int, _ target: Int32) {
                let start = row * logits.columns
                var (sum, squares, top) = (0.0, 0.0, -Double.infinity)
                for column in 0..<logits.columns {
                    let value = Double(logits.values[start + column])
                    sum += value
                    squares += value * value
                    if value > top { (top, likeliest) = (value, column) }
                }
                let count = Double(logits.columns)
                variance = squares / count - sum / count * (sum / count)
                var exponentials = 0.0
                for column in 0..<logits.columns {
                    exponentials += exp(Double(logits.values[start + column]) - top)
                }
                loss = top + log(exponentials) - Double(logits.values[start + Int(target)])
            }
        }
    }

    /// Texts that a model draws itself, so that they are of its kind.
    private func texts(_ base: BaseModel, count: Int) throws -> [[Int32]] {
        let tokenizer = try base.tokenizer()
        let start = tokenizer.bos ?? 0
        let completions = LanguageDecoder(base).generate(
            prompts: [[start]],
            samplesPerPrompt: count,
            settings: SamplingSettings(
                maxTokens: min(48, base.configuration.positionsMax - 1),
                temperature: 1
            )
        ) { RandomStream(seed: 1, "forms", $0, $1) }
        return completions[0].map { [start] + $0.tokens }.filter { $0.count > 1 }
    }

    @Test(
        "an embedded model in a smaller form says nearly what it says in float32",
        arguments: EmbeddedModels.names,
        [WeightForm.bfloat16, .int8]
    )
    func embedded(_ name: String, _ form: WeightForm) throws {
        let exact = try BaseModel.load(.embedded(name))
        let small = try BaseModel.load(.embedded(name), weights: form)
        let texts = try texts(exact, count: 24)

        let distance = Distance(of: LanguageDecoder(small), from: LanguageDecoder(exact), on: texts)

        let isHalf = form == .bfloat16
        #expect(distance.mean < (isHalf ? 0.012 : 0.035))
        #expect(distance.largest < (isHalf ? 0.2 : 1))
        #expect(abs(distance.loss) < (isHalf ? 0.002 : 0.012))
        #expect(distance.agreement > (isHalf ? 0.97 : 0.92))
    }

    @Test("a model is the same model in every form: its digests are those of the file")
    func identity() throws {
        let exact = try BaseModel.load(.embedded("tiny-arithmetic"))
        let small = try BaseModel.load(.embedded("tiny-arithmetic"), weights: .int8)

        #expect(small.sha256 == exact.sha256)
        #expect(small.identity == exact.identity)
        #expect(small.form == .int8)
        let name = CheckpointNames.embedding
        #expect(small.values(of: name) == exact.values(of: name))
        #expect(small.weights.embedding.toArray() != exact.weights.embedding.toArray())
    }

    @Test("without a form, a file of few bits is taken in 8 bits and any other in float32")
    func standard() throws {
        #expect(try BaseModel.load(.embedded("tiny-arithmetic"), weights: nil).form == .float32)
    }

    /// How far a sampled log-probability may be from the training path's in a trained model, which is sure of most of
    /// what it says.
    static let forms: [(form: WeightForm, tolerance: Float)] = [
        (.float32, 1e-4), (.bfloat16, 0.02), (.int8, 0.1),
    ]

    @Test("in every form of weights samples are as likely as the training path says", arguments: forms)
    func likelihoods(form: WeightForm, tolerance: Float) throws {
        let decoder = LanguageDecoder(try BaseModel.load(.embedded("tiny-arithmetic"), weights: form))
        let prompts: [[Int32]] = [[1, 17, 4, 31, 8], [1, 3], [9], [20, 21, 22, 23, 24, 25, 26]]
        let settings = SamplingSettings(maxTokens: 20)
        func draw(slots: Int) -> [[Completion]] {
            decoder.generate(
                prompts: prompts,
                samplesPerPrompt: 5,
                settings: settings,
                slots: slots
            ) { RandomStream(seed: 11, "generate", $0, $1) }
        }
        let completions = draw(slots: 20)
        let groups = zip(prompts, completions).map { ($0, $1.map(\.tokens)) }
        let forced = decoder.responseLogProbs(
            tape: Tape(recording: false),
            batch: PackedBatch(groups: groups)
        )
        #expect(distance(completions.joined().flatMap(\.logProbs), forced.values) < tolerance)
        #expect(draw(slots: 3) == completions)
    }

    @Test("SmolLM2 with its own blocks says nearly what it says in float32", .needsSmolLM2)
    func smolLM2() throws {
        let golden = try SmolLM2Golden.read()
        let path = try #require(Outside.smolLM2)
        let exact = try BaseModel.load(.gguf(path))
        let small = try BaseModel.load(.gguf(path), weights: nil)
        #expect(small.form == .int8)
        #expect(small.weights.embedding is BlockMatrix)
        // The file's blocks, so the values are the file's; only inputs are rounded.
        #expect(small.weights.embedding.toArray() == exact.weights.embedding.toArray())

        let texts = golden.prompts.map { $0.ids + $0.greedy }
        let blocks = Distance(of: LanguageDecoder(small), from: LanguageDecoder(exact), on: texts)
        #expect(blocks.mean < 0.08)
        #expect(abs(blocks.loss) < 0.01)
        #expect(blocks.agreement > 0.96)
        let half = try BaseModel.load(.gguf(path), weights: .bfloat16)
        let rounded = Distance(of: LanguageDecoder(half), from: LanguageDecoder(exact), on: texts)
        #expect(rounded.mean < 0.03)
        #expect(abs(rounded.loss) < 0.01)
        #expect(rounded.agreement > 0.98)

        let completions = LanguageDecoder(small).generate(
            prompts: golden.prompts.map(\.ids),
            samplesPerPrompt: 1,
            settings: SamplingSettings(maxTokens: 16, temperature: 0)
        ) { prompt, sample in RandomStream(seed: 1, prompt, sample) }
        // One of the six answers takes another turn at a near tie.
        #expect(zip(golden.prompts, completions).filter { $1[0].tokens == $0.greedy }.count >= 5)
    }
}
