import Contract
import Foundation
import Models
import Randomness
import Tensors
import Testing

@Suite("Decoder")
struct DecoderTests {
    private func decoder(_ name: String = "tiny-tied") throws -> LanguageDecoder {
        let golden = try GoldenModel(name)
        return LanguageDecoder(golden.base, adapter: golden.adapter)
    }

    private func stream(_ prompt: Int, _ sample: Int) -> RandomStream {
        RandomStream(seed: 11, "generate", prompt, sample)
    }

    private let prompts: [[Int32]] = [[1, 17, 4, 33, 8], [1, 3], [9], [40, 41, 42, 43, 44, 45, 46]]

    @Test("responses that share a prompt's rows have the log-probabilities of repeated prompts")
    func sharedPrefix() throws {
        let decoder = try decoder()
        let groups = try Golden.groups()
        let repeated = groups.flatMap { group in group.responses.map { (group.prompt, [$0]) } }
        let tape = Tape(recording: false)
        let shared = decoder.responseLogProbs(tape: tape, batch: PackedBatch(groups: groups))
        let single = decoder.responseLogProbs(tape: tape, batch: PackedBatch(groups: repeated))
        #expect(shared.count == 16)
        #expect(distance(shared.values, single.values) < 1e-5)
    }

    @Test("a packed batch says where each response is, and empty responses take no place")
    func packing() {
        let batch = PackedBatch(groups: [([1, 2], [[5, 6, 7], [], [8]]), ([3], [[4]])])
        #expect(batch.tokens == [1, 2, 5, 6, 3])
        #expect(batch.positions == [0, 1, 2, 3, 0])
        #expect(batch.targets == [5, 6, 7, 8, 4])
        #expect(batch.predictors == [1, 2, 3, 1, 4])
        #expect(batch.responses == [[0..<3, 3..<3, 3..<4], [4..<5]])
        #expect(
            batch.segments == [
                AttentionSegment(rows: 0..<2), AttentionSegment(rows: 2..<4, prefix: 0..<2),
                AttentionSegment(rows: 4..<5),
            ]
        )
        #expect(batch.length == 4)
        let model = PackedBatch(sequences: [[1, 2, 3], [4]])
        #expect(model.targets == [2, 3])
        #expect(model.predictors == [0, 1])
    }

    @Test("greedy tokens are the arg-max of teacher forcing", arguments: GoldenTests.names)
    func greedy(name: String) throws {
        let decoder = try decoder(name)
        let settings = SamplingSettings(maxTokens: 20, temperature: 0)
        let completions = decoder.generate(
            prompts: prompts,
            samplesPerPrompt: 2,
            settings: settings,
            stream: stream
        )
        let groups = zip(prompts, completions).map { ($0, $1.map(\.tokens)) }
        let scores = decoder.scores(of: PackedBatch(groups: groups))
        for (completion, score) in zip(completions.joined(), scores.joined()) {
            #expect(completion.tokens.count == 20)
            #expect(!completion.finished)
            #expect(score.isGreedy)
            #expect(abs(score.logProb - completion.logProbs.reduce(0.0) { $0 + Double($1) }) < 1e-3)
        }
        #expect(completions.allSatisfy { $0[0] == $0[1] })
    }

    @Test("log-probabilities of samples match teacher forcing to 1e-4", arguments: [1, 0.7, 1.7] as [Float])
    func logProbs(temperature: Float) throws {
        let decoder = try decoder()
        let settings = SamplingSettings(maxTokens: 24, temperature: temperature, stop: 2)
        let completions = decoder.generate(
            prompts: prompts,
            samplesPerPrompt: 6,
            settings: settings,
            stream: stream
        )
        let groups = zip(prompts, completions).map { ($0, $1.map(\.tokens)) }
        let forced = decoder.responseLogProbs(
            tape: Tape(recording: false),
            batch: PackedBatch(groups: groups),
            temperature: temperature
        )
        let sampled = completions.joined().flatMap(\.logProbs)
        #expect(forced.count == sampled.count)
        #expect(zip(forced.values, sampled).allSatisfy { abs($0 - $1) < 1e-4 })
        for completion in completions.joined() {
            #expect(completion.finished == (completion.tokens.last == 2))
            #expect(completion.tokens.dropLast().allSatisfy { $0 != 2 })
            #expect(completion.finished || completion.tokens.count == 24)
        }
        #expect(completions.joined().contains { $0.finished })
        #expect(Set(completions.joined().map(\.tokens)).count > 12)
    }

    @Test("a sample depends on its own stream and prompt only")
    func independence() throws {
        let decoder = try decoder()
        let settings = SamplingSettings(maxTokens: 12, stop: 2)
        let all = decoder.generate(prompts: prompts, samplesPerPrompt: 4, settings: settings, stream: stream)
        for (index, prompt) in prompts.enumerated() {
            let alone = decoder.generate(
                prompts: [prompt],
                samplesPerPrompt: 1,
                settings: settings,
                stream: { _, _ in stream(index, 2) }
            )
            #expect(alone[0][0] == all[index][2])
        }
        for slots in [1, 3, 5, 16] {
            let again = decoder.generate(
                prompts: prompts,
                samplesPerPrompt: 4,
                settings: settings,
                slots: slots,
                stream: stream
            )
            #expect(again == all, "\(slots) slots")
        }
        let backwards = decoder.generate(
            prompts: prompts.reversed(),
            samplesPerPrompt: 4,
            settings: settings,
            slots: 6,
            stream: { prompt, sample in stream(prompts.count - 1 - prompt, sample) }
        )
        #expect(backwards.reversed() == all)
    }

    @Test("a cache of half precision keeps log-probabilities to 2e-3 of the training path's")
    func halfCache() throws {
        let decoder = try decoder()
        decoder.cachePrecision = .half
        let settings = SamplingSettings(maxTokens: 24)
        let completions = decoder.generate(
            prompts: prompts,
            samplesPerPrompt: 6,
            settings: settings,
            slots: 7,
            stream: stream
        )
        let groups = zip(prompts, completions).map { ($0, $1.map(\.tokens)) }
        let forced = decoder.responseLogProbs(
            tape: Tape(recording: false),
            batch: PackedBatch(groups: groups)
        )
        let sampled = completions.joined().flatMap(\.logProbs)
        #expect(distance(sampled, forced.values) < 2e-3)
        #expect(distance(sampled, forced.values) > 1e-5)
        let again = decoder.generate(
            prompts: prompts,
            samplesPerPrompt: 6,
            settings: settings,
            slots: 24,
            stream: stream
        )
        #expect(again == completions)
    }

    @Test("samples follow the distribution: frequencies of first tokens are within five standard errors")
    func frequencies() throws {
        let decoder = try decoder()
        let batch = PackedBatch(groups: [(prompts[0], (0..<50).map { [Int32($0)] })])
        let exact = decoder.scores(of: batch, temperature: 1.3)[0].map(\.logProb)
        let count = 4000
        let settings = SamplingSettings(maxTokens: 1, temperature: 1.3)
        let drawn = decoder.generate(
            prompts: [prompts[0]],
            samplesPerPrompt: count,
            settings: settings,
            stream: stream
        )[0]
        var counts = [Int](repeating: 0, count: 50)
        for completion in drawn { counts[Int(completion.tokens[0])] += 1 }
        for token in 0..<50 {
            let p = exp(exact[token])
            let error = (p * (1 - p) / Double(count)).squareRoot() + 1 / Double(count)
            #expect(abs(Double(counts[token]) / Double(count) - p) < 5 * error, "token \(token)")
        }
        #expect(abs(exact.reduce(0.0) { $0 + exp($1) } - 1) < 1e-5)
    }

    @Test("top-p draws only from the nucleus and renormalises; forbidden tokens are never drawn")
    func nucleus() throws {
        let decoder = try decoder()
        let batch = PackedBatch(groups: [(prompts[1], (0..<50).map { [Int32($0)] })])
        let exact = decoder.scores(of: batch)[0].map { exp($0.logProb) }
        let order = exact.indices.sorted { exact[$0] > exact[$1] }
        var (inside, mass): (Set<Int32>, Double) = ([], 0)
        for token in order where mass < 0.6 {
            inside.insert(Int32(token))
            mass += exact[token]
        }
        func draw(_ settings: SamplingSettings) -> [Completion] {
            decoder.generate(
                prompts: [prompts[1]],
                samplesPerPrompt: 500,
                settings: settings,
                stream: stream
            )[0]
        }
        let drawn = draw(SamplingSettings(maxTokens: 1, topP: 0.6))
        #expect(Set(drawn.map { $0.tokens[0] }) == inside)
        for completion in drawn {
            let expected = exact[Int(completion.tokens[0])] / mass
            #expect(abs(exp(Double(completion.logProbs[0])) - expected) < 1e-4)
        }
        let best = Int32(order[0])
        #expect(draw(SamplingSettings(maxTokens: 1, forbidden: [best])).allSatisfy { $0.tokens[0] != best })
        let second = draw(SamplingSettings(maxTokens: 1, temperature: 0, forbidden: [best]))
        #expect(second[0].tokens == [Int32(order[1])])
    }

    @Test("the base model's samples come from the same decoder without its adapter")
    func baseOnly() throws {
        let decoder = try decoder()
        let bare = LanguageDecoder(decoder.parameters)
        let settings = SamplingSettings(maxTokens: 8)
        let off = decoder.generate(
            prompts: prompts,
            samplesPerPrompt: 2,
            settings: settings,
            withAdapter: false,
            stream: stream
        )
        #expect(
            off == bare.generate(prompts: prompts, samplesPerPrompt: 2, settings: settings, stream: stream)
        )
        #expect(
            off != decoder.generate(prompts: prompts, samplesPerPrompt: 2, settings: settings, stream: stream)
        )
    }

    @Test(
        "an adapter that diverged ends its samples unfinished instead of trapping",
        arguments: [0, 1] as [Float]
    )
    func diverged(temperature: Float) throws {
        let golden = try GoldenModel("tiny-tied")
        for parameter in golden.adapter.parameters { parameter.values.update(repeating: 1e30) }
        let completions = LanguageDecoder(golden.base, adapter: golden.adapter).generate(
            prompts: prompts,
            samplesPerPrompt: 2,
            settings: SamplingSettings(maxTokens: 4, temperature: temperature),
            stream: stream
        )
        #expect(completions.count == prompts.count)
        #expect(completions.joined().allSatisfy { $0.tokens.isEmpty && !$0.finished })
    }

    @Test("sampling settings out of range are refused when they are read")
    func settings() throws {
        func read(_ json: String) throws -> SamplingSettings {
            try JSONDecoder().decode(SamplingSettings.self, from: Data(json.utf8))
        }
        #expect(try read(#"{"maxTokens":5}"#) == SamplingSettings(maxTokens: 5))
        for json in [#"{"maxTokens":0}"#, #"{"maxTokens":5,"topP":0}"#, #"{"maxTokens":5,"temperature":-1}"#]
        {
            #expect(throws: DecodingError.self) { try read(json) }
        }
    }

    @Test("a fresh adapter changes nothing")
    func freshAdapter() throws {
        let base = try BaseModel.load(.directory(Golden.path("tiny-tied")))
        let decoder = LanguageDecoder(base, adapter: try Adapter(for: base, LoRAConfiguration(), seed: 3))
        let batch = try PackedBatch(groups: Golden.groups())
        #expect(decoder.scores(of: batch) == decoder.scores(of: batch, withAdapter: false))
    }

    @Test("a hook sees every layer boundary and what it returns goes on")
    func boundaries() throws {
        let decoder = try decoder()
        let batch = try PackedBatch(groups: Golden.groups())
        let tape = Tape(recording: false)
        var seen: [Int] = []
        let plain = decoder.hidden(tape: tape, batch: batch)
        let watched = decoder.hidden(tape: tape, batch: batch) { _, index, residual in
            seen.append(index)
            #expect(residual.shape == [batch.tokens.count, 32])
            return residual
        }
        let changed = decoder.hidden(tape: tape, batch: batch) { tape, index, residual in
            index == 1 ? tape.add(residual, residual) : residual
        }
        #expect(seen == [0, 1, 2])
        #expect(distance(plain.values, watched.values) == 0)
        #expect(distance(plain.values, changed.values) > 1e-3)
    }

    @Test("trainable weights learn a sequence, are written, and load as a base model with the same scores")
    func pretraining() throws {
        let model = DecoderConfiguration(
            hiddenSize: 24,
            layerCount: 2,
            headCount: 2,
            intermediateSize: 32,
            vocabularySize: 12,
            positionsMax: 32
        )
        let parameters = DecoderParameters(random: model, seed: 4)
        let decoder = LanguageDecoder(parameters)
        let batch = PackedBatch(groups: [([1, 3, 4], [[5, 6, 2]]), ([1, 7], [[8, 2]])])
        var optimiser = AdamW(learningRate: 1e-2, beta2: 0.95, weightDecay: 0.01)
        let before = decoder.scores(of: batch)
        for _ in 0..<40 {
            zeroGradients(parameters.trainable)
            let tape = Tape(workspace: decoder.workspace)
            let logProbs = decoder.responseLogProbs(tape: tape, batch: batch)
            tape.backward(from: logProbs, seed: [Float](repeating: -0.2, count: 5))
            optimiser.step(parameters: parameters.trainable)
        }
        let after = decoder.scores(of: batch)
        #expect(before.joined().allSatisfy { $0.logProb < -3 })
        #expect(after.joined().allSatisfy { $0.isGreedy && $0.logProb > -0.5 })

        let scratch = try Scratch()
        try parameters.write(toDirectory: scratch.path + "/model")
        let base = try BaseModel.load(.directory(scratch.path + "/model"))
        #expect(base.configuration == model)
        #expect(LanguageDecoder(base).scores(of: batch) == after)
        #expect(
            DecoderParameters(random: model, seed: 4).arrays()
                == DecoderParameters(random: model, seed: 4).arrays()
        )
    }

    @Test("activations that are computed again give the same gradients, bit for bit, and take less memory")
    func recomputes() throws {
        func step(_ recomputes: Bool) throws -> (gradients: [[Float]], reserved: Int, stated: Int) {
            let model = DecoderConfiguration(
                hiddenSize: 32,
                layerCount: 8,
                headCount: 2,
                intermediateSize: 64,
                vocabularySize: 12
            )
            let parameters = DecoderParameters(random: model, seed: 4)
            let decoder = LanguageDecoder(parameters)
            decoder.recomputes = recomputes
            let tape = Tape(workspace: decoder.workspace)
            let batch = PackedBatch(groups: [([1, 3, 4], [Array(repeating: 5, count: 40), [5, 2]])])
            let logProbs = decoder.responseLogProbs(tape: tape, batch: batch)
            tape.backward(from: logProbs, seed: [Float](repeating: -0.2, count: 42))
            let gradients = parameters.trainable.map { Array($0.gradient ?? .init(start: nil, count: 0)) }
            return (gradients, decoder.workspace.bytesReserved, decoder.activationBytesPerToken)
        }
        let (kept, again) = (try step(false), try step(true))
        #expect(again.gradients == kept.gradients)
        #expect(again.reserved * 3 < kept.reserved * 2)
        #expect(again.stated * 2 < kept.stated)
    }

    @Test("rows that predict nothing go no further than the last block's attention, to the same values")
    func fewerRows() throws {
        let golden = try GoldenModel("tiny-tied")
        let decoder = LanguageDecoder(golden.base, adapter: golden.adapter)
        let prompt: [Int32] = [1, 17, 4, 33, 8, 3, 9]
        let batch = PackedBatch(groups: [(prompt, [[5, 6], [7]])])
        func gradients(_ boundary: LayerBoundary?) -> ([Float], [[Float]]) {
            zeroGradients(golden.adapter.parameters)
            let tape = Tape()
            let logProbs = decoder.responseLogProbs(tape: tape, batch: batch, boundary: boundary)
            tape.backward(from: logProbs, seed: [1, -2, 3])
            let gradients = golden.adapter.parameters.map {
                Array($0.gradient ?? .init(start: nil, count: 0))
            }
            return (logProbs.toArray(), gradients)
        }
        // Somebody who looks at boundaries sees all rows.
        let (whole, few) = (gradients { _, _, residual in residual }, gradients(nil))
        #expect(distance(few.0, whole.0) < 1e-6)
        for (one, other) in zip(few.1, whole.1) { #expect(distance(one, other) < 1e-5) }
    }

    @Test("random weights have the recipe's standard deviations")
    func initialisation() throws {
        let model = DecoderConfiguration(
            hiddenSize: 96,
            layerCount: 2,
            headCount: 4,
            intermediateSize: 256,
            vocabularySize: 32
        )
        for array in DecoderParameters(random: model, seed: 7).arrays() {
            let mean = array.values.reduce(0.0) { $0 + Double($1) } / Double(array.values.count)
            let square =
                array.values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(array.values.count)
            let expected =
                if array.shape.count == 1 { 1.0 } else if array.name.contains("embed") { 0.051 } else {
                    0.7 / Double(array.shape[1]).squareRoot()
                }
            #expect(abs(square.squareRoot() / expected - 1) < 0.05, "\(array.name)")
            #expect(array.shape.count == 1 || abs(mean) < 0.1 * expected, "\(array.name)")
        }
    }
}
