import Contract
import Foundation
import Randomness
import Tensors
import Testing

@testable import Models

@Suite("Attention kinds")
struct AttentionKindTests {
    /// Every kind with the settings that change what it computes.
    static let kinds: [AnyAttention] = [
        AnyAttention(SoftmaxAttention()),
        AnyAttention(LinearAttention(normaliser: .none)),
        AnyAttention(LinearAttention(normaliser: .count)),
        AnyAttention(LinearAttention(normaliser: .positive)),
        AnyAttention(HyperFeatureAttention(order: 2)),
        AnyAttention(HyperFeatureAttention(order: 3, hyperValue: true, factorSize: 6)),
        AnyAttention(HyperFeatureAttention(order: 2, factorSize: 3, rotaryFactors: false)),
        AnyAttention(HyperAttention(order: 3, form: .exact)),
        AnyAttention(HyperAttention(order: 3, rank: 6, form: .exact, windows: [4, 2])),
        AnyAttention(HyperAttention(order: 4, form: .exact, isShared: true)),
        AnyAttention(HyperAttention(order: 3, form: .linear)),
        AnyAttention(HyperAttention(order: 3, form: .linear, normaliser: .positive, isShared: true)),
        AnyAttention(
            MixedAttention([
                .init(heads: 2, SoftmaxAttention()), .init(heads: 1, HyperFeatureAttention()),
                .init(heads: 1, HyperAttention(order: 3, form: .linear)),
            ])
        ),
    ]

    static func model(_ kind: AnyAttention) -> DecoderConfiguration {
        DecoderConfiguration(
            hiddenSize: 24,
            layerCount: 2,
            headCount: 4,
            headSize: 6,
            intermediateSize: 20,
            vocabularySize: 11,
            positionsMax: 48
        ).with(attention: [kind.kind])
    }

    /// A decoder of random weights, those included that a fresh model starts without.
    private func decoder(_ kind: AnyAttention) -> LanguageDecoder {
        let parameters = DecoderParameters(random: AttentionKindTests.model(kind), seed: 3)
        for (index, tensor) in parameters.trainable.enumerated()
        where tensor.values.allSatisfy({ $0 == 0 }) {
            var source = GaussianSource(RandomStream(seed: 5, "fill", index))
            for place in tensor.values.indices { tensor.values[place] = Float(source.next() * 0.2) }
        }
        return LanguageDecoder(parameters)
    }

    private let groups: [(prompt: [Int32], responses: [[Int32]])] = [
        ([1, 4, 2, 7, 3], [[5, 6, 0], [2, 2, 8, 9, 1]]), ([3], [[4]]),
        ([6, 6, 1], [[1, 10, 4, 4, 0], [0]]),
    ]

    @Test("what is sampled over a cache has the log-probabilities of a pass over the whole", arguments: kinds)
    func cache(kind: AnyAttention) {
        let decoder = decoder(kind)
        let prompts: [[Int32]] = [[1, 4, 2, 7, 3, 1, 1], [3], [9, 8, 7]]
        let completions = decoder.generate(
            prompts: prompts,
            samplesPerPrompt: 3,
            settings: SamplingSettings(maxTokens: 20)
        ) { RandomStream(seed: 8, "sample", $0, $1) }

        let batch = PackedBatch(
            groups: zip(prompts, completions).map { (prompt: $0, responses: $1.map(\.tokens)) }
        )
        let logProbs = decoder.responseLogProbs(tape: Tape(recording: false), batch: batch).toArray()

        let sampled = completions.joined().flatMap(\.logProbs)
        #expect(sampled.count == 180)
        #expect(distance(sampled, logProbs) < 2e-4)
    }

