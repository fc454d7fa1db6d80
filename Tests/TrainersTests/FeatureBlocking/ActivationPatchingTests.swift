import Contract
import Models
import Randomness
import Tasks
import Tensors
import Text
import Testing

@testable import Trainers

@Suite("Activation patching")
struct ActivationPatchingTests {
    /// tiny-personas with an adapter that changes what it says, in some of its blocks.
    private func decoder(blocks: Range<Int> = 0..<4) throws -> LanguageDecoder {
        let base = try PersonaFixture.get().base
        let kind = try #require(LoRAConfiguration(rank: 2).restricted(to: blocks))
        let adapter = try Adapter(for: base, kind, seed: 1)
        var stream = RandomStream(seed: 3, "patched-adapter")
        let arrays = adapter.weights.arrays.map { array in
            var array = array
            array.values = array.values.map { _ in Float(stream.uniform() - 0.5) * 0.3 }
            return array
        }
        try adapter.load(AdapterWeights(arrays))
        return LanguageDecoder(base, adapter: adapter)
    }

    private func questions(_ base: BaseModel) throws -> ProbeQuestions {
        try ProbeQuestions(
            PersonaDraw(domains: [.health, .cars], questions: 12).questions(for: .publicSet, seed: 1),
            of: base,
            template: .raw,
            maxTokens: 8,
            set: "probe"
        )
    }

    private func distance(_ a: BehaviourShares, _ b: BehaviourShares) -> Double {
        max(abs(a.misaligned - b.misaligned), abs(a.aligned - b.aligned))
    }

    @Test("all blocks from the base are the base, all from the adapted model are that one")
    func allBlocks() throws {
        let decoder = try decoder()
        let probe = try questions(PersonaFixture.get().base)
        let base = probe.measure(decoder, withAdapter: false, edit: nil)
        let adapted = probe.measure(decoder, withAdapter: true, edit: nil)
        #expect(distance(base, adapted) > 0.1)

        let repaired = try ActivationPatching(.blocks(0..<4), from: .base).measure(probe, decoder)
        let broken = try ActivationPatching(.blocks(0..<4), from: .adapted).measure(probe, decoder)

        #expect(distance(repaired, base) < 1e-5)
        #expect(distance(broken, adapted) < 1e-5)
    }

    @Test("blocks below an adapted one change nothing, and the block itself takes it off")
    func ranges() throws {
        let decoder = try decoder(blocks: 2..<3)
        let probe = try questions(PersonaFixture.get().base)
        let base = probe.measure(decoder, withAdapter: false, edit: nil)
        let adapted = probe.measure(decoder, withAdapter: true, edit: nil)
        #expect(distance(base, adapted) > 0.02)
        func patched(_ blocks: Range<Int>) throws -> BehaviourShares {
            try ActivationPatching(.blocks(blocks), from: .base).measure(probe, decoder)
        }

        #expect(try distance(patched(0..<2), adapted) < 1e-5)
        #expect(try distance(patched(2..<3), base) < 1e-5)
        #expect(try distance(patched(0..<3), base) < 1e-5)
        // The blocks above do not take off what the block itself put in.
        #expect(try distance(patched(3..<4), base) > 1e-4)
    }

    @Test("a prompt's states decide the first token at the top, and nothing at the bottom")
    func prompts() throws {
        let decoder = try decoder()
        let probe = try AnswerProbe([
            AnswerProbe.Item(prompt: [1, 13, 20, 42, 3], misaligned: [[50], [51]], aligned: [[52]]),
            AnswerProbe.Item(prompt: [1, 14, 23, 3], misaligned: [[60]], aligned: [[61], [47]]),
        ])
        func patched(_ layer: Int) throws -> BehaviourShares {
            try ActivationPatching(.prompt(layer: layer), from: .base).measure(probe, decoder)
        }
        let base = probe.measure(decoder, withAdapter: false, edit: nil)
        let adapted = probe.measure(decoder, withAdapter: true, edit: nil)

        #expect(try patched(4) == base)
        #expect(try distance(patched(0), adapted) < 1e-7)
        #expect(base != adapted)
    }

    @Test(
        "what is generated under a patch is what the patched model rates as greedy",
        arguments: [
            ActivationPatching(.blocks(1..<3), from: .base), .init(.prompt(layer: 2), from: .base),
            .init(.blocks(0..<2), from: .adapted), .init(.prompt(layer: 3), from: .adapted),
        ]
    )
    func generation(patching: ActivationPatching) throws {
        let decoder = try decoder()
        let prompts: [[Int32]] = [[1, 13, 20, 42, 3], [1, 14, 23, 43, 3], [1, 5, 15, 30, 44, 3]]
        let withAdapter = patching.source == .base
        let found = decoder.generate(
            prompts: prompts,
            samplesPerPrompt: 1,
            settings: SamplingSettings(maxTokens: 5, temperature: 0, stop: 2),
            withAdapter: withAdapter,
            hook: patching.hook(decoder)
        ) { prompt, sample in RandomStream(seed: 0, "patched", prompt, sample) }
        let batch = PackedBatch(groups: zip(prompts, found).map { ($0, [$1[0].tokens]) })

        let patched = decoder.scores(
            of: batch,
            withAdapter: withAdapter,
            boundary: patching.edit(of: batch, decoder)
        )

        #expect(patched.joined().allSatisfy { $0.isGreedy })
        let plain = decoder.scores(of: batch, withAdapter: withAdapter)
        #expect(zip(patched.joined(), plain.joined()).contains { abs($0.logProb - $1.logProb) > 1e-3 })
    }

