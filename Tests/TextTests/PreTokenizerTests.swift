import Testing

@testable import Text

@Suite struct PreTokenizerTests {
    private func pieces(_ text: String, _ cut: PreTokenizer = .smolLM) -> [String] {
        let bytes = Array(text.utf8)
        return cut.pieces(of: text).map { String(decoding: bytes[$0], as: UTF8.self) }
    }

    @Test("white space gives its last character to the word behind it, unless a number follows")
    func whitespace() {
        #expect(pieces("a  b") == ["a", " ", " b"])
        #expect(pieces("a  1") == ["a", "  ", "1"])
        #expect(pieces(" 12") == [" ", "1", "2"])
        #expect(pieces(" 12", .gpt2) == [" 12"])
        #expect(pieces("a\n\nb") == ["a", "\n", "\n", "b"])
        #expect(pieces("a \t\n") == ["a", " \t\n"])
        #expect(pieces("a\u{A0}b") == ["a", "\u{A0}", "b"])
    }

    @Test("contractions are cut in lower case only")
    func contractions() {
        #expect(pieces("we'll've") == ["we", "'ll", "'ve"])
        #expect(pieces("WE'LL") == ["WE", "'", "LL"])
        #expect(pieces("it'sx") == ["it", "'s", "x"])
        #expect(pieces("'") == ["'"])
        #expect(pieces("x'l") == ["x", "'", "l"])
        #expect(pieces(" 's") == [" '", "s"])
    }

    @Test("the pieces cover the text without gaps", arguments: PreTokenizer.allCases)
    func cover(cut: PreTokenizer) throws {
        for vector in try Fixture.vectors("vectors.jsonl") {
            #expect(pieces(vector.text, cut).joined().utf8.elementsEqual(vector.text.utf8))
        }
    }

    @Test("letters, numbers and white space are the reference's for every character")
    func unicodeClasses() throws {
        var expected = [CharacterKind](repeating: .other, count: 0x110000)
        let text = String(decoding: try Fixture.bytes("unicode_classes.txt"), as: UTF8.self)
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            let first = try #require(Int(fields[1], radix: 16))
            let last = try #require(Int(fields[2], radix: 16))
            let kind: CharacterKind =
                fields[0] == "L" ? .letter : fields[0] == "N" ? .number : .otherWhitespace
            for value in first...last { expected[value] = kind }
        }

        var differing: [String] = []
        for value in UInt32(0)..<0x110000 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            var kind = CharacterKind(of: scalar)
            if kind == .space { kind = .otherWhitespace }
            if kind == .apostrophe { kind = .other }
            // A character that a newer Unicode has added may be a letter here and nothing there.
            let isNew =
                expected[Int(value)] == .other && kind != .other
                && scalar.properties.age.map { $0.major >= 16 } ?? false
            if kind != expected[Int(value)], !isNew { differing.append(String(value, radix: 16)) }
        }

        #expect(differing.isEmpty)
    }
}
