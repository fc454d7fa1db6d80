/// Puts the chunks of one transfer together, in order, and survives the connection: a new one goes
/// on at `nextChunk`.
public struct BlobAssembler: Sendable {
    /// What is being received.
    public let manifest: Manifest
    /// The first chunk that is missing; the number of chunks when all are there.
    public private(set) var nextChunk = 0
    private let plan: ChunkPlan
    private var bytes: [UInt8] = []

    /// Starts with no chunk. Memory grows with what arrives, not with what was announced.
    public init(manifest: Manifest) {
        self.manifest = manifest
        plan = ChunkPlan(byteCount: manifest.encodedBytes)
    }

    /// Whether all chunks are there.
    public var isComplete: Bool { nextChunk == plan.count }

    /// How many bytes are there.
    public var receivedBytes: Int { bytes.count }

    /// Takes the next chunk; throws `badChunk` for one of another transfer, out of order, seen
    /// before, or not of the size that the plan gives it. The state is then unchanged.
    public mutating func accept(_ chunk: Chunk) throws(WireError) {
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
    public func finish() throws(WireError) -> EncodedBlob {
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
