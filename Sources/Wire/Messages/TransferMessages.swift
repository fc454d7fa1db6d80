package import Digest
internal import FoundationEssentials

// What moves the bytes that a manifest announced. `protocol/tributary/v1/transfer.proto` has the
// meaning of every field but the chunk's, which is no protobuf: `protocol/SPEC.md` has its layout.

/// The receiver of a manifest asks for its chunks.
package struct Continue: Sendable, Equatable {
    /// The digest in the manifest.
    package var transfer: SHA256Digest
    /// The first chunk to send; the number of chunks if the receiver has all of them.
    package var fromChunk: Int

    /// Makes a request.
    package init(transfer: SHA256Digest, fromChunk: Int) {
        self.transfer = transfer
        self.fromChunk = fromChunk
    }
}

/// A piece of a blob.
package struct Chunk: Sendable, Equatable {
    /// The bytes before the piece: digest, index, four reserved bytes.
    static let headerBytes = 40

    /// The digest in the manifest.
    package var transfer: SHA256Digest
    /// The number of the piece, from 0.
    package var index: Int
    /// The piece: `Limits.chunkBytesMax` bytes, fewer only in the last one, never none. A received one is part of its
    /// frame's body.
    package var bytes: ArraySlice<UInt8>

    /// Makes a chunk.
    package init(transfer: SHA256Digest, index: Int, bytes: ArraySlice<UInt8>) {
        self.transfer = transfer
        self.index = index
        self.bytes = bytes
    }
}

/// A transfer is verified and durable, or was so already.
package struct Accepted: Sendable, Equatable {
    /// The digest in the manifest.
    package var transfer: SHA256Digest

    /// Makes an acknowledgement.
    package init(transfer: SHA256Digest) { self.transfer = transfer }
}

/// A request or a transfer is refused; the session goes on.
package struct Rejected: Sendable, Equatable {
    /// Why.
    package var code: ErrorCode
    /// Why, for people.
    package var message: String
    /// The digest of the refused transfer; nil when a request without a manifest is refused.
    package var transfer: SHA256Digest?

    /// Makes a refusal.
    package init(code: ErrorCode, message: String, transfer: SHA256Digest?) {
        self.code = code
        self.message = message.fittingText
        self.transfer = transfer
    }
}

// MARK: - Protobuf

extension Continue: ProtobufConvertible {
    init(_ proto: ProtoContinue) throws(WireError) {
        let check = Check(message: "continue")
        transfer = try check.digest(proto.transfer, "transfer")
        fromChunk = try check.number(
            proto.fromChunk,
            "from_chunk",
            limit: "chunks of the largest blob",
            in: 0...ChunkPlan.chunksMax
        )
    }

    var proto: ProtoContinue {
        var proto = ProtoContinue()
        proto.transfer = Data(transfer.bytes)
        proto.fromChunk = UInt32(clamping: fromChunk)
        return proto
    }
}

extension Accepted: ProtobufConvertible {
    init(_ proto: ProtoAccepted) throws(WireError) {
        transfer = try Check(message: "accepted").digest(proto.transfer, "transfer")
    }

    var proto: ProtoAccepted {
        var proto = ProtoAccepted()
        proto.transfer = Data(transfer.bytes)
        return proto
    }
}

extension Rejected: ProtobufConvertible {
    init(_ proto: ProtoRejected) throws(WireError) {
        let check = Check(message: "rejected")
        code = try check.errorCode(proto.code)
        message = try check.text(proto.message)
        transfer = try check.optionalDigest(proto.transfer, "transfer")
    }

    var proto: ProtoRejected {
        var proto = ProtoRejected()
        proto.code = ProtoErrorCode(code)
        proto.message = message
        proto.transfer = Data(transfer?.bytes ?? [])
        return proto
    }
}

extension Chunk {
    /// Reads the body of a chunk frame: digest (32), index (4), reserved (4), the piece.
    init(body: [UInt8]) throws(WireError) {
        guard body.count > Chunk.headerBytes, let transfer = SHA256Digest(bytes: Array(body[..<32])) else {
            throw .truncated(what: "a chunk", bytes: body.count, needed: Chunk.headerBytes + 1)
        }
        let index = Int(LittleEndian.read32(body[...], at: 32))
        let reserved = LittleEndian.read32(body[...], at: 36)
        guard reserved == 0 else { throw .reservedBits(field: "chunk", found: reserved) }
        self.init(transfer: transfer, index: index, bytes: body[Chunk.headerBytes...])
        try check()
    }

    /// The body of a chunk frame.
    func body() throws(WireError) -> [UInt8] {
        try check()
        return Chunk.header(transfer: transfer, index: index) + bytes
    }

    /// The bytes before the piece.
    static func header(transfer: SHA256Digest, index: Int) -> [UInt8] {
        var header = transfer.bytes
        LittleEndian.append32(UInt32(index), to: &header)
        LittleEndian.append32(0, to: &header)
        return header
    }

    private func check() throws(WireError) {
        guard index >= 0, index < ChunkPlan.chunksMax else {
            throw .badChunk(index: index, reason: "a blob has at most \(ChunkPlan.chunksMax) chunks")
        }
        guard !bytes.isEmpty, bytes.count <= Limits.chunkBytesMax else {
            throw .badChunk(index: index, reason: "\(bytes.count) B, allowed 1...\(Limits.chunkBytesMax) B")
        }
    }
}
