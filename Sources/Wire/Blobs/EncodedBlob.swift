internal import Digest

/// A blob as it travels: a manifest and the bytes that it announces.
package struct EncodedBlob: Sendable, Equatable {
    /// What the bytes are.
    package let manifest: Manifest
    /// The encoded entries, one after another in the order of the manifest.
    package let bytes: [UInt8]

    /// Takes bytes that were just encoded.
    init(trusted manifest: Manifest, bytes: [UInt8]) {
        self.manifest = manifest
        self.bytes = bytes
    }

    /// Puts together what was received or stored; throws `sizeMismatch` or `digestMismatch` if the
    /// bytes are not those that the manifest announces.
    package init(manifest: Manifest, bytes: [UInt8]) throws(WireError) {
        guard bytes.count == manifest.encodedBytes else {
            throw .sizeMismatch(
                name: manifest.kind.rawValue,
                bytes: bytes.count,
                expected: manifest.encodedBytes
            )
        }
        let digest = SHA256Digest(of: bytes)
        guard digest == manifest.digest else {
            throw .digestMismatch(expected: manifest.digest, found: digest)
        }
        self.manifest = manifest
        self.bytes = bytes
    }

    /// How the bytes are cut into chunks.
    package var chunks: ChunkPlan { ChunkPlan(byteCount: bytes.count) }

    /// One chunk, 0 ..< `chunks.count`.
    package func chunk(_ index: Int) -> Chunk {
        Chunk(transfer: manifest.digest, index: index, bytes: Array(bytes[chunks.range(of: index)]))
    }
}

// MARK: - On disk

extension EncodedBlob {
    /// The blob as one piece of bytes, for a file: the length of the manifest (four bytes,
    /// little-endian), the manifest, the bytes.
    package func serialized() throws(WireError) -> [UInt8] {
        let head = try Body.serialize(manifest, name: "manifest")
        var result: [UInt8] = []
        result.reserveCapacity(4 + head.count + bytes.count)
        LittleEndian.append32(UInt32(head.count), to: &result)
        result += head
        result += bytes
        return result
    }

    /// Reads what `serialized()` wrote, with all the checks of a transfer.
    package init(serialized: [UInt8]) throws(WireError) {
        guard serialized.count >= 4 else {
            throw .truncated(what: "a stored blob", bytes: serialized.count, needed: 4)
        }
        let length = Int(LittleEndian.read32(serialized[...], at: 0))
        guard length <= Limits.offerBodyBytesMax else {
            throw .limitExceeded(limit: "offerBodyBytesMax", value: length, maximum: Limits.offerBodyBytesMax)
        }
        guard serialized.count >= 4 + length else {
            throw .truncated(what: "a stored blob", bytes: serialized.count, needed: 4 + length)
        }
        let head = Array(serialized[4..<4 + length])
        let manifest = try Manifest(Body.parse(head, as: Manifest.self, name: "manifest"))
        try self.init(manifest: manifest, bytes: Array(serialized[(4 + length)...]))
    }
}

/// How a blob is cut into chunks: all of `Limits.chunkBytesMax` bytes but the last.
package struct ChunkPlan: Sendable, Equatable {
    /// The chunks of the largest blob.
    static let chunksMax = Limits.adapterRawBytesMax / Limits.chunkBytesMax

    /// The bytes of the blob.
    package let byteCount: Int

    /// Plans a blob of that many bytes.
    package init(byteCount: Int) { self.byteCount = byteCount }

    /// How many chunks there are.
    package var count: Int { (byteCount + Limits.chunkBytesMax - 1) / Limits.chunkBytesMax }

    /// The bytes of a chunk, 0 ..< `count`.
    package func range(of index: Int) -> Range<Int> {
        precondition(index >= 0 && index < count, "chunk \(index) of \(count)")
        let start = index * Limits.chunkBytesMax
        return start..<min(start + Limits.chunkBytesMax, byteCount)
    }
}

/// Puts the chunks of one transfer together, in order, and survives the connection: a new one goes
/// on at `nextChunk`.
package struct BlobAssembler: Sendable {
    /// What is being received.
    package let manifest: Manifest
    /// The first chunk that is missing; the number of chunks when all are there.
    package private(set) var nextChunk = 0
    private let plan: ChunkPlan
    private var bytes: [UInt8] = []

    /// Starts with no chunk. Memory grows with what arrives, not with what was announced.
    package init(manifest: Manifest) {
        self.manifest = manifest
        plan = ChunkPlan(byteCount: manifest.encodedBytes)
    }

    /// Whether all chunks are there.
    package var isComplete: Bool { nextChunk == plan.count }

    /// How many bytes are there.
    package var receivedBytes: Int { bytes.count }

    /// Takes the next chunk; throws `badChunk` for one of another transfer, out of order, seen
    /// before, or not of the size that the plan gives it. The state is then unchanged.
    package mutating func accept(_ chunk: Chunk) throws(WireError) {
        guard chunk.transfer == manifest.digest else {
            throw .badChunk(index: chunk.index, reason: "of another transfer")
        }
        guard chunk.index == nextChunk else {
            throw .badChunk(index: chunk.index, reason: "expected chunk \(nextChunk) of \(plan.count)")
        }
        guard !isComplete else {
            throw .badChunk(index: chunk.index, reason: "the transfer has only \(plan.count) chunks")
        }
        let expected = plan.range(of: chunk.index).count
        guard chunk.bytes.count == expected else {
            throw .badChunk(index: chunk.index, reason: "\(chunk.bytes.count) B, expected \(expected) B")
        }
        bytes += chunk.bytes
        nextChunk += 1
    }

    /// The whole blob; throws `truncated` if chunks are missing, `digestMismatch` if it is not what
    /// was announced.
    package func finish() throws(WireError) -> EncodedBlob {
        guard isComplete else {
            throw .truncated(
                what: "the \(manifest.kind.rawValue)",
                bytes: bytes.count,
                needed: manifest.encodedBytes
            )
        }
        return try EncodedBlob(manifest: manifest, bytes: bytes)
    }
}
