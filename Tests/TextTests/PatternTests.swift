import Testing

@testable import Text

@Suite struct PatternTests {
    private func matches(_ pattern: String, _ text: String) throws -> [String] {
        let bytes = Array(text.utf8)
        var found: [String] = []
        try PatternAutomaton(pattern).matches(in: bytes, 0..<bytes.count) {
            found.append(String(decoding: bytes[$0], as: UTF8.self))
        }
        return found
    }

    @Test("the first alternative that matches is taken, as a backtracking matcher does")
    func preference() throws {
        #expect(try matches("a|ab", "abab") == ["a", "a"])
        #expect(try matches("(a|ab)(c|bcd)(d*)", "abcd") == ["abcd"])
        #expect(try matches("x*?y", "xxyy") == ["xxy", "y"])
        #expect(try matches("a{1,3}", "aaaaa") == ["aaa", "aa"])
        #expect(try matches("a{2,}|b{,2}c", "aaaabbbc") == ["aaaa", "bbc"])
        #expect(try matches("a{1,2}?b?", "aab") == ["a", "ab"])
    }

    @Test("look-ahead sees one character, and the end of the stretch is the end of the text")
    func lookAhead() throws {
        #expect(try matches("\\s+(?!\\S)|\\s+", "a   b  ") == ["  ", " ", "  "])
        #expect(try matches("a(?=b|c)", "abacad") == ["a", "a"])
        #expect(try matches("a+$", "aa\naab") == ["aa"])
        #expect(try matches("a\\z", "aa") == ["a"])
    }

    @Test("classes hold what they say, whatever the plane")
    func classes() throws {
        #expect(try matches("[^\\r\\n\\p{L}\\p{N}]", "aé1½\r\n!🌊") == ["!", "🌊"])
        #expect(try matches("[\\p{Lu}\\p{Lt}]", "aAǅÀ𝔘") == ["A", "ǅ", "À", "𝔘"])
        #expect(try matches("[一-龥]+|[^\\P{M}]", "a河流e\u{301}") == ["河流", "\u{301}"])
        #expect(try matches("[a-c[x-z]]+", "aybzq") == ["aybz"])
        #expect(try matches("[\\]\\-a]+|[b-]", "]a-b") == ["]a-", "b"])
        #expect(try matches("\\x41\\x{1F30A}\\u00e9", "A🌊é") == ["A🌊é"])
        #expect(try matches(".", "a\n") == ["a"])
    }

    @Test("without regard to case two characters outside of ASCII are letters of it")
    func caseFolding() throws {
        #expect(
            try matches("(?i:'s|'ll|k)", "'S'\u{17F}'lL\u{212A}K's") == [
                "'S", "'\u{17F}", "'lL", "\u{212A}", "K", "'s",
            ]
        )
        #expect(try matches("(?i:a)a", "AaAA") == ["Aa"])
    }

    @Test("a possessive repetition is taken where it matches as a greedy one does")
    func possessive() throws {
        #expect(try matches("[^\\p{L}]?+\\p{L}+|[^\\s\\p{L}]++[\\r\\n]*", "!ab ..\n") == ["!ab", "..\n"])
        #expect(throws: PatternFault(construct: "'a++ab'")) { try PatternAutomaton("a++ab") }
        #expect(throws: PatternFault.self) { try PatternAutomaton("(?:a++)a") }
        #expect(throws: PatternFault.self) { try PatternAutomaton("\\s++(?!\\S)") }
    }

    @Test(
        "what is not known is a fault that names it",
        arguments: [
            ("^a", "'^'"), ("(?<=a)b", "'(?<='"), ("(?>a)", "'(?>a'"), ("\\b", "'\\b'"), ("\\w+", "'\\w'"),
            ("a\\1", "'\\1'"), ("\\p{Han}", "'\\p{Han}'"), ("[[:alpha:]]", "'[:alph'"), ("[a&&b]", "'&&b]'"),
            ("[]a]", "']a]'"),
            ("(?!ab)c", "'(?!ab)c'"), ("(", "an unmatched '('"), (")", "an unmatched ')'"),
            ("[a", "an unmatched '['"),
            ("a**", "'a**'"), ("a{2}?", "'a{2}?'"), ("a{1001}", "'{1001}'"), ("a{3,2}", "'{3,2}'"),
            ("*a", "'*'"),
            ("a*", "a pattern that matches the empty text"), ("", "a pattern that matches the empty text"),
            ("a\\", "a '\\' at the end"), ("[z-a]", "'z-a'"), ("(?i:[a])", "a class in '(?i:'"),
            ("\\x{110000}", "'\\x{110000}'"), ("(a{1000}){1000}", "a pattern of more than 8192 places"),
            (String(repeating: "(", count: 100), "groups 51 deep"),
            ("(a|b)*a(a|b){14}", "a pattern of more than 1024 states"),
        ]
    )
    func faults(pattern: String, construct: String) {
        #expect(throws: PatternFault(construct: construct)) { try PatternAutomaton(pattern) }
    }

    @Test(
        "the time grows as the text does, however little a pattern finds",
        arguments: ["\\s+$|\\n", "(?:a*)*b", "[ab]*[ac]*d", "\\s+(?!\\S)", " a|\\s*[\\r\\n]+| (?: *x)"]
    )
    func hostileTexts(pattern: String) throws {
        let automaton = try PatternAutomaton(pattern)
        let texts = ["a", " ", "ab", "ba ", "é"].map {
            Array((String(repeating: $0, count: 40_000) + "c").utf8)
        }

        let time = ContinuousClock().measure {
            for text in texts { automaton.matches(in: text, 0..<text.count) { _ in } }
        }

        #expect(time < .seconds(20))
    }
}
