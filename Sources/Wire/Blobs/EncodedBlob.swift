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
