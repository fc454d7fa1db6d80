/// How text is cut into pieces before byte-pair merging; no merge crosses a cut.
package enum PreTokenizer: String, Sendable, CaseIterable {
    /// GPT-2's pattern alone.
    case gpt2
    /// GPT-2's pattern in each stretch between numbers, and every number character by itself.
    case smolLM
}

extension PreTokenizer {
    /// The pieces of a text as ranges of its UTF-8; they cover it without gaps.
    func pieces(of text: String) -> [Range<Int>] {
        let scalars = ClassifiedText(text)
        var pieces: [Range<Int>] = []
        var start = 0
        while start < scalars.count {
            var end = scalars.count
            if self == .smolLM {
                end = start
                while end < scalars.count, scalars.kinds[end] != .number { end += 1 }
            }
            if end == start {
                end = start + 1
                pieces.append(scalars.offsets[start]..<scalars.offsets[end])
            } else {
                scalars.appendPieces(in: start..<end, to: &pieces)
            }
            start = end
        }
        return pieces
    }
}

/// A text as a row of characters with the class that the pattern asks about.
private struct ClassifiedText {
    private(set) var kinds: [CharacterKind] = []
    /// Where each character begins in UTF-8, and one more for the end.
    private(set) var offsets: [Int] = [0]
    private let utf8: [UInt8]

    var count: Int { kinds.count }

    init(_ text: String) {
        utf8 = Array(text.utf8)
        kinds.reserveCapacity(utf8.count)
        offsets.reserveCapacity(utf8.count + 1)
        for scalar in text.unicodeScalars {
            kinds.append(CharacterKind(of: scalar))
            offsets.append(offsets[kinds.count - 1] + UTF8.width(scalar))
        }
    }

    /// Appends the matches of
    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+` in a stretch,
    /// whose end counts as the end of the text for the look-ahead.
    func appendPieces(in stretch: Range<Int>, to pieces: inout [Range<Int>]) {
        var index = stretch.lowerBound
        while index < stretch.upperBound {
            let end = matchEnd(from: index, before: stretch.upperBound)
            pieces.append(offsets[index]..<offsets[end])
            index = end
        }
    }

    private func matchEnd(from start: Int, before end: Int) -> Int {
        if kinds[start] == .apostrophe, let length = contraction(at: start, before: end) {
            return start + length
        }
        var first = start
        if kinds[start] == .space, start + 1 < end, !kinds[start + 1].isWhitespace { first += 1 }
        if !kinds[first].isWhitespace {
            switch kinds[first] {
            case .letter: return run(from: first, before: end) { $0 == .letter }
            case .number: return run(from: first, before: end) { $0 == .number }
            default: return run(from: first, before: end) { $0.isOther }
            }
        }
        let runEnd = run(from: start, before: end) { $0.isWhitespace }
        // `\s+(?!\S)` leaves the last white space to what follows it, unless that is all there is.
        return runEnd < end && runEnd - start > 1 ? runEnd - 1 : runEnd
    }

    private func run(from start: Int, before end: Int, while matches: (CharacterKind) -> Bool) -> Int {
        var index = start
        while index < end, matches(kinds[index]) { index += 1 }
        return index
    }

    /// How many characters a contraction at an apostrophe takes; lower case only.
    private func contraction(at start: Int, before end: Int) -> Int? {
        guard start + 1 < end else { return nil }
        let byte = offsets[start]
        switch utf8[byte + 1] {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
        case UInt8(ascii: "r"), UInt8(ascii: "v"):
            return start + 2 < end && utf8[byte + 2] == UInt8(ascii: "e") ? 3 : nil
        case UInt8(ascii: "l"):
            return start + 2 < end && utf8[byte + 2] == UInt8(ascii: "l") ? 3 : nil
        default: return nil
        }
    }
}
