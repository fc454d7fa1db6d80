import Testing

@testable import Text

@Suite struct JSONReaderTests {
    @Test("values of every kind are read, behind a byte order mark too")
    func values() throws {
        let text =
            "\u{FEFF} {\"a\": [1, -2.5e1, true, null], \"b\\u00e9\\ud83c\\udf0a\\n\": {}, \"c\": \"\\\\\\/\\\"\"} "

        let value = try JSONReader.value(of: Array(text.utf8))

        #expect(
            value
                == .object([
                    ("a", .array([.number(1), .number(-25), .boolean(true), .null])), ("bé🌊\n", .object([])),
                    ("c", .text("\\/\"")),
                ])
        )
    }

    @Test(
        "what is no JSON is refused with its place",
        arguments: [
            "", "{", "[1,]", "[1 2]", "{\"a\" 1}", "{a: 1}", "\"a", "\"\\x\"", "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\u12g4\"", "\"\u{1}\"", "tru", "nul", "1e999", "-", "[1] 2", "+1", "01", "[-]", "1.", ".5",
        ]
    )
    func broken(text: String) {
        #expect(throws: JSONReader.Fault.self) { try JSONReader.value(of: Array(text.utf8)) }
    }

    @Test("bytes that are not UTF-8, and brackets without end, are refused")
    func hostile() {
        #expect(throws: JSONReader.Fault.self) { try JSONReader.value(of: [0x22, 0xC3, 0x22]) }
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
        #expect(throws: JSONReader.Fault(found: "'[' at byte 65", expected: "at most 64 levels")) {
            try JSONReader.value(of: deep)
        }
    }
}
