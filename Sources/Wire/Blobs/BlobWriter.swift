package import Contract
internal import Digest

/// Makes a blob of arrays one by one, hashed on the way: in memory, or in a file, so that no more than one array is in
/// memory.
///
///     var writer = try BlobWriter(.update, encoding: .int8, file: "draft", expectedBytes: 20_000_000)
///     for array in arrays { try writer.append(array) }
///     let blob = try writer.finish()
package struct BlobWriter: ~Copyable {
    private let kind: BlobKind
    private let encoding: TensorEncoding
    private let file: BlobFile?
    private let compressor = ZstdCompressor()
    private let hash = SHA256()
    private var entries: [ManifestEntry] = []
    private var written = 0
    private var bytes: [UInt8] = []

    /// Begins a blob in memory.
    ///
    /// - Parameters:
    ///   - kind: `.adapter` or `.update`.
    ///   - encoding: How to pack the values of arrays that are not summed; those are always exact.
    package init(_ kind: BlobKind, encoding: TensorEncoding) {
        precondition(kind.holdsArrays, "a blob of kind \(kind.rawValue) does not hold arrays")
        self.kind = kind
        self.encoding = encoding
        file = nil
    }

    /// Begins a blob in a new file, whose bytes are durable once somebody has synced it.
    ///
    /// - Parameters:
    ///   - kind: `.adapter` or `.update`.
    ///   - encoding: How to pack the values of arrays that are not summed; those are always exact.
    ///   - path: The file's name.
    ///   - expectedBytes: About how many bytes will come.
    /// - Throws: `fileFault`.
    package init(
        _ kind: BlobKind,
        encoding: TensorEncoding,
        file path: String,
        expectedBytes: Int
    ) throws(WireError) {
        precondition(kind.holdsArrays, "a blob of kind \(kind.rawValue) does not hold arrays")
        self.kind = kind
        self.encoding = encoding
        file = try BlobFile(creating: path, expectedBytes: expectedBytes)
    }

    /// Whether the receiver of an array of a part decodes other values than were sent.
    func isLossy(_ part: AdapterPart) -> Bool { part != .summed && encoding != .f32 }

    /// Adds an array: every value finite, every dimension at least 1, not local, its name behind those before it.
    ///
    /// - Returns: The values that the receiver decodes.
    /// - Throws: `notFinite` for a value that is not finite in this encoding; `fileFault`.
    @discardableResult
    package mutating func append(_ array: NamedArray) throws(WireError) -> [Float] {
        precondition(array.part != .local, "'\(array.name)' is local: it never travels")
        let encoding = isLossy(array.part) ? encoding : .f32
        let packed = try TensorPacking.pack(array, as: encoding)
        let type = encoding.elementType
        let (encoded, entry) = BlobEncoder.entry(
            packed,
            array.name,
            type,
            array.shape,
            TensorPacking.planes(shape: array.shape, as: type),
            compressor
        )
        encoded.withUnsafeBytes { hash.update($0) }
        if let file {
            try file.write(encoded[...], at: written)
        } else {
            bytes += encoded
        }
        written += encoded.count
        entries.append(entry)
        guard encoding != .f32 else { return array.values }
        return try packed.withUnsafeBufferPointer { packed throws(WireError) in
            try TensorPacking.unpack(UnsafeRawBufferPointer(packed), entry: entry, as: encoding).values
        }
    }

    /// The whole.
    ///
    /// - Throws: The errors of `Manifest.init`; `fileFault`.
    package consuming func finish() throws(WireError) -> EncodedBlob {
        let manifest = try Manifest(kind: kind, entries: entries, digest: hash.finish())
        guard let file else { return EncodedBlob(trusted: manifest, bytes: bytes) }
        try file.trim(to: written)
        return try EncodedBlob(verified: manifest, file: file)
    }
}
