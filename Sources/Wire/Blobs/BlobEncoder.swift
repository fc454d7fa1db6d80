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
        var writer = BlobWriter(kind, encoding: encoding)
        for array in adapter.arrays { try writer.append(array) }
        return try writer.finish()
    }

    /// Arrays, exactly, in a new file: what a lossy encoding owes.
    ///
    /// - Throws: As `encode(_:as:encoding:)`; `fileFault`.
    package static func encode(_ owed: AdapterWeights, to file: String) throws(WireError) -> EncodedBlob {
        var writer = try BlobWriter(.update, encoding: .f32, file: file, expectedBytes: 4 * owed.valueCount)
        for array in owed.arrays { try writer.append(array) }
        return try writer.finish()
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
        let (bytes, entry) = entry(raw, kind.rawValue, .bytes, [raw.count], [raw.count], ZstdCompressor())
        let manifest = try Manifest(kind: kind, entries: [entry], digest: SHA256Digest(of: bytes))
        return EncodedBlob(trusted: manifest, bytes: bytes)
    }

    /// What is sent of an entry's packed bytes: compressed if that is worthwhile.
    static func entry(
        _ packed: [UInt8],
        _ name: String,
        _ type: ElementType,
        _ shape: [Int],
        _ planes: [Int],
        _ compressor: borrowing ZstdCompressor
    ) -> (encoded: [UInt8], entry: ManifestEntry) {
        let compressed = compressor.compress(packed, planes: planes)
        let isWorthwhile = Double(compressed.count) <= worthwhileRatio * Double(packed.count)
        let encoded = isWorthwhile ? compressed : packed
        let entry = ManifestEntry(
            name: name,
            elementType: type,
            compression: isWorthwhile ? .zstd : .stored,
            shape: shape,
            rawBytes: packed.count,
            encodedBytes: encoded.count
        )
        return (encoded, entry)
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
