package import Contract

/// Turns blobs into what travelled, and believes nothing that the bytes say.
///
/// The manifest has been checked against every limit when it was made, the digest when the blob was
/// put together; here each entry must decompress to exactly its announced size and every value must
/// be finite.
package enum BlobDecoder {
    /// An adapter or an update. What travels has names and shapes only, so every part is `.averaged`:
    /// the receiver gives the arrays the parts of its own layout.
    ///
    /// - Throws: `badManifest` for another kind of blob; `decompressionFailed`, `sizeMismatch`,
    ///   `notFinite`, `malformed` for bytes that are not what the manifest says.
    package static func adapter(from blob: EncodedBlob) throws(WireError) -> AdapterWeights {
        let decompressor = ZstdDecompressor()
        var arrays: [NamedArray] = []
        arrays.reserveCapacity(blob.manifest.entries.count)
        var start = 0
        for entry in blob.manifest.entries {
            guard let encoding = entry.elementType.tensorEncoding else {
                throw .badManifest(
                    reason: "kind \(blob.manifest.kind.rawValue), expected an adapter or an update"
                )
            }
            let encoded = blob.bytes[start..<start + entry.encodedBytes]
            start += entry.encodedBytes
            let packed = try unpack(encoded, entry, decompressor)
            arrays.append(try TensorPacking.unpack(packed, entry: entry, as: encoding))
        }
        return AdapterWeights(arrays)
    }

    /// The public items of a step.
    package static func batch(from blob: EncodedBlob) throws(WireError) -> PublicBatch {
        try payload(blob, as: .batch, PublicBatchPayload.self).batch
    }

    /// A client's responses, sorted as the client sent them. That they answer the batch is for the
    /// receiver to check.
    package static func responses(from blob: EncodedBlob) throws(WireError) -> [Response] {
        try payload(blob, as: .responses, ResponseSetPayload.self).responses
    }

    /// What a client absorbs.
    package static func pool(from blob: EncodedBlob) throws(WireError) -> ResponsePool {
        try payload(blob, as: .pool, ResponsePoolPayload.self).pool
    }

    private static func payload<Value: ProtobufConvertible>(
        _ blob: EncodedBlob,
        as kind: BlobKind,
        _ type: Value.Type
    ) throws(WireError) -> Value {
        try blob.manifest.check(kind: kind)
        let raw = try unpack(blob.bytes[...], blob.manifest.entries[0], ZstdDecompressor())
        return try Value(Body.parse(raw, as: type, name: kind.rawValue))
    }

    private static func unpack(
        _ encoded: ArraySlice<UInt8>,
        _ entry: ManifestEntry,
        _ decompressor: borrowing ZstdDecompressor
    ) throws(WireError) -> [UInt8] {
        switch entry.compression {
        case .stored: Array(encoded)
        case .zstd: try decompressor.decompress(encoded, rawBytes: entry.rawBytes, name: entry.name)
        }
    }
}
