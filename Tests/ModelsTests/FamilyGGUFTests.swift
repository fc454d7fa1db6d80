import Contract
import Foundation
@testable import Models
import Tensors
import Testing

extension GGUFWriter {
    /// A decoder as its family's converters write it.
    init(_ arrays: [NamedArray], draft: GGUFDraft, _ model: DecoderConfiguration) {
        for (key, value) in draft.metadata.sorted(by: { $0.key < $1.key }) {
            switch value {
            case .integer(let number): keys.append((key, .word(UInt32(number))))
            case .number(let number): keys.append((key, .float(Float(number))))
            case .string(let text): keys.append((key, .text(text)))
            case .integers, .numbers, .strings: break
            }
        }
        keys.append(("tokenizer.ggml.model", .text("gpt2")))
        keys.append(("tokenizer.ggml.pre", .text("smollm")))
        keys.append(("tokenizer.ggml.tokens", .texts((0..<model.vocabularySize).map { "t\($0)" })))
        keys.append(("tokenizer.ggml.token_type", .words(Array(repeating: 1, count: model.vocabularySize))))
        keys.append(("tokenizer.ggml.merges", .texts(["t 0"])))
        for array in draft.tensors { add(array, as: array.name) }
        for array in arrays {
            let place = model.architecture.place(of: array.name, model, in: .gguf)
            let width = array.shape.dropFirst().reduce(1, *)
            var stored = array
            for row in 0..<array.shape[0] {
                for column in 0..<width {
                    stored.values[place.storedRow(of: row) * width + column] =
                        array.values[row * width + column] - place.offset
                }
            }
            add(stored, as: place.tensor)
        }
    }
}

@Suite("GGUF files of each family")
struct FamilyGGUFTests {
    static let held = FamilyGolden.all.filter { !["dynamic", "yarn-more", "windows"].contains($0.variant) }

    /// The model without what GGUF cannot say: windows of Mistral and Qwen2, and other divisors of Gemma's scores than
    /// the root of the head's width.
    func plain(_ golden: FamilyGolden, _ scratch: Scratch) throws -> BaseModel {
        let base = try BaseModel.load(.directory(golden.checkpoint(scratch)))
        var model = base.configuration
        if ["mistral", "qwen2"].contains(golden.model) { model.blocks = [] }
        if model.attentionScalar != nil { model.attentionScalar = Double(model.headSize) }
        if golden.variant == "longrope", golden.model == "llama", case .long(var rule) = model.rotary.scaling
        {
            rule.long = rule.short
            rule.attentionFactor = 1
            model.rotary.scaling = .long(rule)
            model.positionsMax = rule.positions
        }
        let folder = scratch.path + "/plain"
        try DecoderParameters(base).write(toDirectory: folder)
        try model.write(to: folder + "/config.json")
        return try BaseModel.load(.directory(folder))
    }

    private func logits(_ base: BaseModel) throws -> [Float] {
        let batch = PackedBatch(groups: [(try FamilyGolden.inputs().sequence, [])])
        return LanguageDecoder(base).logits(batch: batch, rows: batch.tokens.indices.map { Int32($0) })
            .toArray()
    }

    @Test("what is written to GGUF is read back as the same decoder", arguments: held)
    func roundTrip(golden: FamilyGolden) throws {
        let scratch = try Scratch()
        let base = try plain(golden, scratch)
        let model = base.configuration
        let draft = try model.architecture.ggufDraft(of: model, file: "there")
        let writer = GGUFWriter(DecoderParameters(base).arrays(), draft: draft, model)
        let path = try scratch.write(writer.bytes(), "model.gguf")

        let again = try BaseModel.load(.gguf(path))

        var expected = model
        // A Mistral without windows is a Llama there, and numbers are float32.
        if model.modelType == Mistral.modelType { expected.modelType = Llama.modelType }
        if case .long(var rule) = model.rotary.scaling {
            rule.short = rule.short.map { Double(Float($0)) }
            rule.long = rule.long.map { Double(Float($0)) }
            if golden.model == "llama" { rule.original = rule.positions }
            expected.rotary.scaling = .long(rule)
        }
        #expect(again.configuration == expected)
        for (array, copy) in zip(DecoderParameters(base).arrays(), DecoderParameters(again).arrays()) {
            #expect(array.name == copy.name && array.shape == copy.shape)
            // 1 + w and back loses the last bits of w.
            let isExact = model.normOffset == 0 || array.shape.count == 2
            #expect(distance(copy.values, array.values) <= (isExact ? 0 : 1e-7), "\(array.name)")
        }
        #expect(try distance(logits(again), logits(base)) < 1e-5)
    }

