internal import Digest
package import Contract

/// Turns what travels into blobs.
///
/// Compressed bytes may differ between zstd versions; what they decode to does not.
package enum BlobEncoder {
    /// Entries that zstd does not shrink below this part of their size are stored.
    static let worthwhileRatio = 0.97

    /// An adapter or an update.
    ///
    /// - Parameters:
    ///   - adapter: The arrays; every value finite, every dimension at least 1, none of them local.
    ///   - kind: `.adapter` or `.update`.
    ///   - encoding: How to pack the values of arrays that are not summed; those are always exact. With a
    ///     lossy one, what counts is what the receiver decodes: `roundTripped`.
    /// - Throws: `notFinite` for a value that is not finite in this encoding; the errors of
    ///   `Manifest.init`.
    package static func encode(
        _ adapter: AdapterWeights,
        as kind: BlobKind,
        encoding: TensorEncoding
    ) throws(WireError) -> EncodedBlob {
        precondition(kind.holdsArrays, "a blob of kind \(kind.rawValue) does not hold arrays")
        let compressor = ZstdCompressor()
        var entries: [ManifestEntry] = []
        var bytes: [UInt8] = []
        for array in adapter.arrays {
            precondition(array.part != .local, "'\(array.name)' is local: it never travels")
            let encoding = array.part == .summed ? .f32 : encoding
            let packed = try TensorPacking.pack(array, as: encoding)
            append(
                packed,
                name: array.name,
                elementType: encoding.elementType,
                shape: array.shape,
                compressor,
                &entries,
                &bytes
            )
        }
        return try finish(kind, entries, bytes)
    }

    /// What the receiver of an adapter decodes, with the parts that the adapter has here.
    package static func roundTripped(
        _ adapter: AdapterWeights,
        encoding: TensorEncoding
    ) throws(WireError) -> AdapterWeights {
        try BlobDecoder.adapter(from: encode(adapter, as: .adapter, encoding: encoding))
            .withParts(of: adapter)
    }

    /// The public items of a step.
    package static func encode(_ batch: PublicBatch) throws(WireError) -> EncodedBlob {
        try payload(PublicBatchPayload(batch: batch), as: .batch)
    }

    /// A client's responses to them.
    package static func encode(_ responses: [Response]) throws(WireError) -> EncodedBlob {
        try payload(ResponseSetPayload(responses: responses), as: .responses)
    }

    /// What a client absorbs.
    package static func encode(_ pool: ResponsePool) throws(WireError) -> EncodedBlob {
        try payload(ResponsePoolPayload(pool: pool), as: .pool)
    }

    /// Encodes, and parses what was encoded: what the receiver would refuse, or read as something
    /// else, is never sent.
    private static func payload<Value: ProtobufConvertible & Equatable>(
        _ value: Value,
        as kind: BlobKind
    ) throws(WireError) -> EncodedBlob {
        let raw = try Body.serialize(value, name: kind.rawValue)
        guard try Value(Body.parse(raw, as: Value.self, name: kind.rawValue)) == value else {
            throw .malformed(message: kind.rawValue, reason: "a number does not fit its field")
        }
        var entries: [ManifestEntry] = []
        var bytes: [UInt8] = []
        append(
            raw,
            name: kind.rawValue,
            elementType: .bytes,
            shape: [raw.count],
            ZstdCompressor(),
            &entries,
            &bytes
        )
        return try finish(kind, entries, bytes)
    }

    private static func append(
        _ packed: [UInt8],
        name: String,
        elementType: ElementType,
        shape: [Int],
        _ compressor: borrowing ZstdCompressor,
        _ entries: inout [ManifestEntry],
        _ bytes: inout [UInt8]
    ) {
        let compressed = compressor.compress(
            packed,
            planes: TensorPacking.planes(shape: shape, as: elementType)
        )
        let isWorthwhile = Double(compressed.count) <= worthwhileRatio * Double(packed.count)
        let encoded = isWorthwhile ? compressed : packed
        bytes += encoded
        entries.append(
            ManifestEntry(
                name: name,
                elementType: elementType,
                compression: isWorthwhile ? .zstd : .stored,
                shape: shape,
                rawBytes: packed.count,
                encodedBytes: encoded.count
            )
        )
    }

    private static func finish(
        _ kind: BlobKind,
        _ entries: [ManifestEntry],
        _ bytes: [UInt8]
    ) throws(WireError) -> EncodedBlob {
        let manifest = try Manifest(kind: kind, entries: entries, digest: SHA256Digest(of: bytes))
        return EncodedBlob(trusted: manifest, bytes: bytes)
    }
}

extension AdapterWeights {
    /// These arrays with the parts of another adapter of the same layout.
    func withParts(of other: AdapterWeights) -> AdapterWeights {
        AdapterWeights(
            zip(arrays, other.arrays).map { array, other in
                var array = array
                array.part = other.part
                return array
            }
        )
    }
}
