import Contract
import Digest
import Foundation
import Testing
import Text

@testable import Models

/// SentencePiece's pieces carried from a GGUF file into a `tokenizer.json` and back.
@Suite struct PieceConversionTests {
    private struct Arrays: Decodable {
        let tokens: [String]
        let scores: [Float]
        let types: [Int32]
        let charsmap: String?
    }

    private let scratch: Scratch
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
        .appending(path: "TextTests/Fixtures/Families")

    init() throws { scratch = try Scratch() }

    private static func texts() throws -> [String] {
        try Data(contentsOf: fixtures.appending(path: "texts.jsonl")).split(separator: UInt8(ascii: "\n")).map
        {
            try JSONDecoder().decode(String.self, from: $0)
        }
    }

    private func arrays(_ name: String) throws -> Arrays {
        let data = try Data(contentsOf: Self.fixtures.appending(path: "\(name).gguf.json"))
        return try JSONDecoder().decode(Arrays.self, from: data)
    }

    /// A model of one value per id with a tokenizer of pieces.
    private func gguf(_ change: (inout GGUFWriter) -> Void) throws -> String {
        let plain = try BaseModel.load(.directory(Golden.path("tiny-tied")))
        var model = plain.configuration
        var arrays = DecoderParameters(plain).arrays()
        model.vocabularySize = 810
        for index in arrays.indices where arrays[index].name == "model.embed_tokens.weight" {
            let count = 810 * model.hiddenSize
            let values = arrays[index].values
            arrays[index] = .init(
                name: arrays[index].name,
                shape: [810, model.hiddenSize],
                values: (0..<count).map { values[$0 % values.count] }
            )
        }
        var writer = GGUFWriter(arrays, model)
        writer.keys.removeAll { $0.0.hasPrefix("tokenizer.") }
        change(&writer)
        return try scratch.write(writer.bytes(), "in.gguf")
    }

    private func llama(addsSpace: Bool, _ change: (inout GGUFWriter) -> Void = { _ in }) throws -> String {
        let arrays = try arrays("llama2")
        let added = addsSpace ? [] : ["<tool>", "\n\n"]
        return try gguf { writer in
            writer.keys += [
                ("tokenizer.ggml.model", .text("llama")), ("tokenizer.ggml.pre", .text("default")),
                ("tokenizer.ggml.tokens", .texts(arrays.tokens + added)),
                ("tokenizer.ggml.scores", .floats(arrays.scores + added.map { _ in -1_000 })),
                ("tokenizer.ggml.token_type", .words(arrays.types + added.map { _ in 4 })),
                ("tokenizer.ggml.bos_token_id", .word(1)), ("tokenizer.ggml.eos_token_id", .word(2)),
                ("tokenizer.ggml.unknown_token_id", .word(0)),
                ("tokenizer.ggml.add_space_prefix", .flag(addsSpace)),
            ]
            change(&writer)
        }
    }

