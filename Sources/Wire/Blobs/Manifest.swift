package import Digest
package import Contract

/// Announces a blob: what it holds, how large it is, and its digest.
///
/// That one exists proves that its names are sorted and unique, that sizes follow from types and
/// shapes, and that nothing in it is over a limit.
package struct Manifest: Sendable, Equatable {
    /// What the blob is.
    package let kind: BlobKind
    /// The arrays in ascending order of name (by UTF-8 bytes), or the one payload.
    package let entries: [ManifestEntry]
    /// SHA-256 of the encoded bytes; the name of the transfer.
    package let digest: SHA256Digest
    /// The sum of the entries' raw bytes.
    package let rawBytes: Int
    /// The sum of the entries' encoded bytes.
    package let encodedBytes: Int

    /// Checks everything that can be checked without the bytes.
    package init(kind: BlobKind, entries: [ManifestEntry], digest: SHA256Digest) throws(WireError) {
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
        var names: Set<String> = []
        // Counters are F32 beside arrays of one other encoding.
        var other: ManifestEntry?
        for (index, entry) in entries.enumerated() {
            try entry.check(kind: kind)
            if index > 0, !entries[index - 1].name.utf8.lexicographicallyPrecedes(entry.name.utf8) {
                throw .duplicateName(entry.name)
            }
            // Two spellings of one text in Unicode are two names by their bytes, and one to whoever reads them.
            guard names.insert(entry.name).inserted else { throw .duplicateName(entry.name) }
            if entry.elementType != .f32 {
                guard other == nil || other?.elementType == entry.elementType else {
                    throw .badManifest(
                        reason: "'\(entry.name)' is \(entry.elementType), "
                            + "'\(other?.name ?? "")' is \(other?.elementType ?? .f32)"
                    )
                }
                other = entry
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

    /// The names and shapes of the entries. A manifest knows no parts: all are `.averaged`.
    package var layout: AdapterLayout {
        do {
            return try AdapterLayout(entries.map { AdapterLayout.Entry(name: $0.name, shape: $0.shape) })
        } catch {
            preconditionFailure("the names of a manifest are unique: \(error)")
        }
    }

    /// The manifest as bytes, for a file or a record.
    package func serialized() throws(WireError) -> [UInt8] { try Body.serialize(self, name: "manifest") }

    /// Reads what `serialized()` wrote, with all the checks of a transfer.
    package init(serialized: [UInt8]) throws(WireError) {
        guard serialized.count <= Limits.offerBodyBytesMax else {
            throw .limitExceeded(
                limit: "offerBodyBytesMax",
                value: serialized.count,
                maximum: Limits.offerBodyBytesMax
            )
        }
        try self.init(Body.parse(serialized, as: Manifest.self, name: "manifest"))
    }

    /// Throws `wrongShape` unless the manifest announces just the names and shapes that travel of a layout,
    /// so that a wrong update is refused before its first chunk.
    package func checkLayout(_ expected: AdapterLayout) throws(WireError) {
        do throws(AdapterFault) {
            try expected.travelling.check(layout)
        } catch {
            switch error {
            case .missing(let name): throw .wrongShape(name: name, reason: "the array is missing")
            case .unexpected(let name): throw .wrongShape(name: name, reason: "the adapter has no such array")
            case .wrongShape(let name, let expected, let found):
                throw .wrongShape(name: name, reason: "shape \(found), expected \(expected)")
            case .repeated(let name): throw .duplicateName(name)
            case .badPair(let name, let reason), .badValue(let name, _, let reason):
                throw .wrongShape(name: name, reason: reason)
            case .unusable(let reason): throw .wrongShape(name: kind.rawValue, reason: reason)
            }
        }
    }

    /// Throws `wrongEncoding`, naming the array, unless those that the layout sums are F32 and all others
    /// have this encoding.
    package func checkEncoding(_ encoding: TensorEncoding, _ layout: AdapterLayout) throws(WireError) {
        let summed = Set(layout.entries.lazy.filter { $0.part == .summed }.map(\.name))
        for entry in entries {
            let expected = summed.contains(entry.name) ? ElementType.f32 : encoding.elementType
            guard entry.elementType == expected else {
                throw .wrongEncoding(
                    name: entry.name,
                    found: entry.elementType.rawValue,
                    expected: expected.rawValue
                )
            }
        }
    }
}

/// One array of a manifest, or the payload.
package struct ManifestEntry: Sendable, Equatable {
    /// The name of the array; of a payload, the name of the kind.
    package var name: String
    /// What the elements are.
    package var elementType: ElementType
    /// How the packed bytes are compressed.
    package var compression: Compression
    /// The sizes of the dimensions, slowest first; none for a scalar. Of a payload, its length.
    package var shape: [Int]
    /// Bytes after packing and before compression.
    package var rawBytes: Int
    /// Bytes after compression.
    package var encodedBytes: Int

    /// Makes an entry; `Manifest.init` checks it.
    package init(
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
