internal import Digest

/// The layout of a client's files: a magic word, sections with their lengths, and a SHA-256 of it all.
///
///     "TRIBUTARY1" · (UInt64 length · bytes) for each section · 32 bytes SHA-256 of everything before
enum SealedFile {
    private static let magic = Array("TRIBUTARY1".utf8)

    /// The pieces to write, in order.
    static func seal(_ sections: [[UInt8]]) -> [[UInt8]] {
        var pieces = [magic]
        for section in sections {
            pieces.append(withUnsafeBytes(of: UInt64(section.count).littleEndian) { Array($0) })
            pieces.append(section)
        }
        let hash = SHA256()
        for piece in pieces { hash.update(piece) }
        return pieces + [hash.finish().bytes]
    }

    /// The sections of a file.
    ///
    /// - Throws: `LedgerError` with `corrupt` if a byte is missing, changed or too many.
    static func open(_ bytes: [UInt8], sections count: Int, path: String) throws(LedgerError) -> [[UInt8]] {
        let end = bytes.count - 32
        guard end >= magic.count, bytes.starts(with: magic),
            SHA256Digest(of: bytes[..<end]).bytes == Array(bytes[end...])
        else {
            throw LedgerError(.corrupt, "'\(path)' is damaged: its \(bytes.count) bytes fail their SHA-256")
        }
        var sections: [[UInt8]] = []
        var start = magic.count
        while start < end {
            guard end - start >= 8 else { break }
            let length = bytes[start..<start + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            guard length <= UInt64(end - start - 8) else { break }
            let body = start + 8
            start = body + Int(length)
            sections.append(Array(bytes[body..<start]))
        }
        guard start == end, sections.count == count else {
            throw LedgerError(.corrupt, "'\(path)' has \(sections.count) sections, expected \(count)")
        }
        return sections
    }
}