    @Test(
        "what GGUF cannot say is refused with the key",
        arguments: [
            ("mistral", nil, "sliding_window"), ("qwen2", nil, "use_sliding_window"),
            ("smollm3", "windows", "no_rope_layers"), ("gemma2", nil, "query_pre_attn_scalar"),
            ("gemma3", nil, "query_pre_attn_scalar"), ("llama", "dynamic", "rope_scaling"),
            ("llama", "yarn-more", "rope_scaling"), ("llama", "longrope", "rope_scaling"),
        ] as [(String, String?, String)]
    )
    func refused(name: String, variant: String?, key: String) throws {
        let (base, _, _) = try FamilyGolden(model: name, variant: variant).load()
        let error = #expect(throws: CheckpointError.self) {
            try base.configuration.architecture.ggufDraft(of: base.configuration, file: "there.gguf")
        }
        #expect(
            error?.description.hasPrefix("there.gguf: \(key): GGUF has no form for") == true,
            "\(error?.description ?? "")"
        )
    }

    @Test("the factors of Llama 3.1 and 3.2 are known again by their values", arguments: [8.0, 32])
    func llama3(factor: Double) {
        let scaling = RotaryScaling.llama3(
            Llama3Scaling(factor: factor, lowFactor: 1, highFactor: 4, original: 8192)
        )
        let factors = scaling.factors(theta: 500_000, pairs: 64) ?? []
        #expect(factors.first == 1 && factors.last == Float(factor))
        #expect(RotaryScaling.factors(factors, theta: 500_000, positions: 131_072) == scaling)
        var other = factors
        other[40] *= 1.01
        guard case .long(let rule) = RotaryScaling.factors(other, theta: 500_000, positions: 131_072) else {
            Issue.record("other factors were taken for Llama's")
            return
        }
        #expect(rule.short == other.map { Double($0) } && rule.long == rule.short)
        #expect(rule.magnitude == 1 && rule.positionsMax == 131_072)
    }

    @Test(
        "numbers of any size in the metadata are errors, or the same model",
        arguments: held.filter { $0.variant == nil }
    )
    func hostile(golden: FamilyGolden) throws {
        let scratch = try Scratch()
        let base = try plain(golden, scratch)
        let model = base.configuration
        let draft = try model.architecture.ggufDraft(of: model, file: "there")
        let arrays = DecoderParameters(base).arrays()
        for (key, value) in draft.metadata {
            guard case .integer(let number) = value else { continue }
            for other in [0, 1, 3, 1 << 16, Int64(UInt32.max)] where other != number {
                var changed = draft
                changed.metadata[key] = .integer(other)
                let writer = GGUFWriter(arrays, draft: changed, model)
                let path = try scratch.write(writer.bytes(), "model.gguf")
                do {
                    let found = try BaseModel.load(.gguf(path)).configuration
                    let fields = [
                        "context_length", "sliding_window", "head_count", "original_context_length",
                    ]
                    #expect(fields.contains { key.contains($0) }, "\(key) = \(other)")
                    #expect(found.vocabularySize == model.vocabularySize)
                } catch let error as CheckpointError {
                    #expect(error.description.hasPrefix(path), "\(error)")
                }
            }
        }
    }
}
