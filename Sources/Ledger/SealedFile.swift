/// The layout of a client's files: a magic word, sections with their lengths, and a checksum of it all.
///
///     "TRIBUTARY2" · (UInt64 length · bytes) for each section · UInt64 checksum of everything before
enum SealedFile {
    private static let magic = Array("TRIBUTARY2".utf8)

    /// The pieces to write, in order.
    static func seal(_ sections: [[UInt8]]) -> [[UInt8]] {
        var pieces = [magic]
        for section in sections {
            pieces.append(bytes(of: UInt64(section.count)))
            pieces.append(section)
        }
        return pieces + [checksum(of: pieces.map { $0[...] })]
    }

    /// The sections of a file.
    ///
    /// - Throws: `LedgerError` with `corrupt` if a byte is missing, changed or too many.
    static func open(_ bytes: [UInt8], sections count: Int, path: String) throws(LedgerError) -> [[UInt8]] {
        var pieces: [ArraySlice<UInt8>] = [bytes.prefix(magic.count)]
        var start = magic.count
        let end = bytes.count - 8
        while start < end {
            guard end - start >= 8 else { break }
            let length = bytes[start..<start + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            guard length <= UInt64(end - start - 8) else { break }
            let body = start + 8
            pieces += [bytes[start..<body], bytes[body..<body + Int(length)]]
            start = body + Int(length)
        }
        guard start == end, bytes.starts(with: magic), checksum(of: pieces)[...] == bytes[end...] else {
            throw LedgerError(.corrupt, "'\(path)' is damaged: its \(bytes.count) bytes fail their checksum")
        }
        let sections = stride(from: 2, to: pieces.count, by: 2).map { Array(pieces[$0]) }
        guard sections.count == count else {
            throw LedgerError(.corrupt, "'\(path)' has \(sections.count) sections, expected \(count)")
        }
        return sections
    }

    private static func bytes(of number: UInt64) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    /// A checksum against damage, not against forgers: nobody but its owner writes a client's state.
    static func checksum(of pieces: [ArraySlice<UInt8>]) -> [UInt8] {
        var state = Checksum()
        for piece in pieces { piece.withUnsafeBytes { state.add($0) } }
        return bytes(of: state.value)
    }
}

/// Four lanes of 64 bits, each a chain of bijections, so that a change in one word never goes unseen; ten times as fast
/// as a digest.
private struct Checksum {
    private var lanes = SIMD4<UInt64>(1, 2, 3, 4)

    /// Adds a piece; its end counts.
    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        let whole = bytes.count / 32 * 32
        var (a, b, c, d) = (lanes[0], lanes[1], lanes[2], lanes[3])
        for start in stride(from: 0, to: whole, by: 32) {
            a = Self.mix(a, bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
            b = Self.mix(b, bytes.loadUnaligned(fromByteOffset: start &+ 8, as: UInt64.self))
            c = Self.mix(c, bytes.loadUnaligned(fromByteOffset: start &+ 16, as: UInt64.self))
            d = Self.mix(d, bytes.loadUnaligned(fromByteOffset: start &+ 24, as: UInt64.self))
        }
        for index in whole..<bytes.count { a = Self.mix(a, UInt64(bytes[index])) }
        lanes = SIMD4(Self.mix(a, UInt64(bytes.count)), b, c, d)
    }

    var value: UInt64 { Self.mix(Self.mix(Self.mix(lanes[0], lanes[1]), lanes[2]), lanes[3]) }

    @inline(__always)
    private static func mix(_ state: UInt64, _ word: UInt64) -> UInt64 {
        let product = (state ^ UInt64(littleEndian: word)) &* 0x9E37_79B9_7F4A_7C15
        return product ^ product &>> 29
    }
}
