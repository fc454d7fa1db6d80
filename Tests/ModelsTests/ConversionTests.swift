import Contract
import Foundation
import Tensors
import Testing
import Text

@testable import Models

/// A model carried from one form into the other is the same model.
@Suite struct ConversionTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private static let template = "{% for m in messages %}{{ m['content'] + '\\n\"é\"' }}{% endfor %}"

    /// A golden model as a GGUF file with a small byte-level tokenizer of every kind of token.
    private func gguf(_ name: String = "tiny-untied", _ change: (inout GGUFWriter) -> Void = { _ in }) throws
        -> String
    {
        let base = try BaseModel.load(.directory(Golden.path(name)))
        var writer = GGUFWriter(DecoderParameters(base).arrays(), base.configuration)
        writer.keys.removeAll { $0.0.hasPrefix("tokenizer.") }
        let tokens =
            ["<|end|>", "a", "b", "ab", "Ġ", "<add>", "<|go|>", "\"", "\\"] + (9..<50).map { "t\($0)" }
        writer.keys += [
            ("tokenizer.ggml.model", .text("gpt2")), ("tokenizer.ggml.pre", .text("smollm")),
            (
                "tokenizer.ggml.tokens", .texts(tokens)
            ),
            (
                "tokenizer.ggml.token_type",
                .words([3, 1, 1, 1, 1, 4, 3] + tokens.dropFirst(7).map { _ in 1 })
            ),
            ("tokenizer.ggml.merges", .texts(["a b"])), ("tokenizer.ggml.bos_token_id", .word(6)),
            ("tokenizer.ggml.eos_token_id", .word(0)), ("tokenizer.ggml.unknown_token_id", .word(0)),
            ("tokenizer.chat_template", .text(Self.template)),
        ]
        change(&writer)
        return try scratch.write(writer.bytes(), "in.gguf")
    }

    private func fault(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    private func folder(_ file: String, _ precision: Conversion.Precision = .f32, shard: Int = 1 << 30) throws
        -> String
    {
        let out = scratch.path + "/folder-\(precision.rawValue)-\(shard)"
        _ = try Conversion(of: .gguf(file), to: out, precision: precision).writeFolder(shardBytesMax: shard)
        return out
    }

    @Test("a slash behind the folder's name changes nothing, and what is in the way is refused as such")
    func trailingSlash() throws {
        let file = try gguf()
        let out = scratch.path + "/slashed"

        let summary = try Conversion(of: .gguf(file), to: out + "/", precision: .f32)
            .writeFolder(shardBytesMax: 1 << 30)

        #expect(summary.files.allSatisfy { $0.hasPrefix(out + "/") && !$0.contains("//") })
        #expect(try BaseModel.load(.directory(out + "/")).sha256 == summary.original)
        let second = fault {
            _ = try Conversion(of: .gguf(file), to: out + "/", precision: .f32).writeFolder(shardBytesMax: 1)
        }
        #expect(second == "\(out): cannot be written: it is there already; nothing is overwritten")
    }

    @Test("GGUF to a folder and back is the same model each time", arguments: ["tiny-tied", "tiny-untied"])
    func thereAndBack(name: String) throws {
        let file = try gguf(name)
        let base = try BaseModel.load(.gguf(file))

        let folder = try folder(file)
        let back = scratch.path + "/back.gguf"
        let summary = try Conversion(of: .directory(folder), to: back, precision: .f32).writeGGUF()

        #expect(summary.copy == base.sha256)
        #expect(summary.files == [back])
        let texts = ["ab ba", "<|go|>a<add> b", "\\\"b\"", "12ab"]
        for source in [ModelSource.directory(folder), .gguf(back)] {
            let copy = try BaseModel.load(source)
            #expect(copy.configuration == base.configuration)
            #expect(copy.sha256 == base.sha256)
            #expect(DecoderParameters(copy).arrays() == DecoderParameters(base).arrays())
            let (one, other) = (try base.tokenizer(), try copy.tokenizer())
            #expect(other.bos == 6 && other.eos == 0)
            for text in texts {
                for special in [true, false] {
                    let ids = one.encode(text, parseSpecial: special)
                    #expect(other.encode(text, parseSpecial: special) == ids)
                }
            }
        }
        let metadata = try GGUFFile(path: back).metadata
        #expect(metadata["tokenizer.chat_template"] == .string(Self.template))
        #expect(metadata["tokenizer.ggml.unknown_token_id"] == .integer(0))
        #expect(metadata["general.file_type"] == .integer(0))
        #expect(!FileManager.default.fileExists(atPath: back + ".partial"))
    }

    @Test("each family is the same model in either form", arguments: FamilyGGUFTests.held)
    func families(golden: FamilyGolden) throws {
        let plain = try FamilyGGUFTests().plain(golden, scratch)
        let draft = try plain.configuration.architecture.ggufDraft(of: plain.configuration, file: "there")
        var writer = GGUFWriter(DecoderParameters(plain).arrays(), draft: draft, plain.configuration)
        writer.keys.removeAll { $0.0 == "tokenizer.ggml.merges" }
        writer.keys.append(("tokenizer.ggml.merges", .texts([])))
        let base = try BaseModel.load(.gguf(scratch.write(writer.bytes(), "family.gguf")))
        #expect(base.sha256 == plain.sha256)

        let folder = try folder(scratch.path + "/family.gguf")
        let back = scratch.path + "/back.gguf"
        let summary = try Conversion(of: .directory(folder), to: back, precision: .f32).writeGGUF()

        let copy = try BaseModel.load(.directory(folder))
        #expect(copy.configuration == base.configuration)
        #expect(copy.sha256 == base.sha256 && summary.copy == base.sha256)
        #expect(copy.tokenizerSHA256 == base.tokenizerSHA256)
    }

    @Test("a Mistral without windows goes by Llama's name, and one with windows by its own")
    func canonical() throws {
        let base = try BaseModel.load(.directory(Golden.path("tiny-untied")))
        var model = base.configuration
        model.modelType = Mistral.modelType
        #expect(model.canonical == base.configuration)
        model.blocks = Array(repeating: BlockAttention(window: 8), count: model.layerCount)
        #expect(model.canonical == model)
    }

    @Test(
        "a byte-level tokenizer of each family is the same tokenizer in either form, a filled-up vocabulary too",
        arguments: ByteLevelFamily.all.map { $0.names[0] }
    )
    func tokenizers(pre: String) throws {
        let file = try gguf { writer in
            writer.keys.removeAll { ["tokenizer.ggml.pre", "tokenizer.ggml.tokens"].contains($0.0) }
            writer.keys.removeAll { $0.0 == "tokenizer.ggml.token_type" }
            let tokens = ["<|end|>", "a", "b", "ab", "Ġ", "<add>", "<|go|>", "Ċ", "1"]
            writer.keys += [
                ("tokenizer.ggml.pre", .text(pre)), ("tokenizer.ggml.tokens", .texts(tokens)),
                ("tokenizer.ggml.token_type", .words([3, 1, 1, 1, 1, 4, 3, 1, 1])),
                ("tokenizer.ggml.add_eos_token", .word(1)),
                ("tokenizer.chat_templates", .texts(["tools"])),
                ("tokenizer.chat_template.tools", .text("{{ 1 }}")),
            ]
        }
        let base = try BaseModel.load(.gguf(file))

        let folder = try folder(file)
        let back = scratch.path + "/back.gguf"
        _ = try Conversion(of: .directory(folder), to: back, precision: .f32).writeGGUF()

        let (copy, again) = (try BaseModel.load(.directory(folder)), try BaseModel.load(.gguf(back)))
        #expect(copy.tokenizerSHA256 == base.tokenizerSHA256)
        #expect(again.tokenizerSHA256 == base.tokenizerSHA256)
        #expect(try copy.tokenizer().sequenceEnd == [0])
        let metadata = try GGUFFile(path: back).metadata
        #expect(metadata["tokenizer.chat_template.tools"] == .string("{{ 1 }}"))
        guard case .strings(let tokens)? = metadata["tokenizer.ggml.tokens"] else { return }
        #expect(tokens.count == 50 && tokens.last == "[PAD49]")
    }

    @Test("a folder in shards is the same model, no shard over its size unless it is one tensor")
    func shards() throws {
        let file = try gguf()
        let folder = try folder(file, shard: 20_000)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.contains("-of-") }
        #expect(names.count == 6 && names.contains("model-00001-of-00006.safetensors"))
        for name in names {
            let shard = try SafetensorsFile(path: "\(folder)/\(name)")
            let bytes = try shard.arrays().reduce(0) { $0 + 4 * $1.values.count }
            #expect(bytes <= 20_000 || shard.names.count == 1)
        }
        #expect(
            try BaseModel.load(.directory(folder)).sha256 == BaseModel.load(.gguf(file)).sha256
        )
    }

    @Test(
        "in fewer bits a copy holds the rounded weights, as the encodings that are read again",
        arguments: [Conversion.Precision.f16, .bf16, .q8]
    )
    func rounded(_ precision: Conversion.Precision) throws {
        let file = try gguf()
        let out = scratch.path + "/out.gguf"
        let source: ModelSource =
            precision == .q8 ? .directory(try folder(file)) : .directory(try folder(file, precision))

        let summary = try Conversion(of: source, to: out, precision: precision).writeGGUF()

        let original = DecoderParameters(try BaseModel.load(.gguf(file))).arrays()
        let copy = DecoderParameters(try BaseModel.load(.gguf(out))).arrays()
        let largest: Float = precision == .f16 ? 0x1p-11 : precision == .bf16 ? 0x1p-8 : 0.02
        for (one, other) in zip(original, copy) {
            let scale = one.values.reduce(0) { max($0, abs($1)) }
            for (a, b) in zip(one.values, other.values) {
                #expect(abs(a - b) <= (precision == .q8 ? scale : abs(a)) * largest + 0x1p-25)
            }
            if one.shape.count == 1, precision == .q8 { #expect(one.values == other.values) }
        }
        #expect((summary.copy == summary.original) == (precision != .q8))
        #expect(try GGUFFile(path: out).tensor("blk.0.attn_q.weight")?.encoding == precision.encoding)
    }

    @Test("float32 rounds to what the gguf package writes, bit for bit")
    func quantised() throws {
        let file = try GGUFFile(path: Golden.path("checkpoints/quantised.gguf"))
        let values = try file.values(of: "x")
        for encoding in [ElementEncoding.f16, .bf16, .q8] {
            let path = scratch.path + "/\(encoding.name)"
            let written = try WritableFile(path: path)
            try values.withUnsafeBufferPointer { (buffer) throws(CheckpointError) in
                try encoding.append(buffer, to: written, name: "x")
            }
            try written.commit()
            let stored = try #require(file.tensor(encoding.name))
            let bytes = try stored.file.bytes(encoding.bytes(of: 512), at: stored.offset, for: "x")
            #expect(try [UInt8](Data(contentsOf: URL(filePath: path))) == bytes, "\(encoding.name)")
        }
    }

    @Test("what the other form cannot hold is refused by name, and leaves nothing behind")
    func refused() throws {
        let out = scratch.path + "/out"
        func refusal(_ change: (inout GGUFWriter) -> Void) throws -> String {
            let file = try gguf("tiny-untied", change)
            return fault {
                _ = try Conversion(of: .gguf(file), to: out, precision: .f32).writeFolder(
                    shardBytesMax: 1 << 30
                )
            }
        }
        #expect(
            try refusal { $0.keys.append(("tokenizer.ggml.mask_token_id", .word(1))) }.contains(
                "mask_token_id"
            )
        )
        #expect(
            try refusal { writer in
                writer.keys.removeAll { $0.0 == "tokenizer.ggml.model" }
                writer.keys.append(("tokenizer.ggml.model", .text("bert")))
            }.contains("'bert'")
        )
        #expect(fault { _ = try folder(try gguf(), .q8) }.contains("'q8_0' is not held by safetensors"))
        #expect(
            !FileManager.default.fileExists(atPath: out)
                && !FileManager.default.fileExists(atPath: out + ".partial")
        )

        try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
        #expect(try refusal { _ in }.contains("\(out): cannot be written: it is there already"))
    }

    @Test("a configuration, a tokenizer and values that GGUF has no way to say are refused by name")
    func refusedFolders() throws {
        let source = try folder(try gguf())
        func refusal(_ precision: Conversion.Precision = .f32) -> String {
            fault {
                _ = try Conversion(of: .directory(source), to: scratch.path + "/o.gguf", precision: precision)
                    .writeGGUF()
            }
        }
        func edit(_ name: String, _ old: String, _ new: String) throws {
            let url = URL(filePath: "\(source)/\(name)")
            let text = try String(contentsOf: url, encoding: .utf8)
            #expect(text.contains(old))
            try Data(text.replacingOccurrences(of: old, with: new).utf8).write(to: url)
        }
        try edit("config.json", "\"rope_theta\" : 10000", "\"rope_theta\" : 10000.1")
        #expect(refusal().contains("rope_parameters: would not be the original's"))
        try edit("config.json", "\"rope_theta\" : 10000.1", "\"rope_theta\" : 10000")
        try edit("tokenizer.json", "\"individual_digits\": true", "\"individual_digits\": false")
        #expect(refusal().contains("tokenizer.json"))
        try edit("tokenizer.json", "\"individual_digits\": false", "\"individual_digits\": true")

        var arrays = try SafetensorsFile(path: source + "/model.safetensors").arrays()
        arrays[3].values[0] = 70_000
        try SafetensorsWriter.write(arrays, to: source + "/model.safetensors")
        #expect(refusal(.f16).contains("holds 70000.0, which is too large for F16"))
        #expect(refusal() == "no error")
    }
}
