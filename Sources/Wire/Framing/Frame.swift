/// One message on the connection: a type and its body.
///
/// On the wire a frame is a header of 20 bytes, little-endian, and the body:
///
///     0   4  magic, the bytes "TRIB"
///     4   1  protocol version, 1
///     5   1  message type
///     6   2  flags, reserved: zero
///     8   4  stream, reserved: zero
///     12  4  length of the body in bytes
///     16  4  CRC-32 of bytes 0 ..< 16 (ISO-HDLC, the one of zlib and Ethernet)
package struct Frame: Sendable, Equatable {
    /// The protocol version that this code speaks.
    package static let version = 1
    /// The length of a header.
    package static let headerBytes = 20
    /// The first four bytes.
    package static let magicBytes = Array("TRIB".utf8)
    /// The first four bytes, as a little-endian number.
    static let magic: UInt32 = 0x4249_5254

    /// What the body is.
    package var type: MessageType
    /// The body; at most `type.bodyBytesMax` bytes.
    package var body: [UInt8]

    /// Makes a frame; traps if the body is longer than its type allows, for which
    /// `ClientMessage.frame()` and `CoordinatorMessage.frame()` throw instead.
    package init(type: MessageType, body: [UInt8]) {
        precondition(
            body.count <= type.bodyBytesMax,
            "body of '\(type)': \(body.count) B > limit \(type.bodyBytesMax) B"
        )
        self.type = type
        self.body = body
    }
}

/// Turns frames into bytes.
package enum FrameEncoder {
    /// The header and the body.
    package static func encode(_ frame: Frame) -> [UInt8] {
        header(of: frame) + frame.body
    }

    /// The header alone, for a transport that writes the body without copying it.
    package static func header(of frame: Frame) -> [UInt8] {
        FrameHeader.bytes(type: frame.type, bodyBytes: frame.body.count)
    }
}

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

/// Turns the bytes of one direction of a connection into frames, however they are cut.
///
/// A header is checked as soon as its 20 bytes are there and before a byte of the body is taken, and a body is
/// copied once, to where it stays; so the decoder holds at most one unfinished frame and what the last `append`
/// completed. After an error the position in the stream is lost: every later call throws the same error.
///
///     decoder.append(bytes)
///     while let frame = try decoder.next() { … }
package struct FrameDecoder: Sendable {
    private let sender: Peer?
    /// The bytes of the header under way or of the frame under way.
    private var head: [UInt8] = []
    /// The header of the frame under way, once it is whole.
    private var header: FrameHeader?
    private var body: [UInt8] = []
    /// Whole frames that wait for `next`, from the last to the first.
    private var frames: [Frame] = []
    private var failure: WireError?

    /// Starts at the beginning of a connection.
    ///
    /// - Parameter sender: Who sends the bytes; types that this side may not send are refused by
    ///   their header alone. Nil accepts every type, for inspection.
    package init(from sender: Peer?) {
        self.sender = sender
    }

    /// How many bytes wait for the rest of their frame or for `next`.
    package var bufferedBytes: Int {
        frames.reduce(head.count + body.count) { $0 + Frame.headerBytes + $1.body.count }
    }

    /// Takes the next bytes of the connection. Call `next` until it returns nil before the next
    /// `append`; that is what bounds the memory.
    package mutating func append(_ bytes: some Collection<UInt8>) {
        let done: Void? = bytes.withContiguousStorageIfAvailable { take($0) }
        if done == nil { Array(bytes).withUnsafeBufferPointer { take($0) } }
    }

    private mutating func take(_ bytes: UnsafeBufferPointer<UInt8>) {
        var whole: [Frame] = []
        var rest = bytes
        while failure == nil, !rest.isEmpty {
            let isHead = header == nil
            let missing = isHead ? Frame.headerBytes - head.count : (header?.bodyBytes ?? 0) - body.count
            let piece = UnsafeBufferPointer(rebasing: rest.prefix(missing))
            rest = UnsafeBufferPointer(rebasing: rest.dropFirst(piece.count))
            if isHead { head.append(contentsOf: piece) } else { body.append(contentsOf: piece) }
            if isHead, head.count == Frame.headerBytes { begin() }
            if let header, body.count == header.bodyBytes {
                whole.append(Frame(type: header.type, body: body))
                reset()
            }
        }
        frames = whole.reversed() + frames
    }

    /// Checks a whole header.
    private mutating func begin() {
        do throws(WireError) {
            let header = try FrameHeader(head[...])
            if let sender, !header.type.mayCome(from: sender) {
                throw .unexpectedMessage(type: header.type, from: sender)
            }
            body.reserveCapacity(header.bodyBytes)
            self.header = header
        } catch {
            failure = error
            reset()
        }
    }

    private mutating func reset() {
        head = []
        header = nil
        body = []
    }

    /// The next whole frame, or nil if more bytes are needed.
    package mutating func next() throws(WireError) -> Frame? {
        if let frame = frames.popLast() { return frame }
        if let failure { throw failure }
        return nil
    }

    /// Says that the connection ended; throws `truncated` if it did so inside a frame.
    package func finish() throws(WireError) {
        if let failure { throw failure }
        guard !head.isEmpty else { return }
        guard let header else {
            throw .truncated(what: "a frame header", bytes: head.count, needed: Frame.headerBytes)
        }
        throw .truncated(what: "the body of '\(header.type)'", bytes: body.count, needed: header.bodyBytes)
    }
}
