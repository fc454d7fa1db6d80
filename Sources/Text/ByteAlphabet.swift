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

    /// The byte a character stands for.
    static func byte(of scalar: Unicode.Scalar) -> UInt8? {
        scalar.value < 512 ? byteOfScalar[Int(scalar.value)] : nil
    }

    /// The bytes a token stands for, or the token's own UTF-8 if it is not written in the alphabet.
    static func bytes(of token: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(token.utf8.count)
        for scalar in token.unicodeScalars {
            guard let byte = byte(of: scalar) else { return Array(token.utf8) }
            bytes.append(byte)
        }
        return bytes
    }

    private static func isPrintable(_ byte: UInt8) -> Bool {
        (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174
    }
}
