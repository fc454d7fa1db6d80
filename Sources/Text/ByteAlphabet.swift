// GPT-2 writes each byte as one printable character, so that vocabularies can be kept as text
// (Radford et al., 2019): printable Latin-1 stands for itself, the other 68 bytes for U+0100 onwards.

/// The bijection between bytes and the 256 characters of byte-level vocabularies.
enum ByteAlphabet {
    /// The character of each byte.
    static let scalars: [Unicode.Scalar] = {
        var next: UInt16 = 256
        return (UInt8.min...UInt8.max).map { byte in
            if isPrintable(byte) { return Unicode.Scalar(byte) }
            defer { next += 1 }
            return Unicode.Scalar(next) ?? "\u{FFFD}"
        }
    }()

    private static let byteOfScalar: [UInt8?] = {
        var table = [UInt8?](repeating: nil, count: 512)
        for (byte, scalar) in scalars.enumerated() { table[Int(scalar.value)] = UInt8(byte) }
        return table
    }()

    /// The bytes that a token's UTF-8 stands for, or that itself if it is not written in the alphabet.
    static func bytes(of token: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(token.count)
        var index = 0
        while index < token.count {
            let scalar = UTF8Reading.scalar(token, index)
            guard scalar.value < 512, let byte = byteOfScalar[Int(scalar.value)] else { return token }
            bytes.append(byte)
            index += scalar.width
        }
        return bytes
    }

    /// Bytes written in the alphabet, as UTF-8.
    static func text(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            let value = scalars[Int(byte)].value
            if value < 0x80 {
                text.append(UInt8(value))
            } else {
                text += [UInt8(0xC0 | value >> 6), UInt8(0x80 | value & 0x3F)]
            }
        }
        return text
    }

    private static func isPrintable(_ byte: UInt8) -> Bool {
        (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174
    }
}
