import Testing

@testable import Text

@Suite struct PreTokenizerTests {
    private static let smolLM = [KnownPatterns.digit, KnownPatterns.gpt2]

    private func pieces(_ text: String, _ patterns: [String] = smolLM) throws -> [String] {
        var cut = PreTokenizedText(Array(text.utf8), isFirst: true)
        for pattern in patterns {
            cut.apply(.split(try PatternAutomaton(pattern), .isolated, inverted: false))
        }
        return cut.pieces.map { String(decoding: cut.bytes[$0], as: UTF8.self) }
    }

    @Test("white space gives its last character to the word behind it, unless a number follows")
    func whitespace() throws {
        #expect(try pieces("a  b") == ["a", " ", " b"])
        #expect(try pieces("a  1") == ["a", "  ", "1"])
        #expect(try pieces(" 12") == [" ", "1", "2"])
        #expect(try pieces(" 12", [KnownPatterns.gpt2]) == [" 12"])
        #expect(try pieces("a\n\nb") == ["a", "\n", "\n", "b"])
        #expect(try pieces("a \t\n") == ["a", " \t\n"])
        #expect(try pieces("a\u{A0}b") == ["a", "\u{A0}", "b"])
    }

    @Test("contractions are cut in lower case only")
    func contractions() throws {
        #expect(try pieces("we'll've") == ["we", "'ll", "'ve"])
        #expect(try pieces("WE'LL") == ["WE", "'", "LL"])
        #expect(try pieces("it'sx") == ["it", "'s", "x"])
        #expect(try pieces("'") == ["'"])
        #expect(try pieces("x'l") == ["x", "'", "l"])
        #expect(try pieces(" 's") == [" '", "s"])
    }

    @Test("the pieces cover the text without gaps", arguments: [smolLM, [KnownPatterns.gpt2]])
    func cover(patterns: [String]) throws {
        for vector in try Fixture.vectors("vectors.jsonl") {
            #expect(try pieces(vector.text, patterns).joined().utf8.elementsEqual(vector.text.utf8))
        }
    }

    @Test("a match goes where its behaviour says")
    func behaviors() throws {
        func cut(_ text: String, _ behavior: PreTokenizer.Behavior, inverted: Bool = false) throws -> [String]
        {
            var cut = PreTokenizedText(Array(text.utf8), isFirst: true)
            cut.apply(.split(try PatternAutomaton("-"), behavior, inverted: inverted))
            return cut.pieces.map { String(decoding: cut.bytes[$0], as: UTF8.self) }
        }

        // As the reference cuts these.
        #expect(try cut("--a", .mergedWithNext) == ["-", "-a"])
        #expect(try cut("a-b--", .mergedWithNext) == ["a", "-b", "-", "-"])
        #expect(try cut("-a-b-", .mergedWithNext, inverted: true) == ["-", "a-", "b-"])
        #expect(try cut("a--b", .mergedWithPrevious) == ["a-", "-", "b"])
        #expect(try cut("-a-b-", .mergedWithPrevious) == ["-", "a-", "b-"])
        #expect(try cut("--a", .mergedWithPrevious, inverted: true) == ["-", "-a"])
        #expect(try cut("a--b-", .contiguous) == ["a", "--", "b", "-"])
        #expect(try cut("a--b-", .removed) == ["a", "b"])
        #expect(try cut("a--b-", .removed, inverted: true) == ["-", "-", "-"])
        #expect(try cut("a--b", .isolated) == ["a", "-", "-", "b"])
    }

    @Test("letters, numbers and white space are the reference's for every character")
    func unicodeClasses() throws {
        var expected = [UInt8](repeating: UInt8(ascii: "-"), count: 0x110000)
        let text = String(decoding: try Fixture.bytes("unicode_classes.txt"), as: UTF8.self)
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            let first = try #require(Int(fields[1], radix: 16))
            let last = try #require(Int(fields[2], radix: 16))
            for value in first...last { expected[value] = try #require(fields[0].utf8.first) }
        }
        let letter = try #require(GeneralCategory.mask("L"))
        let kinds: [(ScalarSet, UInt8)] = [
            (.categories(letter), UInt8(ascii: "L")), (.number, UInt8(ascii: "N")),
            (.whitespace, UInt8(ascii: "S")),
        ]

        let differing = (UInt32(0)..<0x110000).filter { value in
            guard !(0xD800..<0xE000).contains(value) else { return false }
            let category = GeneralCategory.of(value)
            let kind = kinds.first { $0.0.contains(value, category: category) }?.1 ?? UInt8(ascii: "-")
            // The reference's Digits knows numbers that are younger than those of its patterns.
            let isNew = Unicode.Scalar(value)?.properties.age.map { $0.major > 16 } ?? true
            return kind != expected[Int(value)] && !isNew
        }

        #expect(differing.isEmpty)
    }
}
