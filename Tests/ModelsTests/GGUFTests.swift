import Contract
import Models
import Testing
import Text

@Suite("GGUF")
struct GGUFTests {
    private func fault(_ bytes: [UInt8]) throws -> CheckpointError? {
        let scratch = try Scratch()
        let path = try scratch.write(bytes, "model.gguf")
        return #expect(throws: CheckpointError.self) { try GGUFFile(path: path) }
    }

    private func small() -> GGUFWriter {
        var writer = GGUFWriter()
        writer.keys = [("general.name", .text("x")), ("n", .word(7)), ("all", .words([1, -2]))]
        writer.add(NamedArray(name: "w", shape: [2, 3], values: [1, 2, 3, 4, 5, 6]), as: "w")
        writer.add(NamedArray(name: "v", shape: [2], values: [8, 9]), as: "v")
        return writer
    }

    @Test(
        "a model written as GGUF gives the logits of the checkpoint it was made from",
        arguments: ["tiny-tied", "tiny-untied"]
    )
    func model(name: String) throws {
        let scratch = try Scratch()
        let base = try BaseModel.load(.directory(Golden.path(name)))
        let arrays = DecoderParameters(base).arrays()
        let path = try scratch.write(GGUFWriter(arrays, base.configuration).bytes(), "model.gguf")

        let turned = try BaseModel.load(.gguf(path))

        #expect(turned.configuration == base.configuration)
        #expect(turned.sha256 == base.sha256)
        #expect(DecoderParameters(turned).arrays() == arrays)
        let tokenizer = try turned.tokenizer()
        #expect(tokenizer.encode("abba", parseSpecial: false) == [3, 2, 1])
        #expect(tokenizer.eos == 0)
        #expect(tokenizer.bos == nil)
    }

    @Test("metadata and tensors are read")
    func reading() throws {
        let scratch = try Scratch()
        let file = try GGUFFile(path: scratch.write(small().bytes(), "model.gguf"))
        #expect(file.metadata["general.name"] == .string("x"))
        #expect(file.metadata["n"] == .integer(7))
        #expect(file.metadata["all"] == .integers([1, -2]))
        #expect(file.names == ["v", "w"])
        #expect(try file.values(of: "w", shape: [2, 3]) == [1, 2, 3, 4, 5, 6])
        #expect(
            throws: CheckpointError.wrongShape(file: file.path, name: "w", expected: [3, 2], found: [2, 3])
        ) {
            try file.values(of: "w", shape: [3, 2])
        }
        #expect(throws: CheckpointError.missingTensor(file: file.path, name: "u")) {
            try file.values(of: "u")
        }
    }

    @Test("blocks of every type hold the values that the gguf package reads, bit for bit")
    func blocks() throws {
        let file = try GGUFFile(path: Golden.path("checkpoints/blocks.gguf"))
        let types = file.names.filter { !$0.hasSuffix(".values") }
        #expect(types.count == 12)
        for type in types {
            let shape = try #require(file.shape(of: type))
            #expect(
                try file.values(of: type).map(\.bitPattern)
                    == file.values(of: type + ".values", shape: shape).map(\.bitPattern),
                "\(type)"
            )
        }
    }

    @Test("a file cut off anywhere is an error, never a trap")
    func truncated() throws {
        let bytes = small().bytes()
        for count in stride(from: 0, to: bytes.count, by: 3) {
            #expect(try fault(Array(bytes[..<count])) != nil, "cut after \(count) bytes")
        }
    }

    @Test("random damage to the header is an error or a readable file, never a trap", arguments: 0..<300)
    func damage(seed: Int) throws {
        let scratch = try Scratch()
        var bytes = small().bytes()
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
        for _ in 0..<3 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            bytes[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 20)
        }
        let path = try scratch.write(bytes, "model.gguf")
        do {
            let file = try GGUFFile(path: path)
            for name in file.names { _ = try file.values(of: name) }
        } catch {
            #expect(error.description.contains(path))
        }
    }

    @Test("versions 2 and 3 are read, another is refused by number, and a big-endian file as what it is")
    func version() throws {
        var writer = small()
        writer.version = 2
        let scratch = try Scratch()
        #expect(try GGUFFile(path: scratch.write(writer.bytes(), "model.gguf")).names == ["v", "w"])
        for (version, name) in [(1, "GGUF version 1"), (4, "GGUF version 4"), (3 << 24, "a big-endian file")]
        {
            writer.version = UInt32(version)
            #expect(try fault(writer.bytes())?.description.contains("\(name); versions 2 and 3") == true)
        }
    }

    @Test("an unknown tensor type is named with its tensor")
    func unknownType() throws {
        var writer = small()
        writer.tensors[0].type = 16
        let error = try fault(writer.bytes())
        #expect(error?.description.contains("tensor 'w' has elements of type IQ2_XXS; F32, F16") == true)
        writer.tensors[0].type = 99
        #expect(try fault(writer.bytes())?.description.contains("of type number 99; F32, F16") == true)
    }

    @Test("an absurd count of tensors or keys is refused with its limit")
    func absurdCount() throws {
        var writer = small()
        writer.tensorCount = 1 << 40
        let error = try fault(writer.bytes())
        #expect(error?.description.contains("number of tensors is 1099511627776") == true)
    }

    @Test("overlapping tensors are refused by name")
    func overlap() throws {
        var writer = small()
        writer.tensors[1].offset = 0
        #expect(try fault(writer.bytes())?.description.contains("overlaps") == true)
    }

    @Test("rows that do not fill whole blocks, overflowing shapes and misaligned data are refused")
    func shapes() throws {
        var blocks = small()
        blocks.tensors[0].type = 8
        #expect(try fault(blocks.bytes())?.description.contains("blocks of 32") == true)
        var overflow = small()
        overflow.tensors[0].dimensions = [1 << 40, 1 << 40]
        #expect(try fault(overflow.bytes()) != nil)
        var misaligned = small()
        misaligned.tensors[1].offset = 33
        #expect(try fault(misaligned.bytes())?.description.contains("data offset 33") == true)
        var twice = small()
        twice.tensors[1].name = "w"
        #expect(try fault(twice.bytes())?.description.contains("occurs twice") == true)
    }

    @Test("a model without one of its tensors, of another architecture or with another tokenizer names it")
    func incomplete() throws {
        let scratch = try Scratch()
        let base = try BaseModel.load(.directory(Golden.path("tiny-tied")))
        var writer = GGUFWriter(DecoderParameters(base).arrays(), base.configuration)
        writer.tensors.removeAll { $0.name == "blk.1.ffn_up.weight" }
        let path = try scratch.write(writer.bytes(), "a.gguf")
        #expect(throws: CheckpointError.missingTensor(file: path, name: "blk.1.ffn_up.weight")) {
            try BaseModel.load(.gguf(path))
        }
        writer.keys[0].1 = .text("gemma")
        let other = try scratch.write(writer.bytes(), "b.gguf")
        let error = #expect(throws: CheckpointError.self) { try BaseModel.load(.gguf(other)) }
        #expect(error?.description.contains("'gemma'") == true)

        var wordPiece = GGUFWriter(DecoderParameters(base).arrays(), base.configuration)
        wordPiece.keys[10].1 = .text("bert")
        let third = try BaseModel.load(.gguf(scratch.write(wordPiece.bytes(), "c.gguf")))
        let refusal = #expect(throws: TokenizerError.self) { try third.tokenizer() }
        #expect(refusal?.description.contains("tokenizer.ggml.model: 'bert'") == true)
    }
}