    private func t5() throws -> String {
        let arrays = try arrays("t5")
        let map = [UInt8](try #require(arrays.charsmap.flatMap { Data(base64Encoded: $0) }))
        return try gguf { writer in
            writer.keys += [
                ("tokenizer.ggml.model", .text("t5")), ("tokenizer.ggml.pre", .text("default")),
                ("tokenizer.ggml.tokens", .texts(arrays.tokens)),
                ("tokenizer.ggml.scores", .floats(arrays.scores)),
                ("tokenizer.ggml.token_type", .words(arrays.types)),
                ("tokenizer.ggml.eos_token_id", .word(1)), ("tokenizer.ggml.unknown_token_id", .word(2)),
                ("tokenizer.ggml.padding_token_id", .word(0)),
                ("tokenizer.ggml.precompiled_charsmap", .octets(map)),
                ("tokenizer.ggml.remove_extra_whitespaces", .flag(true)),
                ("tokenizer.ggml.add_space_prefix", .flag(true)),
            ]
        }
    }

    @Test(
        "a vocabulary of pieces gives 2,200 texts the same ids in either form, and has one identity",
        arguments: ["Llama 2", "Gemma", "T5"]
    )
    func thereAndBack(family: String) throws {
        let file = family == "T5" ? try t5() : try llama(addsSpace: family == "Llama 2")
        let (folder, back) = (scratch.path + "/folder", scratch.path + "/back.gguf")
        _ = try Conversion(of: .gguf(file), to: folder, precision: .f32).writeFolder(shardBytesMax: 1 << 30)
        _ = try Conversion(of: .directory(folder), to: back, precision: .f32).writeGGUF()

        let base = try BaseModel.load(.gguf(file))
        let tokenizer = try base.tokenizer()
        let texts = try Self.texts()
        #expect(texts.count >= 2_200)
        let copies = try [ModelSource.directory(folder), .gguf(back)].map { try BaseModel.load($0) }
        for copy in copies {
            #expect(copy.tokenizerSHA256 == base.tokenizerSHA256 && copy.sha256 == base.sha256)
        }
        let others = try copies.map { try $0.tokenizer() }
        for (index, text) in texts.enumerated() {
            let ids = tokenizer.encode(text, parseSpecial: index % 2 == 0)
            for other in others where other.encode(text, parseSpecial: index % 2 == 0) != ids {
                Issue.record("\(text.debugDescription)")
            }
            guard index % 50 == 0 else { continue }
            for other in others { #expect(other.decode(ids) == tokenizer.decode(ids)) }
        }
        if family == "Llama 2" {
            // The file that the reference's converter makes of these pieces has the same rules.
            let reference = try TokenizerFile.load(path: Self.fixtures.path + "/llama2.json")
            #expect(
                try BaseModel.load(.directory(folder)).tokenizer().identityDigest == reference.identityDigest
            )
        }
        let metadata = try GGUFFile(path: back).metadata
        #expect(metadata["tokenizer.ggml.add_space_prefix"] == .integer(family == "Gemma" ? 0 : 1))
        #expect(metadata["tokenizer.ggml.model"] == .string(family == "T5" ? "t5" : "llama"))
    }

    @Test("runs of one character, all of one score, get the same ids in either form")
    func runs() throws {
        let runs = (2...9).map { String(repeating: "~", count: $0) }
        let file = try llama(addsSpace: true) { writer in
            for index in writer.keys.indices {
                switch writer.keys[index] {
                case (let key, .texts(let tokens)) where key.hasSuffix("tokens"):
                    writer.keys[index].1 = .texts(tokens.dropLast(9) + ["~"] + runs)
                case (let key, .floats(let scores)) where key.hasSuffix("scores"):
                    writer.keys[index].1 = .floats(scores.dropLast(9) + [-9_000] + runs.map { _ in -1_000 })
                default: break
                }
            }
        }
        let folder = scratch.path + "/folder"
        _ = try Conversion(of: .gguf(file), to: folder, precision: .f32).writeFolder(shardBytesMax: 1 << 30)
        let back = scratch.path + "/back.gguf"
        _ = try Conversion(of: .directory(folder), to: back, precision: .f32).writeGGUF()
        let tokenizers = try [ModelSource.gguf(file), .directory(folder), .gguf(back)].map {
            try BaseModel.load($0).tokenizer()
        }
        for count in 1...200 {
            let text = String(repeating: "~", count: count) + "a"
            #expect(Set(tokenizers.map { $0.encode(text, parseSpecial: false) }).count == 1)
        }
    }

    @Test("unused pieces among others are refused by name")
    func unused() throws {
        let file = try llama(addsSpace: true) { writer in
            for index in writer.keys.indices where writer.keys[index].0.hasSuffix("token_type") {
                guard case .words(var types) = writer.keys[index].1 else { continue }
                types[400] = 5
                writer.keys[index].1 = .words(types)
            }
        }
        #expect {
            _ = try Conversion(of: .gguf(file), to: scratch.path + "/folder", precision: .f32)
                .writeFolder(shardBytesMax: 1 << 30)
        } throws: {
            "\($0)".contains("has unused pieces (5) among others")
        }
    }
}
