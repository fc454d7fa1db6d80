public import Digest
public import Exchange

/// Announces a blob: what it holds, how large it is, and its digest.
///
/// That one exists proves that its names are sorted and unique, that sizes follow from types and
/// shapes, and that nothing in it is over a limit.
public struct Manifest: Sendable, Equatable {
    /// What the blob is.
    public let kind: BlobKind
    /// The arrays in ascending order of name (by UTF-8 bytes), or the one payload.
    public let entries: [ManifestEntry]
    /// SHA-256 of the encoded bytes; the name of the transfer.
    public let digest: SHA256Digest
    /// The sum of the entries' raw bytes.
    public let rawBytes: Int
    /// The sum of the entries' encoded bytes.
    public let encodedBytes: Int

    /// Checks everything that can be checked without the bytes.
    public init(kind: BlobKind, entries: [ManifestEntry], digest: SHA256Digest) throws(WireError) {
        guard !entries.isEmpty else { throw .badManifest(reason: "no entries") }
        guard entries.count <= Limits.manifestEntriesMax else {
            throw .limitExceeded(
                limit: "manifestEntriesMax",
                value: entries.count,
                maximum: Limits.manifestEntriesMax
            )
        }
        var rawBytes = 0
        var encodedBytes = 0
        for (index, entry) in entries.enumerated() {
            try entry.check(kind: kind)
            if index > 0, !entries[index - 1].name.utf8.lexicographicallyPrecedes(entry.name.utf8) {
                throw .duplicateName(entry.name)
            }
            guard entry.elementType == entries[0].elementType else {
                throw .badManifest(
                    reason: "'\(entry.name)' is \(entry.elementType), '\(entries[0].name)' is not"
                )
            }
            rawBytes += entry.rawBytes
            encodedBytes += entry.encodedBytes
            guard rawBytes <= kind.rawBytesMax else {
                throw .limitExceeded(limit: kind.rawBytesMaxName, value: rawBytes, maximum: kind.rawBytesMax)
            }
        }
        if !kind.holdsArrays {
            guard entries.count == 1, entries[0].name == kind.rawValue, entries[0].shape.count == 1 else {
                throw .badManifest(reason: "a \(kind.rawValue) is one entry '\(kind.rawValue)' of bytes")
            }
        }
        self.kind = kind
        self.entries = entries
        self.digest = digest
        self.rawBytes = rawBytes
        self.encodedBytes = encodedBytes
    }

    /// The encoding of the arrays, or nil for a payload.
    public var encoding: TensorEncoding? { entries[0].elementType.tensorEncoding }

    /// Throws `wrongShape` unless the manifest announces just the names and shapes of an adapter,
    /// so that a wrong update is refused before its first chunk.
    public func checkLayout(of adapter: AdapterWeights) throws(WireError) {
        for (entry, array) in zip(entries, adapter.arrays) {
            guard entry.name == array.name else {
                throw .wrongShape(name: entry.name, reason: "expected the array '\(array.name)'")
            }
            guard entry.shape == array.shape else {
                throw .wrongShape(name: entry.name, reason: "shape \(entry.shape), expected \(array.shape)")
            }
        }
        guard entries.count == adapter.arrays.count else {
            let reason = "\(entries.count) arrays, expected \(adapter.arrays.count)"
            throw .wrongShape(name: entries[entries.count - 1].name, reason: reason)
        }
    }

    /// Throws `wrongEncoding` unless the arrays have this encoding.
    public func checkEncoding(_ expected: TensorEncoding) throws(WireError) {
        guard encoding == expected else {
            throw .wrongEncoding(found: entries[0].elementType.rawValue, expected: expected.rawValue)
        }
    }
}

/// One array of a manifest, or the payload.
public struct ManifestEntry: Sendable, Equatable {
    /// The name of the array; of a payload, the name of the kind.
    public var name: String
    /// What the elements are.
    public var elementType: ElementType
    /// How the packed bytes are compressed.
    public var compression: Compression
    /// The sizes of the dimensions, slowest first; none for a scalar. Of a payload, its length.
    public var shape: [Int]
    /// Bytes after packing and before compression.
    public var rawBytes: Int
    /// Bytes after compression.
    public var encodedBytes: Int

    /// Makes an entry; `Manifest.init` checks it.
    public init(
        name: String,
        elementType: ElementType,
        compression: Compression,
        shape: [Int],
        rawBytes: Int,
        encodedBytes: Int
    ) {
        self.name = name
        self.elementType = elementType
        self.compression = compression
        self.shape = shape
        self.rawBytes = rawBytes
        self.encodedBytes = encodedBytes
    }

    func check(kind: BlobKind) throws(WireError) {
        _ = try Check(message: "manifest").name(
            name,
            "the name of an array",
            limit: "arrayNameBytesMax",
            Limits.arrayNameBytesMax
        )
        guard (elementType != .bytes) == kind.holdsArrays else {
            throw .badManifest(
                reason: "'\(name)' is \(elementType.rawValue) in a blob of kind \(kind.rawValue)"
            )
        }
        guard shape.count <= Limits.dimensionsMax else {
            throw .limitExceeded(limit: "dimensionsMax", value: shape.count, maximum: Limits.dimensionsMax)
        }
        let dimensionMax = kind.holdsArrays ? Limits.dimensionMax : kind.rawBytesMax
        for size in shape {
            guard size <= dimensionMax else {
                throw .limitExceeded(limit: "dimensionMax", value: size, maximum: dimensionMax)
            }
            guard size > 0 else { throw .badManifest(reason: "'\(name)' has a dimension of size \(size)") }
        }
        guard let expected = TensorPacking.packedBytes(shape: shape, as: elementType) else {
            throw .limitExceeded(limit: kind.rawBytesMaxName, value: Int.max, maximum: kind.rawBytesMax)
        }
        guard rawBytes == expected else {
            throw .badManifest(reason: "'\(name)' announces \(rawBytes) raw B, its shape has \(expected) B")
        }
        guard rawBytes <= kind.rawBytesMax else {
            throw .limitExceeded(limit: kind.rawBytesMaxName, value: rawBytes, maximum: kind.rawBytesMax)
        }
        switch compression {
        case .stored:
            guard encodedBytes == rawBytes else {
                throw .badManifest(reason: "'\(name)' is stored in \(encodedBytes) B, not in \(rawBytes) B")
            }
        case .zstd:
            guard encodedBytes > 0, encodedBytes < rawBytes else {
                throw .badManifest(reason: "'\(name)' is compressed from \(rawBytes) B to \(encodedBytes) B")
            }
        }
    }
}