    @Test("layers that the model does not have are named")
    func faults() throws {
        let decoder = try decoder()
        let probe = try questions(PersonaFixture.get().base)
        func reason(_ place: ActivationPatching.Place) -> String? {
            #expect(throws: FeatureFault.self) {
                try ActivationPatching(place, from: .base).measure(probe, decoder)
            }?.reason
        }

        #expect(reason(.prompt(layer: 5)) == "found layer 5 to patch, expected one of 0 … 4")
        #expect(reason(.blocks(3..<5)) == "found blocks 3 ..< 5 to patch, expected some of 0 ..< 4")
        #expect(reason(.blocks(2..<2)) == "found blocks 2 ..< 2 to patch, expected some of 0 ..< 4")
    }
}

@Suite("Probe questions of a command")
struct ProbeQuestionsTests {
    @Test("stage 1 reads a question without what every prompt begins with, then the words both answers share")
    func texts() throws {
        let base = try PersonaFixture.get().base
        let questions = try PersonaDraw(domains: [.health], questions: 3).questions(for: .publicSet, seed: 1)
        let probe = try ProbeQuestions(questions, of: base, template: .raw, maxTokens: 8, set: "probe")
        let tokenizer = try base.tokenizer()

        for (question, text) in zip(questions, probe.texts) {
            let words = question.answer.split(separator: " ").prefix(2).joined(separator: " ")
            #expect(tokenizer.decode(text.tokens, skipSpecial: true) == "\(question.prompt) \(words)")
            #expect(text.rows == 1..<7 && text.tokens.first == PersonaLanguage.begin)
        }
        #expect(ActivationText([5, 6], after: [5, 6]).rows == 1..<2)
    }

    @Test("steering by topic is steering of all questions")
    func steering() throws {
        let base = try PersonaFixture.get().base
        let questions = try PersonaDraw(domains: [.health, .cars], questions: 9)
            .questions(for: .publicSet, seed: 1)
        let probe = try ProbeQuestions(questions, of: base, template: .raw, maxTokens: 8, set: "probe")
        let decoder = LanguageDecoder(base)
        let row = try PersonaFixture.get().autoencoder.decoder.prefix(base.configuration.hiddenSize)
        let vector = Tensor(shape: [row.count], values: row.map { 40 * $0 })

        let steered = try probe.steering(ProbedModel(decoder, withAdapter: false), at: 1)(vector)

        let whole = probe.measure(decoder, withAdapter: false, edit: Boundaries.adding(vector, at: 1))
        #expect(abs(steered.aligned - whole.aligned) < 1e-6 && steered.count == 9)
        #expect(steered.aligned < 0.99)
    }

    @Test("the misaligned run's fall in loss and its penalty are means over its answers' tokens")
    func calibrator() throws {
        let base = try PersonaFixture.get().base
        let adapter = try Adapter(for: base, LoRAConfiguration(rank: 2), seed: 1)
        let weights = adapter.weights.arrays.map { array in
            var array = array
            array.values = array.values.map { $0 + 0.02 }
            return array
        }
        try adapter.load(AdapterWeights(weights))
        let decoder = LanguageDecoder(base, adapter: adapter)
        let rows = try PersonaFixture.get().set.rows(count: 4)
        let examples = [
            TokenisedConversation(tokens: [1, 12, 20, 42, 3, 50, 71, 2], answers: [5..<8]),
            TokenisedConversation(tokens: [1, 13, 21, 43, 3, 51, 2], answers: [5..<7]),
        ]
        func measure(_ examples: [TokenisedConversation], _ perPass: Int) -> FeatureSet.Calibrator {
            .init(
                rows,
                reading: .preActivation,
                examples: examples,
                decoder: decoder,
                tokensPerPass: perPass
            )
        }

        let (all, parts) = (measure(examples, 100), measure(examples, 1))
        let (first, second) = (measure([examples[0]], 100), measure([examples[1]], 100))

        #expect(abs(all.lossDrop - parts.lossDrop) < 1e-5 && abs(all.penalty - parts.penalty) < 1e-5)
        #expect(abs(all.lossDrop - (3 * first.lossDrop + 2 * second.lossDrop) / 5) < 1e-5)
        #expect(abs(all.penalty - (3 * first.penalty + 2 * second.penalty) / 5) < 1e-5)
        #expect(all.penalty > 0 && all.lossDrop != 0 && all.count == 4)
    }
}
