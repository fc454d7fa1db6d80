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
public struct Frame: Sendable, Equatable {
    /// The protocol version that this code speaks.
    public static let version = 1
    /// The length of a header.
    public static let headerBytes = 20
    /// The first four bytes, as a little-endian number.
    static let magic: UInt32 = 0x4249_5254

    /// What the body is.
    public var type: MessageType
    /// The body; at most `type.bodyBytesMax` bytes.
    public var body: [UInt8]

    /// Makes a frame; traps if the body is longer than its type allows, for which
    /// `ClientMessage.frame()` and `CoordinatorMessage.frame()` throw instead.
    public init(type: MessageType, body: [UInt8]) {
        precondition(
            body.count <= type.bodyBytesMax,
            "body of '\(type)': \(body.count) B > limit \(type.bodyBytesMax) B"
        )
        self.type = type
        self.body = body
    }
}
