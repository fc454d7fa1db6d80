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
