import Testing

@testable import Text

/// Text that is shown while its tokens come.
@Suite struct TextStreamTests {
    private static let text = "héllo  wörld 🙂🙂 日本語 naïve\n\n\tcode = \"x\" e\u{301} <|im_end|>."

    private func parts(_ ids: [Int32], _ tokenizer: any Tokenizer) -> [String] {
        var stream = TextStream(tokenizer)
        return ids.map { stream.append($0) } + [stream.finish()]
    }

    @Test(
        "the parts are whole characters, and together the text",
        arguments: ["tokenizer.json", "Families/llama2.json", "Families/gemma.json", "Families/t5.json"]
    )
    func whole(file: String) throws {
        guard let tokenizer = try? Fixture.tokenizer(file) else {
            Issue.record("\(file) is missing")
            return
        }
        let ids = tokenizer.encode(Self.text, parseSpecial: false)

        let parts = parts(ids, tokenizer)

        #expect(parts.joined() == tokenizer.decode(ids, skipSpecial: true))
        // A character that takes several tokens comes with the last of them.
        for part in parts { #expect(!part.unicodeScalars.contains("\u{FFFD}"), "\(parts)") }
        #expect(parts.dropLast().contains { !$0.isEmpty })
    }

    @Test(
        "bytes that are no UTF-8 become U+FFFD and hold nothing up",
        arguments: 1...20 as ClosedRange<UInt64>
    )
    func invalid(seed: UInt64) throws {
        let tokenizer = try Fixture.tokenizer("tokenizer.json")
        var state = seed
        let ids = (0..<60).map { _ -> Int32 in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int32((state >> 33) % UInt64(tokenizer.vocabularySize))
        }

        let parts = parts(ids, tokenizer)

        let bytes = tokenizer.decodeBytes(ids, skipSpecial: true)
        #expect(parts.joined() == String(decoding: bytes, as: UTF8.self))
    }

    @Test("words are given with the space before them, and special tokens not at all")
    func words() throws {
        let tokenizer = try WordTokenizer(tokens: ["<eos>", "a", "b"])

        #expect(parts([1, 2, 0, 1], tokenizer) == ["a", " b", "", " a", ""])
    }

    @Test("a character that is never finished is U+FFFD at the end")
    func cutOff() throws {
        let tokenizer = try Fixture.tokenizer("tokenizer.json")
        let ids = tokenizer.encode("a🙂", parseSpecial: false)
        let cut = Array(ids.dropLast())
        guard tokenizer.decodeBytes(cut) != Array("a🙂".utf8), cut.count > 1 else { return }

        let parts = parts(cut, tokenizer)

        #expect(parts.first == "a")
        #expect(parts.dropLast().joined() == "a")
        #expect(parts.last == "\u{FFFD}")
    }
}
