/// SentencePiece's compiled table of replacements (`precompiled_charsmap`): a double-array trie (Aoe, 1989)
/// from texts
/// to places in a list of zero-terminated texts.
struct PrecompiledCharacterMap: Sendable {
    /// The largest table that is read; those of T5 and its relatives have some 300 kilobytes.
    static let bytesMax = 16 << 20

    /// The table as it came.
    let bytes: [UInt8]
    private let units: [UInt32]
    private let texts: [UInt8]

    /// Reads a table; nil when its lengths contradict each other.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 4, bytes.count <= Self.bytesMax else { return nil }
        let size = Int(Self.word(bytes, 0))
        guard size > 0, size % 4 == 0, size <= bytes.count - 4 else { return nil }
        self.bytes = bytes
        units = stride(from: 4, to: 4 + size, by: 4).map { Self.word(bytes, $0) }
        texts = Array(bytes[(4 + size)...])
        // Each text must end, so the list ends with a zero.
        guard texts.isEmpty || texts.last == 0 else { return nil }
    }

    /// A text with replacements: of a character with its marks where there is one for it, and of each of its
    /// scalars otherwise.
    func apply(_ bytes: [UInt8]) -> [UInt8] {
        let text = String(decoding: bytes, as: UTF8.self)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for character in text {
            let whole = Array(character.utf8)
            if whole.count < 6, let replacement = replacement(of: whole) {
                result += replacement
                continue
            }
            for scalar in character.unicodeScalars {
                let part = Array(String(scalar).utf8)
                result += replacement(of: part) ?? part[...]
            }
        }
        return result
    }

    /// What the shortest entry that a text begins with stands for, as the reference looks it up.
    private func replacement(of text: [UInt8]) -> ArraySlice<UInt8>? {
        var place = 0
        guard units.indices.contains(place) else { return nil }
        place ^= Self.offset(units[place])
        for byte in text {
            guard byte != 0 else { return nil }
            place ^= Int(byte)
            guard units.indices.contains(place), units[place] & 0x8000_00FF == UInt32(byte) else {
                return nil
            }
            let unit = units[place]
            place ^= Self.offset(unit)
            guard unit >> 8 & 1 == 1 else { continue }
            guard units.indices.contains(place) else { return nil }
            let start = Int(units[place] & 0x7FFF_FFFF)
            guard start < texts.count, let end = texts[start...].firstIndex(of: 0) else { return nil }
            return texts[start..<end]
        }
        return nil
    }

    private static func offset(_ unit: UInt32) -> Int { Int((unit >> 10) << ((unit & 0x200) >> 6)) }

    private static func word(_ bytes: [UInt8], _ start: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
    }
}
