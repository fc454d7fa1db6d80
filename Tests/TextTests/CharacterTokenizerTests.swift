import Foundation
import Testing

@testable import Text

@Suite struct CharacterTokenizerTests {
    @Test("encodes as the reference does with the same file")
    func vectors() throws {
        let tokenizer = try #require(try Fixture.tokenizer("characters.json") as? CharacterTokenizer)

        for vector in try Fixture.vectors("characters_vectors.jsonl") {
            #expect(tokenizer.encode(vector.text, parseSpecial: true) == vector.ids)
            #expect(tokenizer.decode(vector.ids) == vector.text)
        }
        #expect(tokenizer.tokens == CharacterTokenizer.arithmetic.tokens)
    }

    @Test("the arithmetic vocabulary has 32 tokens, the special ones first")
    func arithmetic() {
        let tokenizer = CharacterTokenizer.arithmetic

        #expect(tokenizer.vocabularySize == 32)
        #expect((tokenizer.pad, tokenizer.bos, tokenizer.eos) == (0, 1, 2))
        #expect(tokenizer.encode("0+o", parseSpecial: true) == [3, 13, 31])
        #expect(tokenizer.encode("<eos>", parseSpecial: true) == [2])
        #expect(tokenizer.decode([1, 3, 2], skipSpecial: true) == "0")
    }

    @Test("special tokens in plain text stay characters, and unknown characters are dropped")
    func plain() {
        let tokenizer = CharacterTokenizer.arithmetic

        #expect(tokenizer.decode(tokenizer.encode("<eos>", parseSpecial: false)) == "<os>")
        #expect(tokenizer.firstUnencodable(in: "12+a") == "a")
        #expect(tokenizer.firstUnencodable(in: "12+3=") == nil)
    }

    @Test("the file it writes is read back as the same tokenizer")
    func roundTrip() throws {
        let tokenizer = try CharacterTokenizer(tokens: [
            "<pad>", "<eos>", "\"", "\\", "\n", "é", "=", "<unk>",
        ])

        let loaded = try TokenizerFile.load(
            bytes: tokenizer.fileBytes(),
            configuration: tokenizer.configurationBytes()
        )

        let read = try #require(loaded as? CharacterTokenizer)
        #expect(read.tokens == tokenizer.tokens)
        #expect(read.encode("é\n\\?\"<eos>", parseSpecial: true) == [5, 4, 3, 7, 2, 1])
        #expect((read.pad, read.bos, read.eos) == (0, nil, 1))
    }

    @Test("the file it writes says what the reference's own file says")
    func file() throws {
        func object(_ bytes: [UInt8]) throws -> NSDictionary? {
            try JSONSerialization.jsonObject(with: Data(bytes)) as? NSDictionary
        }

        let written = try #require(try object(CharacterTokenizer.arithmetic.fileBytes()))

        #expect(try object(Fixture.bytes("characters.json")) == written)
    }

    @Test("empty and repeated tokens are refused")
    func malformed() {
        #expect(throws: TokenizerError.self) { try CharacterTokenizer(tokens: ["a", ""]) }
        #expect(throws: TokenizerError.self) { try CharacterTokenizer(tokens: ["a", "b", "a"]) }
    }
}
