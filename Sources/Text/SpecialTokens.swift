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

    /// Calls `plain` for each stretch without special tokens and `special` for each token, in order;
    /// matches are leftmost, and longest among those.
    func cut(
        _ bytes: [UInt8],
        parseSpecial: Bool,
        plain: (Range<Int>) -> Void,
        special: (Int32) -> Void
    ) {
        var start = 0
        var index = 0
        while index < bytes.count {
            let candidates = entries[Int(bytes[index])]
            guard !candidates.isEmpty,
                let match = candidates.first(where: {
                    (parseSpecial || !$0.isSpecial) && bytes[index...].starts(with: $0.content)
                })
            else {
                index += 1
                continue
            }
            if start < index { plain(start..<index) }
            special(match.id)
            index += match.content.count
            start = index
        }
        if start < bytes.count { plain(start..<bytes.count) }
    }
}
