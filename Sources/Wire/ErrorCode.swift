/// Why something was refused, as it travels in `Refused` and `Rejected`.
///
/// The numbers are stable and are those of `protocol/tributary/v1/error.proto`, which says what
/// each means: 1xx the frame, 2xx admission, 3xx a transfer or its payload, 4xx the round, 5xx the
/// peer itself.
package enum ErrorCode: Int, Sendable, Hashable, CaseIterable {
    case badMagic = 100
    case unsupportedVersion = 101
    case unknownType = 102
    case reservedBits = 103
    case badChecksum = 104
    case frameTooLarge = 105
    case truncated = 106
    case malformed = 107
    case unexpectedMessage = 108
    case limitExceeded = 109

    case wrongFederation = 200
    case nameMismatch = 201
    case unknownClient = 202
    case revoked = 203
    case quarantined = 204
    case wrongFingerprint = 205
    case wrongTrainer = 206
    case replaced = 208

    case badManifest = 300
    case duplicateName = 301
    case wrongShape = 302
    case wrongEncoding = 303
    case badChunk = 304
    case digestMismatch = 305
    case decompressionFailed = 306
    case sizeMismatch = 307
    case notFinite = 308
    case normTooLarge = 309
    case badResponse = 310
    case unusableUpdate = 311

    case late = 400
    case staleRound = 401
    case futureRound = 402
    case conflict = 403

    case `internal` = 500
    case storage = 501
    case shuttingDown = 502

    /// The name in the specification, such as `BAD_MAGIC`.
    package var name: String {
        switch self {
        case .badMagic: "BAD_MAGIC"
        case .unsupportedVersion: "UNSUPPORTED_VERSION"
        case .unknownType: "UNKNOWN_TYPE"
        case .reservedBits: "RESERVED_BITS"
        case .badChecksum: "BAD_CHECKSUM"
        case .frameTooLarge: "FRAME_TOO_LARGE"
        case .truncated: "TRUNCATED"
        case .malformed: "MALFORMED"
        case .unexpectedMessage: "UNEXPECTED_MESSAGE"
        case .limitExceeded: "LIMIT_EXCEEDED"
        case .wrongFederation: "WRONG_FEDERATION"
        case .nameMismatch: "NAME_MISMATCH"
        case .unknownClient: "UNKNOWN_CLIENT"
        case .revoked: "REVOKED"
        case .quarantined: "QUARANTINED"
        case .wrongFingerprint: "WRONG_FINGERPRINT"
        case .wrongTrainer: "WRONG_TRAINER"
        case .replaced: "REPLACED"
        case .badManifest: "BAD_MANIFEST"
        case .duplicateName: "DUPLICATE_NAME"
        case .wrongShape: "WRONG_SHAPE"
        case .wrongEncoding: "WRONG_ENCODING"
        case .badChunk: "BAD_CHUNK"
        case .digestMismatch: "DIGEST_MISMATCH"
        case .decompressionFailed: "DECOMPRESSION_FAILED"
        case .sizeMismatch: "SIZE_MISMATCH"
        case .notFinite: "NOT_FINITE"
        case .normTooLarge: "NORM_TOO_LARGE"
        case .badResponse: "BAD_RESPONSE"
        case .unusableUpdate: "UNUSABLE_UPDATE"
        case .late: "LATE"
        case .staleRound: "STALE_ROUND"
        case .futureRound: "FUTURE_ROUND"
        case .conflict: "CONFLICT"
        case .internal: "INTERNAL"
        case .storage: "STORAGE"
        case .shuttingDown: "SHUTTING_DOWN"
        }
    }
}
