import Testing

@testable import Text

@Suite struct WordTokenizerTests {
    private let vocabulary = ["<pad>", "<bos>", "<eos>", "we", "see", "a", "=", "é", "<unk>"]

    @Test("each word between white space is a token, and decoding joins them with spaces")
    func words() throws {
        let tokenizer = try WordTokenizer(tokens: vocabulary)

        #expect(tokenizer.encode("we  see\ta\u{2003}= é", parseSpecial: false) == [3, 4, 5, 6, 7])
        #expect(tokenizer.decode([3, 4, 5, 6, 7]) == "we see a = é")
        #expect(tokenizer.decode([1, 3, 2], skipSpecial: true) == "we")
        #expect((tokenizer.pad, tokenizer.bos, tokenizer.eos) == (0, 1, 2))
    }

    @Test("special tokens count only where asked for, and other words become the unknown one")
    func special() throws {
        let tokenizer = try WordTokenizer(tokens: vocabulary)
        let without = try WordTokenizer(tokens: ["<eos>", "a"])

        #expect(tokenizer.encode("<bos> we<eos>", parseSpecial: true) == [1, 3, 2])
        #expect(tokenizer.encode("<bos> we", parseSpecial: false) == [8, 3])
        #expect(without.encode("a b a", parseSpecial: false) == [1, 1])
        #expect(without.firstUnencodable(in: "a b a") == "b")
        #expect(without.firstUnencodable(in: "a a") == nil)
        #expect(without.firstUnencodable(in: "<eos>") == "<")
    }

    @Test("the file it writes is read back as the same tokenizer")
    func roundTrip() throws {
        let tokenizer = try WordTokenizer(tokens: vocabulary + ["\"", "\\"])

        let loaded = try TokenizerFile.load(
            bytes: tokenizer.fileBytes(),
            configuration: tokenizer.configurationBytes()
        )

        let read = try #require(loaded as? WordTokenizer)
        #expect(read.tokens == tokenizer.tokens)
        #expect(read.encode("\" \\ we <eos>", parseSpecial: true) == [9, 10, 3, 2])
        #expect((read.pad, read.bos, read.eos) == (0, 1, 2))
    }

    @Test("empty and repeated words, and words with white space, are refused")
    func malformed() {
        for tokens in [["a", ""], ["a", "b", "a"], ["a b"]] {
            #expect(throws: TokenizerError.self) { try WordTokenizer(tokens: tokens) }
        }
    }
}
