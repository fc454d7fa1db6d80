import Foundation
import Testing

@testable import Text

/// Small vocabularies with the families' own settings, against `tokenizers`; made by
/// Fixtures/make_families.py.
@Suite struct FamilyTests {
    struct Golden: Decodable {
        struct Line: Decodable {
            var text: String
            var ids: [Int32]
            var plain: [Int32]
        }

        /// Hashes of 50 texts each.
        var ids: [String]
        var plain: [String]
        var decoded: [String]
        var parts: [String]
        var readable: [Line]
        /// "Hello, world!" with what stands around a text.
        var whole: [Int32]
    }

    /// The arrays of a GGUF file's metadata.
    struct Arrays: Decodable {
        var tokens: [String]
        var scores: [Double]
        var types: [Int32]
        var charsmap: String?

        func vocabulary(_ model: String) -> GGUFVocabulary {
            var vocabulary = GGUFVocabulary(model: model, tokens: tokens)
            vocabulary.scores = scores
            vocabulary.types = types
            vocabulary.precompiledCharacterMap =
                charsmap.flatMap { Data(base64Encoded: $0) }.map { [UInt8]($0) } ?? []
            return vocabulary
        }
    }

    static let names = [
        "gpt2", "prefix", "smollm", "llama3", "qwen2", "tekken", "gpt4o", "llama2", "llama2-normalized",
        "mistral",
        "metaspace", "gemma", "t5", "unigram",
    ]
    private static let texts = Result {
        try Fixture.bytes("Families/texts.jsonl").split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(String.self, from: Data($0))
        }
    }
    private static let goldens = Result {
        try JSONDecoder().decode([String: Golden].self, from: Data(Fixture.bytes("Families/goldens.json")))
    }

    private func golden(_ name: String) throws -> Golden { try #require(try Self.goldens.get()[name]) }

    private func hash(_ rows: ArraySlice<[UInt32]>) -> String {
        var value: UInt64 = 0xCBF2_9CE4_8422_2325
        for number in rows.flatMap({ $0 + [.max] }) { value = (value ^ UInt64(number)) &* 0x100_0000_01B3 }
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private func check(_ rows: [[UInt32]], _ hashes: [String], _ what: String) {
        #expect(hashes.count == (rows.count + 49) / 50)
        for (index, expected) in hashes.enumerated() {
            let lines = index * 50..<min(rows.count, index * 50 + 50)
            #expect(hash(rows[lines]) == expected, "\(what) of the texts \(lines)")
        }
    }

    private func check(_ tokenizer: any Tokenizer, _ name: String, idsAlone: Bool = false) throws {
        let golden = try golden(name)
        let texts = try Self.texts.get()
        #expect(texts.count >= 2_000)
        for line in golden.readable {
            #expect(
                tokenizer.encode(line.text, parseSpecial: true) == line.ids,
                "\(line.text.debugDescription)"
            )
            #expect(
                tokenizer.encode(line.text, parseSpecial: false) == line.plain,
                "\(line.text.debugDescription)"
            )
        }
        let hello = tokenizer.encode("Hello, world!", parseSpecial: true)
        #expect(tokenizer.sequenceStart + hello + tokenizer.sequenceEnd == golden.whole)
        let ids = texts.map { tokenizer.encode($0, parseSpecial: true) }
        func bits(_ rows: [[Int32]]) -> [[UInt32]] { rows.map { $0.map { UInt32(bitPattern: $0) } } }
        check(bits(ids), golden.ids, "ids")
        if idsAlone { return }
        check(bits(texts.map { tokenizer.encode($0, parseSpecial: false) }), golden.plain, "plain ids")
        // The reference spells this family's special tokens otherwise.
        guard name != "llama2-normalized" else { return }
        check(ids.map { tokenizer.decode($0).utf8.map(UInt32.init) }, golden.decoded, "decoding")
        let parts = ids.map { tokenizer.decode(Array($0[($0.count / 2)...]), skipSpecial: true) }
        check(parts.map { $0.utf8.map(UInt32.init) }, golden.parts, "decoding of the ends")
    }

    @Test("ids and decoded texts of more than 2,000 strings are the reference's", arguments: names)
    func file(name: String) throws {
        try check(try Fixture.tokenizer("Families/\(name).json"), name)
    }

    @Test("the arrays of a GGUF file make the tokenizer of the family, with the same identity")
    func ggufArrays() throws {
        func arrays(_ name: String) throws -> Arrays {
            try JSONDecoder().decode(Arrays.self, from: Data(Fixture.bytes("Families/\(name).gguf.json")))
        }
        var llama = try arrays("llama2").vocabulary("llama")
        (llama.bos, llama.eos) = (1, 2)
        var t5 = try arrays("t5").vocabulary("t5")
        (t5.eos, t5.unknown) = (1, 2)

        for (name, vocabulary) in [("llama2", llama), ("t5", t5)] {
            let tokenizer = try vocabulary.tokenizer(source: "m.gguf")
            try check(tokenizer, name)
            #expect(
                identity(tokenizer) == identity(try Fixture.tokenizer("Families/\(name).json")),
                "\(name)"
            )
        }
    }

    @Test(
        "a byte-level vocabulary in a GGUF file is cut as its name says, with the file's identity",
        arguments: [
            ("gpt2", "gpt-2"), ("smollm", "smollm"), ("llama3", "llama-bpe"), ("qwen2", "qwen2"),
            ("tekken", "tekken"),
            ("gpt4o", "gpt-4o"),
        ]
    )
    func byteLevelArrays(name: String, pre: String) throws {
        let bytes = try Fixture.bytes("Families/\(name).json")
        let file = try Fixture.tokenizer("Families/\(name).json")
        let parsed = try FixtureFile(bytes)
        var vocabulary = GGUFVocabulary(model: "gpt2", pre: pre, tokens: parsed.tokens)
        vocabulary.types = parsed.types
        vocabulary.merges = parsed.merges
        (vocabulary.bos, vocabulary.eos) = (file.bos, file.eos)
        vocabulary.addsBOS = !file.sequenceStart.isEmpty
        // An embedding has more rows than there are tokens.
        for row in parsed.tokens.count..<parsed.tokens.count + 3 {
            vocabulary.tokens.append("[PAD\(row)]")
            vocabulary.types.append(GGUFVocabulary.TokenType.unused.rawValue)
        }

        let tokenizer = try vocabulary.tokenizer(source: "m.gguf")

        try check(tokenizer, name, idsAlone: true)
        #expect(tokenizer.vocabularySize == file.vocabularySize)
        #expect(identity(tokenizer) == identity(file))
    }

    @Test("every family has an identity of its own, and so has each change of what decides about ids")
    func identities() throws {
        let all = try Self.names.map { identity(try Fixture.tokenizer("Families/\($0).json")) }
        #expect(Set(all).count == all.count)
        let base = identity(try Fixture.tokenizer("Families/llama3.json"))
        let changes: [(inout [String: Any]) -> Void] = [
            { $0["post_processor"] = NSNull() },
            { file in
                file["model"] = (file["model"] as? [String: Any])?.merging(["ignore_merges": false]) { $1 }
            },
            { $0["normalizer"] = ["type": "NFC"] },
            {
                $0["added_tokens"] = ($0["added_tokens"] as? [[String: Any]])?.map {
                    $0.merging(["lstrip": true]) { $1 }
                }
            },
        ]
        for (index, change) in changes.enumerated() {
            let bytes = try Fixture.edited("Families/llama3.json", change)
            #expect(identity(try TokenizerFile.load(bytes: bytes)) != base, "change \(index)")
        }
    }

    private func identity(_ tokenizer: any Tokenizer) -> String {
        var all: [UInt32] = []
        tokenizer.forEachIdentityPart { all += $0.map(UInt32.init) }
        return hash([all])
    }

    @Test("a special token in plain text stays text, whatever model could make it of its parts")
    func plainText() throws {
        for name in Self.names {
            let tokenizer = try Fixture.tokenizer("Families/\(name).json")
            for id in 0..<Int32(tokenizer.vocabularySize) where tokenizer.isSpecial(id) {
                let text = try #require(tokenizer.token(of: id))
                let ids = tokenizer.encode("a\(text) \(text)", parseSpecial: false)
                #expect(
                    !ids.contains { tokenizer.isSpecial($0) && $0 != tokenizer.id(of: "<unk>") },
                    "\(name): \(text)"
                )
                #expect(
                    tokenizer.encode("a\(text)", plain: [0..<1]).contains(id) || name == "llama2-normalized"
                )
            }
        }
    }

    @Test("two spellings of one accented letter are two tokens")
    func spellings() throws {
        let file = #"""
            {"model": {"type": "BPE", "vocab": {"é": 0, "e": 1, "\u0301": 2, "e\u0301": 3},
             "merges": [["e", "\u0301"]]}, "decoder": {"type": "Fuse"}}
            """#

        let tokenizer = try TokenizerFile.load(bytes: Array(file.utf8))

        #expect(tokenizer.encode("e\u{301}é\u{301}", parseSpecial: false) == [3, 0, 2])
        #expect(tokenizer.decode([3]).utf8.elementsEqual("e\u{301}".utf8))
    }
}
