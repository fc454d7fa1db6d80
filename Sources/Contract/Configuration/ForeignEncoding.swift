/// A text that is not UTF-8: what it seems to be, where that shows, and how to convert it.
package struct ForeignEncoding: Sendable, Equatable {
    /// The encoding as `iconv` calls it; nil where the text breaks off within a character.
    package let name: String?
    /// The first line that is not UTF-8, from 1; nil where the file as a whole is in another encoding.
    package let line: Int?
    /// What was found, for people.
    package let found: String

    /// What a text is, if it is not UTF-8; nil if it is.
    ///
    /// UTF-16 and UTF-32 show in a byte order mark or in zero bytes at every second place, which no other text has. Of
    /// 8-bit encodings nothing tells one from another but the values that Latin-1 does not use.
    package init?(of bytes: [UInt8]) {
        if let wide = ForeignEncoding.wide(bytes) {
            name = wide.name
            line = nil
            found = wide.found
            return
        }
        guard String(validating: bytes, as: UTF8.self) == nil else { return nil }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let index = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
        line = index + 1
        if index == lines.count - 1, ForeignEncoding.breaksOff(lines[index]) {
            name = nil
            found = "an end of the file within a character: it seems cut off"
            return
        }
        let isWindows = bytes.contains { (0x80...0x9F).contains($0) }
        name = isWindows ? "WINDOWS-1252" : "ISO-8859-1"
        found =
            "bytes that are not UTF-8, as in \(isWindows ? "Windows-1252" : "Latin-1 (ISO-8859-1)") "
            + "or another 8-bit encoding"
    }

    /// What to do about it.
    ///
    /// - Parameter file: The file, as it is shown.
    package func remedy(for file: String) -> String {
        guard let name else { return "UTF-8; fetch the file again" }
        return "UTF-8; convert it: iconv -f \(name) -t UTF-8 '\(file)' > NEW"
    }

    private static func wide(_ bytes: [UInt8]) -> (name: String, found: String)? {
        let marks: [(mark: [UInt8], name: String)] = [
            ([0xFF, 0xFE, 0, 0], "UTF-32"), ([0, 0, 0xFE, 0xFF], "UTF-32"), ([0xFF, 0xFE], "UTF-16"),
            ([0xFE, 0xFF], "UTF-16"),
        ]
        if let found = marks.first(where: { bytes.starts(with: $0.mark) }) {
            return (found.name, "a byte order mark of \(found.name)")
        }
        let head = bytes.prefix(4096)
        guard head.contains(0) else { return nil }
        var zeros = [0, 0]
        for (place, byte) in head.enumerated() where byte == 0 { zeros[place % 2] += 1 }
        for (isLate, name) in [(1, "UTF-16LE"), (0, "UTF-16BE")]
        where zeros[isLate] * 8 >= head.count && zeros[1 - isLate] * 20 <= zeros[isLate] {
            return (name, "\(name) without a byte order mark")
        }
        return nil
    }

    /// Whether a text is UTF-8 but for the first bytes of a character at its end.
    private static func breaksOff(_ line: ArraySlice<UInt8>) -> Bool {
        (1...3).contains { count in
            guard line.count >= count, let lead = line.suffix(count).first, lead >= 0xC2 else { return false }
            return String(validating: line.dropLast(count), as: UTF8.self) != nil
        }
    }
}
