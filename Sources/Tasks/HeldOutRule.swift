/// The rule that keeps a fifth of all prompts for testing, wherever a set is drawn.
///
/// It looks at nothing but the prompt's text, so every node keeps the same prompts apart without
/// exchanging lists.
package enum HeldOutRule {
    /// Whether a prompt is kept for testing: the CRC-32 of its UTF-8 is divisible by 5.
    package static func holdsOut(_ prompt: String) -> Bool {
        crc32(prompt.utf8) % 5 == 0
    }

    /// The CRC-32 of ISO 3309 and zlib (reflected polynomial 0xEDB88320).
    package static func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes { crc = table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ (crc >> 8) }
        return ~crc
    }

    private static let table: [UInt32] = (0..<256).map { value in
        (0..<8).reduce(UInt32(value)) { crc, _ in crc & 1 == 1 ? 0xEDB8_8320 ^ (crc >> 1) : crc >> 1 }
    }
}
