/// Tokens that are cut out of a text before a model looks at it.
struct AddedTokens: Sendable {
    struct Entry: Sendable {
        let id: Int32
        let content: [UInt8]
        /// Special tokens are recognised only where a text is not plain; other added tokens always.
        let isSpecial: Bool
        /// Whether it is looked for in the normalised text.
        var isNormalized = false
        /// Whether it is recognised only where no letter, digit or mark touches it.
        var isSingleWord = false
        /// Whether it takes the white space before it.
        var stripsLeft = false
        /// Whether it takes the white space behind it.
        var stripsRight = false
    }

    /// By first byte, longest content first.
    private var entries = [[Entry]](repeating: [], count: 256)
    private var ids: Set<Int32> = []
    /// Whether there is none.
    let isEmpty: Bool

    init(_ all: [Entry]) {
        isEmpty = all.isEmpty
        for entry in all {
            guard let first = entry.content.first else { continue }
            entries[Int(first)].append(entry)
            if entry.isSpecial { ids.insert(entry.id) }
        }
        for byte in 0..<256 { entries[byte].sort { $0.content.count > $1.content.count } }
    }

    /// Whether an id is a special token.
    func contains(_ id: Int32) -> Bool { ids.contains(id) }

    /// Calls `rest` for each stretch without added tokens and `token` for each token, in order;
    /// matches are leftmost, and longest among those.
    ///
    /// - Parameters:
    ///   - bytes: The text.
    ///   - plain: Where no special token is recognised, ascending.
    ///   - rest: Takes a stretch.
    ///   - token: Takes an id.
    func cut(
        _ bytes: [UInt8],
        plain: [Range<Int>],
        rest: (Range<Int>) -> Void,
        token: (Int32) -> Void
    ) {
        var start = 0
        var index = 0
        // The first plain part that does not end before the index.
        var next = 0
        while !isEmpty, index < bytes.count {
            guard !entries[Int(bytes[index])].isEmpty else {
                index += 1
                continue
            }
            while next < plain.count, plain[next].upperBound <= index { next += 1 }
            let part = next < plain.count ? plain[next] : bytes.count..<bytes.count
            switch match(bytes, at: index, plain: part) {
            case .none: index += 1
            case .passed(let count): index += count
            case .token(let entry):
                let range = index..<index + entry.content.count
                let whole = AddedTokens.widened(range, entry, bytes, from: start)
                if start < whole.lowerBound { rest(start..<whole.lowerBound) }
                token(entry.id)
                start = whole.upperBound
                index = max(range.upperBound, start)
            }
        }
        if start < bytes.count { rest(start..<bytes.count) }
    }

    private enum Match {
        case none
        /// A token that is not recognised here, with nothing in it that is.
        case passed(Int)
        case token(Entry)
    }

    private func match(_ bytes: [UInt8], at index: Int, plain: Range<Int>) -> Match {
        for entry in entries[Int(bytes[index])] where bytes[index...].starts(with: entry.content) {
            let end = index + entry.content.count
            if entry.isSpecial, end > plain.lowerBound {
                // The reference passes over a special token of a plain text, and so over what is in it.
                if index >= plain.lowerBound, end <= plain.upperBound { return .passed(entry.content.count) }
                continue
            }
            guard entry.isSingleWord else { return .token(entry) }
            let isAlone =
                !AddedTokens.endsWithWord(bytes[..<index]) && !AddedTokens.beginsWithWord(bytes[end...])
            return isAlone ? .token(entry) : .passed(entry.content.count)
        }
        return .none
    }

    /// A token's place with the white space that it takes.
    private static func widened(
        _ range: Range<Int>,
        _ entry: Entry,
        _ bytes: [UInt8],
        from start: Int
    ) -> Range<Int> {
        var lower = range.lowerBound
        var upper = range.upperBound
        if entry.stripsLeft {
            var scalars = Substring(String(decoding: bytes[start..<lower], as: UTF8.self)).unicodeScalars
            while let last = scalars.last, last.properties.isWhitespace {
                scalars.removeLast()
                lower -= UTF8.width(last)
            }
        }
        if entry.stripsRight {
            while upper < bytes.count {
                let scalar = UTF8Reading.scalar(bytes, upper)
                guard Unicode.Scalar(scalar.value)?.properties.isWhitespace == true else { break }
                upper += scalar.width
            }
        }
        return lower..<upper
    }

    private static func beginsWithWord(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard !bytes.isEmpty else { return false }
        return String(decoding: bytes.prefix(4), as: UTF8.self).unicodeScalars.first.map(isWord) ?? false
    }

    private static func endsWithWord(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard !bytes.isEmpty else { return false }
        return String(decoding: bytes.suffix(4), as: UTF8.self).unicodeScalars.last.map(isWord) ?? false
    }

    /// `\w`: letters, marks, decimal digits, connectors and joiners.
    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.properties.isAlphabetic || scalar.properties.isJoinControl { return true }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
        default: return false
        }
    }
}