    @Test("a shared prompt gives what each response gives alone", arguments: kinds)
    func sharing(kind: AnyAttention) {
        let decoder = decoder(kind)
        let together = decoder.scores(of: PackedBatch(groups: groups)).map { $0.map { Float($0.logProb) } }
        let apart = groups.map { group in
            group.responses.map { response in
                Float(decoder.scores(of: PackedBatch(groups: [(group.prompt, [response])]))[0][0].logProb)
            }
        }
        #expect(distance(together.flatMap { $0 }, apart.flatMap { $0 }) < 1e-5)
    }

    @Test("a later token changes nothing before it", arguments: kinds)
    func causality(kind: AnyAttention) {
        let decoder = decoder(kind)
        func states(_ last: Int32) -> [Float] {
            let batch = PackedBatch(groups: [([1, 4, 2, 7, last], [])])
            return Array(decoder.hidden(tape: Tape(recording: false), batch: batch).toArray().prefix(4 * 24))
        }
        #expect(states(3) == states(8))
    }

    @Test("gradients of a decoder are the differences of its loss", arguments: kinds)
    func gradients(kind: AnyAttention) {
        let decoder = decoder(kind)
        // Embeddings of about one, so that a norm is nearly linear over a step.
        for place in 0..<11 * 24 { decoder.parameters.trainable[0].values[place] *= 20 }
        let batch = PackedBatch(groups: groups)
        let weights = (0..<batch.targets.count).map { Float($0 % 3) - 0.7 }
        func loss() -> Double {
            let values = decoder.responseLogProbs(tape: Tape(recording: false), batch: batch).toArray()
            return zip(values, weights).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        zeroGradients(decoder.parameters.trainable)
        let tape = Tape()
        tape.backward(from: decoder.responseLogProbs(tape: tape, batch: batch), seed: weights)

        var stream = RandomStream(seed: 1, "direction")
        for tensor in decoder.parameters.trainable {
            let direction = tensor.values.indices.map { _ in Float(2 * stream.uniform() - 1) }
            let values = tensor.toArray()
            func shifted(_ step: Float) -> Double {
                for index in values.indices { tensor.values[index] = values[index] + step * direction[index] }
                defer { _ = tensor.values.update(fromContentsOf: values) }
                return loss()
            }
            func difference(_ step: Float) -> Double {
                (shifted(step) - shifted(-step)) / (2 * Double(step))
            }
            let numeric = (4 * difference(0x1p-8) - difference(0x1p-7)) / 3
            let gradient = tensor.gradient.map(Array.init) ?? []
            let analytic = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            #expect(abs(numeric - analytic) < 6e-3 * max(1, abs(analytic)), "\(tensor.shape)")
        }
    }

    /// A layer of a kind over 6 rows without positions, as in a graph: what `pattern` gives with projections that
    /// are random, but for those of `row`, which are multiplied.
    private func layer(
        _ kind: AnyAttention,
        _ pattern: AttentionPattern,
        scaling row: Int = 0,
        by factor: Float = 1
    ) -> [Float] {
        let shape = AttentionKindTests.model(kind).headShape
        let widths = Dictionary(uniqueKeysWithValues: kind.kind.inputs(shape).map { ($0.name, $0.width) })
        let pass = AttentionPass(tape: Tape(recording: false), shape: shape) { name in
            let width = widths[name] ?? 0
            var source = GaussianSource(RandomStream(seed: 4, "layer", name))
            var values = (0..<6 * width).map { _ in Float(source.next()) }
            for place in row * width..<(row + 1) * width { values[place] *= factor }
            return Tensor(shape: [6, width], values: values)
        }
        return kind.kind.attend(pass, pattern).toArray()
    }

    private let graph = [AttentionSegment(rows: 0..<6)]

    @Test("a mask hides a row from those that it says, without causality as well", arguments: kinds)
    func masks(kind: AnyAttention) {
        var allowed = [UInt8](repeating: 1, count: 36)
        for row in 0..<5 { allowed[row * 6 + 5] = row == 2 ? 1 : 0 }
        let mask = AttentionMask(rows: 6, columns: 6, allowed: allowed)
        let pattern = AttentionPattern(segments: graph, isCausal: false, masks: [mask])

        let plain = layer(kind, pattern)
        let changed = layer(kind, pattern, scaling: 5, by: -2)

        let width = plain.count / 6
        for row in 0..<6 {
            let range = row * width..<(row + 1) * width
            let moved = distance(plain[range], changed[range])
            #expect(row == 2 || row == 5 ? moved > 1e-4 : moved < 1e-6, "row \(row): \(moved)")
        }
        let open = layer(kind, AttentionPattern(segments: graph, isCausal: false))
        let causal = layer(kind, AttentionPattern(segments: graph))
        #expect(distance(open, causal) > 1e-3)
        #expect(distance(open.suffix(width), causal.suffix(width)) < 1e-5)
    }

    @Test(
        "a bias of −∞ is as good as a mask, for kinds that have scores",
        arguments: kinds.filter { $0.kind.takesBias && !($0.kind is MixedAttention) } + [
            AnyAttention(
                MixedAttention([
                    .init(heads: 1, SoftmaxAttention()), .init(heads: 3, HyperFeatureAttention()),
                ])
            )
        ]
    )
    func biases(kind: AnyAttention) {
        let allowed = (0..<36).map { UInt8($0 % 6 == 4 ? 0 : 1) }
        let mask = AttentionMask(rows: 6, columns: 6, allowed: allowed)
        let values = (0..<4).flatMap { _ in allowed.map { $0 == 0 ? -1e9 : Float(0) } }
        let bias = Tensor(shape: [4, 6, 6], values: values)

        let masked = layer(kind, AttentionPattern(segments: graph, isCausal: false, masks: [mask]))
        let biased = layer(kind, AttentionPattern(segments: graph, isCausal: false, biases: [bias]))

        #expect(distance(masked, biased) < 1e-5)
    }

    @Test("a model of any kind is written and read with its kind, and other programs' type", arguments: kinds)
    func checkpoint(kind: AnyAttention) throws {
        let scratch = try Scratch()
        let decoder = decoder(kind)
        try decoder.parameters.write(toDirectory: scratch.path + "/model")

        let base = try BaseModel.load(.directory(scratch.path + "/model"))

        #expect(base.configuration == decoder.configuration)
        let written = try String(contentsOfFile: scratch.path + "/model/config.json", encoding: .utf8)
        #expect(written.contains(kind.kind is SoftmaxAttention ? #": "llama""# : #": "tributary""#))
        let batch = PackedBatch(groups: groups)
        #expect(LanguageDecoder(base).scores(of: batch) == decoder.scores(of: batch))
    }

    @Test("LoRA sits on every linear map that a kind declares, under PEFT's names", arguments: kinds)
    func adapters(kind: AnyAttention) throws {
        let scratch = try Scratch()
        let model = AttentionKindTests.model(kind)
        let names = model.moduleNames
        let lora = LoRAConfiguration(rank: 2, targets: names)
        let adapter = try Adapter(for: model, lora, seed: 1)
        #expect(adapter.parameters.count == 2 * 2 * names.count)
        #expect(adapter.names.contains("base_model.model.model.layers.1.self_attn.\(names[0]).lora_B.weight"))

        try AdapterDirectory.write(adapter.weights, lora, baseModelName: "x", to: scratch.path + "/a")
        let (weights, _) = try AdapterDirectory.read(from: scratch.path + "/a", for: model)
        #expect(weights.hasSameLayout(as: adapter.weights))
    }

    @Test("a target means every module of that name, in mixed heads too")
    func targets() throws {
        let model = AttentionKindTests.model(try #require(AttentionKindTests.kinds.last))
        let adapter = try Adapter(for: model, LoRAConfiguration(rank: 1, targets: ["q_proj"]), seed: 1)
        #expect(
            Set(adapter.names.compactMap { AdapterNames.parse($0)?.module })
                == ["heads_0.q_proj", "heads_1.q_proj", "heads_2.q_proj"]
        )
    }

    @Test("kinds whose settings do not fit the model are refused with the reason")
    func faults() throws {
        let shape = HeadShape(hiddenSize: 24, heads: 4, keyValueHeads: 2, headSize: 6)
        let faults: [(any AttentionKind, String)] = [
            (HyperFeatureAttention(order: 0), "order 0"), (HyperFeatureAttention(factorSize: 3), "odd"),
            (HyperAttention(order: 1), "order 1"), (LinearAttention(), "key-value heads"),
            (MixedAttention([.init(heads: 3, SoftmaxAttention())]), "heads"),
            (
                MixedAttention([.init(heads: 1, SoftmaxAttention()), .init(heads: 3, SoftmaxAttention())]),
                "whole share"
            ),
            (
                MixedAttention([
                    .init(heads: Int.max, SoftmaxAttention()), .init(heads: Int.max, SoftmaxAttention()),
                ]), "add up"
            ),
            (MixedAttention([]), "add up"),
        ]
        for (kind, reason) in faults {
            let fault = try #require(kind.fault(shape), "\(kind)")
            #expect(fault.contains(reason), "\(fault)")
        }
        #expect(SoftmaxAttention().fault(shape) == nil)
        var equal = shape
        equal.keyValueHeads = 4
        #expect(HyperAttention(windows: [2, 1]).fault(equal)?.contains("exact form") == true)
        #expect(HyperAttention(form: .exact, windows: [3]).fault(equal)?.contains("expected 2") == true)
        #expect(HyperAttention(form: .exact, windows: [3, 1]).fault(equal) == nil)
        #expect(HyperAttention(order: 5, form: .exact).fault(equal)?.contains("needs windows") == true)
    }

    @Test(
        "settings that mean nothing are refused with what was expected",
        arguments: [
            (#"{"kind":"flash"}"#, "'softmax', 'linear', 'hyperFeature', 'hyper', 'mixed'"),
            ("flash", "'flash' is no"),
            (#"{"kind":"hyper","ordr":5}"#, "no key 'ordr'"),
            (#"{"kind":"hyper","form":"exakt"}"#, "'exakt' is not one of 'exact', 'linear'"),
            (#"{"kind":"mixed"}"#, "groups"), (#"softmax","x":"y"#, "is no attention kind"), ("{", "JSON"),
        ]
    )
    func words(text: String, part: String) {
        let error = #expect(throws: CheckpointError.self) {
            try AttentionKinds.parse(text, source: "--attention")
        }
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        #expect(error?.description.hasPrefix("--attention: ") == true)
    }

    @Test("configurations that no decoder can have are errors that name the key")
    func configurations() throws {
        let scratch = try Scratch()
        let parameters = DecoderParameters(
            random: AttentionKindTests.model(AnyAttention(HyperAttention())),
            seed: 1
        )
        try parameters.write(toDirectory: scratch.path + "/m")
        let text = try String(contentsOfFile: scratch.path + "/m/config.json", encoding: .utf8)
        for (old, new, part) in [
            (#""num_hidden_layers" : 2"#, #""num_hidden_layers" : -1"#, "num_hidden_layers: -1"),
            (
                #""num_hidden_layers" : 2"#, #""num_hidden_layers" : 10000000000000"#,
                "num_hidden_layers: 1000"
            ),
            (#""model_type" : "tributary""#, #""model_type" : "llama""#, "attention: only the model_type"),
            (
                #""model_type" : "tributary""#, #""model_type" : "gpt2""#,
                "'gpt2' is not read, only 'llama', 'mistral', 'qwen2'"
            ),
            (#""order" : 3"#, #""order" : 99"#, "attention: hyper: order 99"),
        ] {
            let changed = text.replacingOccurrences(of: old, with: new)
            #expect(changed != text, "\(old)")
            let file = try scratch.write(Array(changed.utf8), "config.json")
            let error = #expect(throws: CheckpointError.self) { try DecoderConfiguration.read(from: file) }
            #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        }
    }
}
