/// How a blob is cut into chunks: all of `Limits.chunkBytesMax` bytes but the last.
public struct ChunkPlan: Sendable, Equatable {
    /// The chunks of the largest blob.
    static let chunksMax = Limits.adapterRawBytesMax / Limits.chunkBytesMax

    /// The bytes of the blob.
    public let byteCount: Int

    /// Plans a blob of that many bytes.
    public init(byteCount: Int) { self.byteCount = byteCount }

    /// How many chunks there are.
    public var count: Int { (byteCount + Limits.chunkBytesMax - 1) / Limits.chunkBytesMax }

    /// The bytes of a chunk, 0 ..< `count`.
    public func range(of index: Int) -> Range<Int> {
        precondition(index >= 0 && index < count, "chunk \(index) of \(count)")
        let start = index * Limits.chunkBytesMax
        return start..<min(start + Limits.chunkBytesMax, byteCount)
    }
}
