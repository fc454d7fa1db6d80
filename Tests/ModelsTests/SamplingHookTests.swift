import Randomness
import Tensors
import Testing

@testable import Models

@Suite("Hooks while sampling")
struct SamplingHookTests {
    private let prompts: [[Int32]] = [[3, 1, 4], [1, 5]]
    private let greedy = SamplingSettings(maxTokens: 6, temperature: 0)

    private func stream(_ prompt: Int, _ sample: Int) -> RandomStream {
        RandomStream(seed: 2, "hook", prompt, sample)
    }

    private func model() throws -> LanguageDecoder {
        let golden = try GoldenModel("tiny-tied")
        return LanguageDecoder(golden.base, adapter: golden.adapter)
    }

    private func vector(_ decoder: LanguageDecoder) -> Tensor {
        let values = (0..<decoder.configuration.hiddenSize).map { Float(($0 * 7) % 5) - 2 }
        return Tensor(shape: [values.count], values: values)
    }

    @Test("steering at a boundary samples what the steered model rates as greedy")
    func steering() throws {
        let decoder = try model()
        let boundary = Boundaries.adding(vector(decoder), at: 1)
        let plain = decoder.generate(
            prompts: prompts,
            samplesPerPrompt: 1,
            settings: greedy,
            stream: stream
        )
        let steered = decoder.generate(
            prompts: prompts,
            samplesPerPrompt: 1,
            settings: greedy,
            hook: { _ in boundary },
            stream: stream
        )
        #expect(plain.map { $0[0].tokens } != steered.map { $0[0].tokens })

        let batch = PackedBatch(
            groups: zip(prompts, steered).map { (prompt: $0, responses: [$1[0].tokens]) }
        )
        let tape = Tape(recording: false)
        let states = decoder.hidden(tape: tape, batch: batch, boundary: boundary)
        let logits = tape.logits(
            tape.gatherRows(states, rows: batch.predictors),
            head: decoder.head(decoder.adapter)
        )
        for (row, target) in batch.targets.enumerated() {
            let values = logits.values[row * logits.columns..<(row + 1) * logits.columns]
            let best = values.indices.max { values[$0] < values[$1] }
            #expect(best.map { $0 - values.startIndex } == Int(target))
        }
    }

    @Test("only new tokens are steered where the hook leaves prompts alone")
    func newTokens() throws {
        let decoder = try model()
        let vector = vector(decoder)
        let steered = decoder.generate(
            prompts: prompts,
            samplesPerPrompt: 1,
            settings: greedy,
            hook: { $0.areSampled ? Boundaries.adding(vector, at: 2) : nil },
            stream: stream
        )
        let plain = decoder.generate(prompts: prompts, samplesPerPrompt: 1, settings: greedy, stream: stream)
        for (changed, unchanged) in zip(steered, plain) {
            #expect(changed[0].tokens.first == unchanged[0].tokens.first)
        }
        #expect(steered != plain)
    }

    @Test("the state of every token that is put in is read, once, with its place", arguments: [1, 3])
    func reading(samples: Int) throws {
        let decoder = try model()
        var passes: [SampledRows] = []
        var states: [[Float]] = []
        let drawn = decoder.generate(
            prompts: prompts,
            samplesPerPrompt: samples,
            settings: SamplingSettings(maxTokens: 6),
            hook: { rows in
                passes.append(rows)
                return Boundaries.reading(at: 2) { states.append($0.toArray()) }
            },
            stream: stream
        )
        let watched = decoder.generate(
            prompts: prompts,
            samplesPerPrompt: samples,
            settings: SamplingSettings(maxTokens: 6),
            stream: stream
        )
        #expect(drawn == watched)
        #expect(passes.count == states.count)
        #expect(passes.first?.tokens == prompts.flatMap { $0 })
        #expect(passes.first?.predictors == [2, 4])

        for (prompt, group) in drawn.enumerated() {
            for (index, completion) in group.enumerated() {
                let batch = PackedBatch(groups: [(prompts[prompt], [completion.tokens])])
                var whole: [Float] = []
                _ = decoder.hidden(
                    tape: Tape(recording: false),
                    batch: batch,
                    boundary: Boundaries.reading(at: 2) { whole = $0.toArray() }
                )
                let width = decoder.configuration.hiddenSize
                var seen: [Float] = []
                for (rows, state) in zip(passes, states) {
                    for (row, origin) in rows.origins.enumerated()
                    where origin == .prompt(prompt) || origin == .sample(prompt: prompt, index: index) {
                        seen += state[row * width..<(row + 1) * width]
                    }
                }
                #expect(distance(seen, whole) < 1e-5)
            }
        }
    }
}
