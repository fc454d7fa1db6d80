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
