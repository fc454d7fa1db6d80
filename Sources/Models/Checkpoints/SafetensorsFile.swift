package import Contract

/// A safetensors file opened for reading: header read and checked, tensors read on demand.
///
/// The format: 8 bytes little-endian length of the header, the header in JSON, the tensors' bytes.
package struct SafetensorsFile: TensorSource {
    private let file: ReadableFile
    private let header: SafetensorsHeader
    private let dataOffset: Int
    /// By name, its index in the header.
    private let places: [String: Int]

    /// Opens a file and checks its header: length against the file and a limit of 100 MB, offsets against the
    /// data, shapes against the offsets, no gap and no overlap.
    package init(path: String) throws(CheckpointError) {
        try self.init(ReadableFile(path: path))
    }

    init(_ file: ReadableFile) throws(CheckpointError) {
        let prefix = try file.bytes(8, at: 0, for: "header length")
        let length = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= SafetensorsHeader.bytesMax else {
            throw .overLimit(
                file: file.path,
                what: "header length",
                value: length,
                limit: UInt64(SafetensorsHeader.bytesMax)
            )
        }
        let json = try file.bytes(Int(length), at: 8, for: "header")
        dataOffset = 8 + json.count
        header = try SafetensorsHeader(json: json, dataBytes: file.size - dataOffset, file: file.path)
        places = Dictionary(uniqueKeysWithValues: header.entries.enumerated().map { ($1.name, $0) })
        self.file = file
    }

    /// The path it was opened with.
    package var path: String { file.path }

    package var files: [ReadableFile] { [file] }

    /// The names of the tensors in the order of their bytes.
    package var names: [String] { header.entries.map(\.name) }

    /// The free text under `__metadata__`.
    package var metadata: [String: String] { header.metadata }

    /// The shape of a tensor, slowest dimension first; nil when there is none of that name.
    package func shape(of name: String) -> [Int]? { places[name].map { header.entries[$0].shape } }

    /// The tensor of a name, which must be of type F32, F16 or BF16; nil when there is none.
    package func tensor(_ name: String) throws(CheckpointError) -> StoredTensor? {
        guard let place = places[name] else { return nil }
        let entry = header.entries[place]
        guard let encoding = ElementEncoding.safetensors(entry.type) else {
            throw .unsupportedType(
                file: path,
                name: name,
                type: entry.type,
                known: ElementEncoding.ofSafetensors.map(\.name)
            )
        }
        return StoredTensor(
            name: name,
            shape: entry.shape,
            encoding: encoding,
            file: file,
            offset: dataOffset + entry.range.lowerBound
        )
    }

    /// All tensors, widened to float32.
    package func arrays() throws(CheckpointError) -> [NamedArray] {
        var arrays: [NamedArray] = []
        for entry in header.entries {
            arrays.append(
                NamedArray(name: entry.name, shape: entry.shape, values: try values(of: entry.name))
            )
        }
        return arrays
    }
}
