internal import Digest

/// A blob as it travels: a manifest and the bytes that it announces, in memory or in a file.
package struct EncodedBlob: Sendable, Equatable {
    /// What the bytes are.
    package let manifest: Manifest
    private let storage: Storage

    private enum Storage: Sendable {
        case memory([UInt8])
        case file(BlobFile)
    }

    /// Takes bytes that were just encoded.
    init(trusted manifest: Manifest, bytes: [UInt8]) {
        self.manifest = manifest
        storage = .memory(bytes)
    }

    /// Takes a file that was just written, or whose digest is known to be the manifest's.
    ///
    /// - Throws: `sizeMismatch` if the file has another number of bytes than the manifest announces.
    package init(verified manifest: Manifest, file: BlobFile) throws(WireError) {
        guard file.count == manifest.encodedBytes else {
            throw .sizeMismatch(
                name: manifest.kind.rawValue,
                bytes: file.count,
                expected: manifest.encodedBytes
            )
        }
        self.manifest = manifest
        storage = .file(file)
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
        storage = .memory(bytes)
    }

    /// Blobs are the same if their manifests are: those have the digest of the bytes.
    package static func == (left: EncodedBlob, right: EncodedBlob) -> Bool { left.manifest == right.manifest }

    /// The encoded entries, one after another in the order of the manifest: all of them at once.
    ///
    /// - Throws: `fileFault` or `truncated` for a file.
    package var bytes: [UInt8] {
        get throws(WireError) {
            if case .memory(let bytes) = storage { return bytes }
            return try read(0..<manifest.encodedBytes)
        }
    }

    /// Some of the bytes, without the rest.
    func read(_ range: Range<Int>, behind head: [UInt8] = []) throws(WireError) -> [UInt8] {
        var failure: WireError?
        let count = head.count + range.count
        let result = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            _ = buffer.update(fromContentsOf: head)
            let rest = UnsafeMutableBufferPointer(rebasing: buffer[head.count..<count])
            do throws(WireError) {
                switch storage {
                case .memory(let bytes): _ = rest.update(fromContentsOf: bytes[range])
                case .file(let file):
                    try file.read(at: range.lowerBound, into: UnsafeMutableRawBufferPointer(rest))
                }
                initialized = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return result
    }

    /// Lends some of the bytes.
    func withBytes<Value>(
        _ range: Range<Int>,
        _ body: (UnsafeRawBufferPointer) throws(WireError) -> Value
    ) throws(WireError) -> Value {
        guard case .memory(let bytes) = storage else {
            return try read(range).withUnsafeBufferPointer { bytes throws(WireError) in
                try body(UnsafeRawBufferPointer(bytes))
            }
        }
        return try bytes.withUnsafeBufferPointer { bytes throws(WireError) in
            try body(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[range])))
        }
    }

    /// How the bytes are cut into chunks.
    package var chunks: ChunkPlan { ChunkPlan(byteCount: manifest.encodedBytes) }

    /// The frame of one chunk, 0 ..< `chunks.count`, put together without copying the piece once more.
    ///
    /// - Throws: `fileFault` or `truncated` for a file.
    package func chunkFrame(_ index: Int) throws(WireError) -> Frame {
        let head = Chunk.header(transfer: manifest.digest, index: index)
        return Frame(type: .chunk, body: try read(chunks.range(of: index), behind: head))
    }
}

// MARK: - On disk

extension EncodedBlob {
    /// The blob as one piece of bytes, for a file: the length of the manifest (four bytes,
    /// little-endian), the manifest, the bytes.
    package func serialized() throws(WireError) -> [UInt8] {
        let head = try manifest.serialized()
        var result: [UInt8] = []
        result.reserveCapacity(4 + head.count + manifest.encodedBytes)
        LittleEndian.append32(UInt32(head.count), to: &result)
        result += head
        result += try bytes
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
        try self.init(manifest: Manifest(serialized: head), bytes: Array(serialized[(4 + length)...]))
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

/// Puts the chunks of one transfer together, in order, hashed on the way, and survives the connection: a new one goes
/// on at `nextChunk`.
package final class BlobAssembler {
    /// What is being received.
    package let manifest: Manifest
    /// The first chunk that is missing; the number of chunks when all are there.
    package private(set) var nextChunk = 0
    /// How many bytes are there.
    package private(set) var receivedBytes = 0
    private let plan: ChunkPlan
    private let hash = SHA256()
    private let file: BlobFile?
    private var bytes: [UInt8] = []

    /// Starts with no chunk, in memory, which grows with what arrives, not with what was announced.
    package init(manifest: Manifest) {
        self.manifest = manifest
        plan = ChunkPlan(byteCount: manifest.encodedBytes)
        file = nil
    }

    /// Starts with no chunk, in a new file.
    ///
    /// - Throws: `fileFault`.
    package init(manifest: Manifest, file path: String) throws(WireError) {
        self.manifest = manifest
        plan = ChunkPlan(byteCount: manifest.encodedBytes)
        file = try BlobFile(creating: path, expectedBytes: manifest.encodedBytes)
    }

    /// Whether all chunks are there.
    package var isComplete: Bool { nextChunk == plan.count }

    /// Takes the next chunk; throws `badChunk` for one of another transfer, out of order, seen
    /// before, or not of the size that the plan gives it, and `fileFault`. The state is then unchanged.
    package func accept(_ chunk: Chunk) throws(WireError) {
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
        if let file {
            try file.write(chunk.bytes, at: receivedBytes)
        } else {
            bytes += chunk.bytes
        }
        chunk.bytes.withUnsafeBytes { hash.update($0) }
        receivedBytes += chunk.bytes.count
        nextChunk += 1
    }

    /// The whole blob, once; throws `truncated` if chunks are missing, `digestMismatch` if it is not what
    /// was announced.
    package func finish() throws(WireError) -> EncodedBlob {
        guard isComplete else {
            throw .truncated(
                what: "the \(manifest.kind.rawValue)",
                bytes: receivedBytes,
                needed: manifest.encodedBytes
            )
        }
        let digest = hash.finish()
        guard digest == manifest.digest else {
            throw .digestMismatch(expected: manifest.digest, found: digest)
        }
        if let file { return try EncodedBlob(verified: manifest, file: file) }
        return EncodedBlob(trusted: manifest, bytes: bytes)
    }
}
