package import Digest
internal import Glibc

/// What is wrong with bytes or a message. The text names values, limits and names, never payload.
package enum WireError: Error, Sendable, Equatable {
    /// A frame that begins with something else than `TRIB`.
    case badMagic(found: UInt32)
    /// A protocol version that this side does not speak.
    case unsupportedVersion(found: Int)
    /// A message type that does not exist.
    case unknownType(found: Int)
    /// A reserved field that is not zero.
    case reservedBits(field: String, found: UInt32)
    /// A header whose checksum is not that of the header.
    case badChecksum(expected: UInt32, found: UInt32)
    /// A body that is longer than its type allows.
    case frameTooLarge(type: MessageType, bytes: Int, limit: Int)
    /// The bytes end inside a frame or a body.
    case truncated(what: String, bytes: Int, needed: Int)
    /// A body that cannot be parsed, or a field that is missing or senseless.
    case malformed(message: String, reason: String)
    /// A message that its sender may not send, or not now.
    case unexpectedMessage(type: MessageType, from: Peer)
    /// A value over a limit of `Limits`, by the limit's name.
    case limitExceeded(limit: String, value: Int, maximum: Int)
    /// A manifest that contradicts itself or is of another kind than expected.
    case badManifest(reason: String)
    /// Two entries of one name, or names out of order.
    case duplicateName(String)
    /// An array that differs from the expected one in name or shape.
    case wrongShape(name: String, reason: String)
    /// An array in another encoding than the expected one.
    case wrongEncoding(name: String, found: String, expected: String)
    /// A chunk out of order, of the wrong size, or of another transfer.
    case badChunk(index: Int, reason: String)
    /// Bytes other than those announced.
    case digestMismatch(expected: SHA256Digest, found: SHA256Digest)
    /// zstd refuses the bytes, or they ask for too much memory.
    case decompressionFailed(name: String, reason: String)
    /// More or fewer bytes than announced.
    case sizeMismatch(name: String, bytes: Int, expected: Int)
    /// A NaN, an infinity, or a value that the encoding cannot represent as a finite one.
    case notFinite(name: String, element: Int)
    /// A file of this host that holds a blob cannot be read or written; the number is errno's.
    case fileFault(path: String, number: Int32)

    /// The code that tells the other side.
    package var code: ErrorCode {
        switch self {
        case .badMagic: .badMagic
        case .unsupportedVersion: .unsupportedVersion
        case .unknownType: .unknownType
        case .reservedBits: .reservedBits
        case .badChecksum: .badChecksum
        case .frameTooLarge: .frameTooLarge
        case .truncated: .truncated
        case .malformed: .malformed
        case .unexpectedMessage: .unexpectedMessage
        case .limitExceeded: .limitExceeded
        case .badManifest: .badManifest
        case .duplicateName: .duplicateName
        case .wrongShape: .wrongShape
        case .wrongEncoding: .wrongEncoding
        case .badChunk: .badChunk
        case .digestMismatch: .digestMismatch
        case .decompressionFailed: .decompressionFailed
        case .sizeMismatch: .sizeMismatch
        case .notFinite: .notFinite
        case .fileFault: .storage
        }
    }
}

extension WireError: CustomStringConvertible {
    /// One sentence for a log or the other side.
    package var description: String {
        switch self {
        case .badMagic(let found):
            "a frame must begin with TRIB, found 0x\(String(found, radix: 16))"
        case .unsupportedVersion(let found):
            "protocol version \(found) is not \(Frame.version)"
        case .unknownType(let found):
            "message type \(found) does not exist"
        case .reservedBits(let field, let found):
            "the reserved field '\(field)' must be zero, found \(found)"
        case .badChecksum(let expected, let found):
            "header checksum \(found), computed \(expected)"
        case .frameTooLarge(let type, let bytes, let limit):
            "body of '\(type)': \(bytes) B > limit \(limit) B"
        case .truncated(let what, let bytes, let needed):
            "\(what) ends after \(bytes) of \(needed) B"
        case .malformed(let message, let reason):
            "\(message): \(reason)"
        case .unexpectedMessage(let type, let peer):
            "a \(peer) may not send '\(type)' here"
        case .limitExceeded(let limit, let value, let maximum):
            "\(limit): \(value) > \(maximum)"
        case .badManifest(let reason):
            "manifest: \(reason)"
        case .duplicateName(let name):
            "the name '\(name)' occurs twice or is not in ascending order"
        case .wrongShape(let name, let reason):
            "'\(name)': \(reason)"
        case .wrongEncoding(let name, let found, let expected):
            "'\(name)': encoding \(found), expected \(expected)"
        case .badChunk(let index, let reason):
            "chunk \(index): \(reason)"
        case .digestMismatch(let expected, let found):
            "SHA-256 \(found), announced \(expected)"
        case .decompressionFailed(let name, let reason):
            "'\(name)': zstd: \(reason)"
        case .sizeMismatch(let name, let bytes, let expected):
            "'\(name)': \(bytes) B, expected \(expected) B"
        case .notFinite(let name, let element):
            "'\(name)': element \(element) is not finite"
        case .fileFault(let path, let number):
            "'\(path)': \(String(cString: strerror(number)))"
        }
    }
}
