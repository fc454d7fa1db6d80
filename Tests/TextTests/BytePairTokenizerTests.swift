import Testing

@testable import Text

@Suite struct BytePairTokenizerTests {
    @Test("encodes and decodes as the reference does", arguments: ["", "older_"])
    func vectors(prefix: String) throws {
        let tokenizer = try Fixture.tokenizer(prefix.isEmpty ? "tokenizer.json" : "older.json")

        for vector in try Fixture.vectors("\(prefix)vectors.jsonl") {
            #expect(
                tokenizer.encode(vector.text, parseSpecial: true) == vector.ids,
                "\(vector.text.debugDescription)"
            )
            #expect(
                tokenizer.encode(vector.text, parseSpecial: false) == vector.idsPlain,
                "\(vector.text.debugDescription)"
            )
            let decoded = tokenizer.decode(vector.ids)
            #expect(
                decoded.utf8.elementsEqual((vector.decoded ?? "").utf8),
                "\(vector.text.debugDescription)"
            )
            let plain = tokenizer.decode(vector.ids, skipSpecial: true)
            #expect(
                plain.utf8.elementsEqual((vector.decodedPlain ?? "").utf8),
                "\(vector.text.debugDescription)"
            )
        }
    }

    @Test("the arrays of GGUF metadata make the same tokenizer as the file")
    func ggufArrays() throws {
        let file = try Fixture.tokenizer("tokenizer.json")
        let json = try Fixture.edited("tokenizer.json") { _ in }
        let parsed = try FixtureFile(json)
        let types = parsed.tokens.map { token -> Int32 in
            token == "<tool>" ? 4 : ["<|endoftext|>", "<|im_start|>", "<|im_end|>"].contains(token) ? 3 : 1
        }
        var vocabulary = GGUFVocabulary(model: "gpt2", pre: "smollm", tokens: parsed.tokens)
        vocabulary.types = types
        vocabulary.merges = parsed.merges
        (vocabulary.bos, vocabulary.eos, vocabulary.pad) = (1, 2, 2)
        let tokenizer = try vocabulary.tokenizer(source: "model.gguf")

        for vector in try Fixture.vectors("vectors.jsonl") {
            #expect(tokenizer.encode(vector.text, parseSpecial: true) == vector.ids)
        }
        #expect(tokenizer.vocabularySize == file.vocabularySize)
        #expect((tokenizer.bos, tokenizer.eos, tokenizer.pad) == (file.bos, file.eos, file.pad))
    }

    @Test("a byte without a token is dropped, and can be asked for beforehand")
    func missingBytes() throws {
        let tokenizer = try Fixture.tokenizer("tokenizer.json")

        #expect(tokenizer.decode(tokenizer.encode("a\u{04}b\u{1D}c", parseSpecial: true)) == "abc")
        #expect(tokenizer.firstUnencodable(in: "plain text, é and 川") == nil)
        #expect(tokenizer.firstUnencodable(in: "a\u{1D}b") == "\u{1D}")
        #expect(tokenizer.firstUnencodable(in: "x\u{40000}") == "\u{40000}")
    }

    @Test("every character that has tokens for its bytes comes back")
    func roundTrip() throws {
        let tokenizer = try Fixture.tokenizer("tokenizer.json")
        var text = ""
        for value in stride(from: UInt32(0), to: 0x40000, by: 7) {
            guard let scalar = Unicode.Scalar(value) else { continue }
            text.unicodeScalars.append(scalar)
        }
        text.unicodeScalars.removeAll { tokenizer.firstUnencodable(in: String($0)) != nil }

        let ids = tokenizer.encode(text, parseSpecial: false)

        #expect(tokenizer.decodeBytes(ids) == Array(text.utf8))
    }

    @Test("ids outside of the vocabulary decode to nothing")
    func unknownIDs() throws {
        let tokenizer = try Fixture.tokenizer("tokenizer.json")
        let a = try #require(tokenizer.id(of: "a"))

        #expect(tokenizer.decode([-1, a, Int32(tokenizer.vocabularySize), .max, .min]) == "a")
    }

    @Test("one piece of 200,000 characters is merged in seconds, so the time does not grow as its square")
    func longPiece() throws {
        let tokenizer = try Fixture.tokenizer("tokenizer.json")
        let text = String(repeating: "therethat", count: 22_000)

        let time = try ContinuousClock().measure {
            let ids = tokenizer.encode(text, parseSpecial: true)
            try #require(tokenizer.decodeBytes(ids) == Array(text.utf8))
        }

        #expect(time < .seconds(30))
    }

    @Test("arrays that do not fit each other are refused by name")
    func malformed() {
        func make(
            _ tokens: [String] = ["a", "b", "ab"],
            _ types: [Int32] = [],
            _ merges: [String] = ["a b"],
            bos: Int32? = nil
        ) throws {
            var vocabulary = GGUFVocabulary(model: "gpt2", pre: "gpt-2", tokens: tokens)
            vocabulary.types = types
            vocabulary.merges = merges
            vocabulary.bos = bos
            _ = try vocabulary.tokenizer(source: "m.gguf")
        }

        #expect(throws: Never.self) { try make() }
        #expect(
            throws: TokenizerError.malformed(
                file: "m.gguf",
                field: "token types",
                found: "1",
                expected: "3, one each"
            )
        ) { try make(["a", "b", "ab"], [1]) }
        #expect(
            throws: TokenizerError.malformed(
                file: "m.gguf",
                field: "token 2",
                found: "the same text as token 0",
                expected: "a new token"
            )
        ) { try make(["a", "b", "a"]) }
        #expect(
            throws: TokenizerError.malformed(
                file: "m.gguf",
                field: "merge 0",
                found: "'a c'",
                expected: "tokens whose parts and whole are in the vocabulary"
            )
        ) { try make(["a", "b", "ab"], [], ["a c"]) }
        #expect(throws: TokenizerError.self) { try make(["a", "b", "ab"], [], ["ab"]) }
        #expect(throws: TokenizerError.self) { try make(["a", "b", "ab"], [], ["a  b"]) }
        #expect(
            throws: TokenizerError.malformed(
                file: "m.gguf",
                field: "bos",
                found: "id 3",
                expected: "an id below 3"
            )
        ) { try make(bos: 3) }
    }
}
