/// The checked header of a frame: its existence proves that type and length are allowed.
struct FrameHeader: Equatable {
    let type: MessageType
    let bodyBytes: Int

    /// Checks 20 bytes in the order magic, version, checksum, type, reserved fields, length; the
    /// first fault wins.
    init(_ bytes: ArraySlice<UInt8>) throws(WireError) {
        precondition(bytes.count == Frame.headerBytes, "a frame header has \(Frame.headerBytes) bytes")
        let start = bytes.startIndex
        let magic = LittleEndian.read32(bytes, at: start)
        guard magic == Frame.magic else { throw .badMagic(found: magic) }
        let version = Int(bytes[start + 4])
        guard version == Frame.version else { throw .unsupportedVersion(found: version) }
        let expected = CRC32.checksum(bytes[start..<start + 16])
        let found = LittleEndian.read32(bytes, at: start + 16)
        guard expected == found else { throw .badChecksum(expected: expected, found: found) }
        guard let type = MessageType(rawValue: bytes[start + 5]) else {
            throw .unknownType(found: Int(bytes[start + 5]))
        }
        let flags = UInt32(bytes[start + 6]) | UInt32(bytes[start + 7]) << 8
        guard flags == 0 else { throw .reservedBits(field: "flags", found: flags) }
        let stream = LittleEndian.read32(bytes, at: start + 8)
        guard stream == 0 else { throw .reservedBits(field: "stream", found: stream) }
        let bodyBytes = Int(LittleEndian.read32(bytes, at: start + 12))
        guard bodyBytes <= type.bodyBytesMax else {
            throw .frameTooLarge(type: type, bytes: bodyBytes, limit: type.bodyBytesMax)
        }
        self.type = type
        self.bodyBytes = bodyBytes
    }

    /// The 20 bytes of the header of a frame.
    static func bytes(type: MessageType, bodyBytes: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Frame.headerBytes + bodyBytes)
        LittleEndian.append32(Frame.magic, to: &bytes)
        bytes.append(UInt8(Frame.version))
        bytes.append(type.rawValue)
        bytes.append(contentsOf: [0, 0, 0, 0, 0, 0])
        LittleEndian.append32(UInt32(bodyBytes), to: &bytes)
        LittleEndian.append32(CRC32.checksum(bytes[...]), to: &bytes)
        return bytes
    }
}

/// Numbers as little-endian bytes.
enum LittleEndian {
    static func read32(_ bytes: ArraySlice<UInt8>, at index: Int) -> UInt32 {
        UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2]) << 16
            | UInt32(bytes[index + 3]) << 24
    }

    static func append32(_ value: UInt32, to bytes: inout [UInt8]) {
        for shift in stride(from: UInt32(0), to: 32, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}

/// CRC-32/ISO-HDLC, bit by bit: it only ever sees the 16 bytes of a header.
enum CRC32 {
    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var remainder: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            remainder ^= UInt32(byte)
            for _ in 0..<8 {
                remainder = remainder & 1 == 1 ? remainder >> 1 ^ 0xEDB8_8320 : remainder >> 1
            }
        }
        return ~remainder
    }
}
