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
        let reader = try BlobReader(blob)
        var arrays: [NamedArray] = []
        arrays.reserveCapacity(reader.count)
        for index in 0..<reader.count { arrays.append(try reader.array(at: index)) }
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
        let entry = blob.manifest.entries[0]
        let raw = try blob.withBytes(0..<entry.encodedBytes) { bytes throws(WireError) in
            switch entry.compression {
            case .stored: Array(bytes)
            case .zstd:
                try ZstdDecompressor().decompress(bytes, rawBytes: entry.rawBytes, name: entry.name)
            }
        }
        return try Value(Body.parse(raw, as: type, name: kind.rawValue))
    }
}

/// Takes the arrays out of a blob one by one, in any order, so that no more than one is in memory.
///
/// Used by one thread at a time; several readers of one blob do not disturb each other.
package struct BlobReader: ~Copyable {
    private let blob: EncodedBlob
    private let encodings: [TensorEncoding]
    /// Where the entries begin.
    private let starts: [Int]
    private let decompressor = ZstdDecompressor()

    /// Opens a blob.
    ///
    /// - Throws: `badManifest` for a blob that holds no arrays.
    package init(_ blob: EncodedBlob) throws(WireError) {
        self.blob = blob
        var encodings: [TensorEncoding] = []
        var starts: [Int] = []
        var start = 0
        for entry in blob.manifest.entries {
            guard let encoding = entry.elementType.tensorEncoding else {
                throw .badManifest(
                    reason: "kind \(blob.manifest.kind.rawValue), expected an adapter or an update"
                )
            }
            encodings.append(encoding)
            starts.append(start)
            start += entry.encodedBytes
        }
        self.encodings = encodings
        self.starts = starts
    }

    /// How many arrays there are.
    package var count: Int { starts.count }

    /// An array by its place in the manifest, 0 ..< `count`. Its part is `.averaged`: the receiver knows the parts of
    /// its own layout.
    ///
    /// - Throws: `decompressionFailed`, `sizeMismatch`, `notFinite`, `malformed` for bytes that are not what the
    ///   manifest says; `fileFault` or `truncated` for a file.
    package borrowing func array(at index: Int) throws(WireError) -> NamedArray {
        let entry = blob.manifest.entries[index]
        let encoding = encodings[index]
        let start = starts[index]
        return try blob.withBytes(start..<start + entry.encodedBytes) { bytes throws(WireError) in
            guard entry.compression == .zstd else {
                return try TensorPacking.unpack(bytes, entry: entry, as: encoding)
            }
            let packed = try decompressor.decompress(bytes, rawBytes: entry.rawBytes, name: entry.name)
            return try packed.withUnsafeBufferPointer { packed throws(WireError) in
                try TensorPacking.unpack(UnsafeRawBufferPointer(packed), entry: entry, as: encoding)
            }
        }
    }
}
