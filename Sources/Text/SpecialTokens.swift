/// Tokens that are cut out of a text before anything else looks at it.
struct SpecialTokens: Sendable {
    struct Entry: Sendable {
        let id: Int32
        let content: [UInt8]
        /// Special tokens are recognised only on request; other added tokens always.
        let isSpecial: Bool
    }

    /// By first byte, longest content first.
    private var entries = [[Entry]](repeating: [], count: 256)
    private var ids: Set<Int32> = []

    init(_ all: [Entry]) {
        for entry in all {
            guard let first = entry.content.first else { continue }
            entries[Int(first)].append(entry)
            if entry.isSpecial { ids.insert(entry.id) }
        }
        for byte in 0..<256 { entries[byte].sort { $0.content.count > $1.content.count } }
    }

    func contains(_ id: Int32) -> Bool { ids.contains(id) }

    /// Calls `rest` for each stretch without special tokens and `special` for each token, in order;
    /// matches are leftmost, and longest among those.
    ///
    /// - Parameters:
    ///   - bytes: The text.
    ///   - plain: Where no special token is recognised, ascending.
    ///   - rest: Takes a stretch.
    ///   - special: Takes an id.
    func cut(
        _ bytes: [UInt8],
        plain: [Range<Int>],
        rest: (Range<Int>) -> Void,
        special: (Int32) -> Void
    ) {
        var start = 0
        var index = 0
        // The first plain part that does not end before the index.
        var next = 0
        while index < bytes.count {
            while next < plain.count, plain[next].upperBound <= index { next += 1 }
            let plainStart = next < plain.count ? plain[next].lowerBound : bytes.count
            let candidates = entries[Int(bytes[index])]
            guard !candidates.isEmpty,
                let match = candidates.first(where: {
                    (!$0.isSpecial || index + $0.content.count <= plainStart)
                        && bytes[index...].starts(with: $0.content)
                })
            else {
                index += 1
                continue
            }
            if start < index { rest(start..<index) }
            special(match.id)
            index += match.content.count
            start = index
        }
        if start < bytes.count { rest(start..<bytes.count) }
    }
}
