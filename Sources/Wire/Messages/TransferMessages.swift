public import Digest

// What moves the bytes that a manifest announced. `protocol/tributary/v1/transfer.proto` has the
// meaning of every field but the chunk's, which is no protobuf: `protocol/SPEC.md` has its layout.

/// The receiver of a manifest asks for its chunks.
public struct Continue: Sendable, Equatable {
    /// The digest in the manifest.
    public var transfer: SHA256Digest
    /// The first chunk to send; the number of chunks if the receiver has all of them.
    public var fromChunk: Int

    /// Makes a request.
    public init(transfer: SHA256Digest, fromChunk: Int) {
        self.transfer = transfer
        self.fromChunk = fromChunk
    }
}

/// A piece of a blob.
public struct Chunk: Sendable, Equatable {
    /// The bytes before the piece: digest, index, four reserved bytes.
    static let headerBytes = 40

    /// The digest in the manifest.
    public var transfer: SHA256Digest
    /// The number of the piece, from 0.
    public var index: Int
    /// The piece: `Limits.chunkBytesMax` bytes, fewer only in the last one, never none.
    public var bytes: [UInt8]

    /// Makes a chunk.
    public init(transfer: SHA256Digest, index: Int, bytes: [UInt8]) {
        self.transfer = transfer
        self.index = index
        self.bytes = bytes
    }
}

/// A transfer is verified and durable, or was so already.
public struct Accepted: Sendable, Equatable {
    /// The digest in the manifest.
    public var transfer: SHA256Digest

    /// Makes an acknowledgement.
    public init(transfer: SHA256Digest) { self.transfer = transfer }
}

/// A request or a transfer is refused; the session goes on.
public struct Rejected: Sendable, Equatable {
    /// Why.
    public var code: ErrorCode
    /// Why, for people.
    public var message: String
    /// The digest of the refused transfer; nil when a request without a manifest is refused.
    public var transfer: SHA256Digest?

    /// Makes a refusal.
    public init(code: ErrorCode, message: String, transfer: SHA256Digest?) {
        self.code = code
        self.message = message
        self.transfer = transfer
    }
}
