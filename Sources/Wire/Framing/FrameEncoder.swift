/// Turns frames into bytes.
public enum FrameEncoder {
    /// The header and the body.
    public static func encode(_ frame: Frame) -> [UInt8] {
        header(of: frame) + frame.body
    }

    /// The header alone, for a transport that writes the body without copying it.
    public static func header(of frame: Frame) -> [UInt8] {
        FrameHeader.bytes(type: frame.type, bodyBytes: frame.body.count)
    }
}
