package import Contract

/// A safetensors file opened for reading: header read and checked, tensors read on demand.
///
/// The format: 8 bytes little-endian length of the header, the header in JSON, the tensors' bytes.
package struct SafetensorsFile {
    private let file: ReadableFile
    private let header: SafetensorsHeader
    private let dataOffset: Int

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
        self.file = file
    }

    /// The path it was opened with.
    package var path: String { file.path }

    /// The names of the tensors in the order of their bytes.
    package var names: [String] { header.entries.map(\.name) }

    /// The free text under `__metadata__`.
    package var metadata: [String: String] { header.metadata }

    /// The shape of a tensor, slowest dimension first; nil when there is none of that name.
    package func shape(of name: String) -> [Int]? { entry(name)?.shape }

    /// The values of a tensor in row-major order, widened to float32.
    ///
    /// - Parameters:
    ///   - name: The tensor. Its type must be F32, F16 or BF16.
    ///   - shape: The shape it must have; nil takes any.
    /// - Throws: when it is missing, of another shape or type, or not finite.
    package func values(of name: String, shape: [Int]? = nil) throws(CheckpointError) -> [Float] {
        guard let entry = entry(name) else { throw .missingTensor(file: path, name: name) }
        if let shape, shape != entry.shape {
            throw .wrongShape(file: path, name: name, expected: shape, found: entry.shape)
        }
        let encoding: ElementEncoding
        switch entry.type {
        case "F32": encoding = .f32
        case "F16": encoding = .f16
        case "BF16": encoding = .bf16
        default: throw .unsupportedType(file: path, name: name, type: entry.type)
        }
        return try encoding.read(
            entry.count,
            from: file,
            at: dataOffset + entry.range.lowerBound,
            name: name
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

    private func entry(_ name: String) -> SafetensorsHeader.Entry? {
        header.entries.first { $0.name == name }
    }
}
