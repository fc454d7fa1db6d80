/// A metadata value of a GGUF file; integers of all widths and booleans are one case.
package enum GGUFValue: Sendable, Equatable {
    /// An integer, or a boolean as 0 or 1.
    case integer(Int64)
    /// A float32 or float64.
    case number(Double)
    /// UTF-8 text.
    case string(String)
    /// An array of integers or booleans.
    case integers([Int64])
    /// An array of floating-point numbers.
    case numbers([Double])
    /// An array of texts.
    case strings([String])
}

/// A GGUF file of version 2 or 3 opened for reading: metadata and tensor list read and checked, tensors read and
/// dequantised on demand.
package struct GGUFFile: TensorSource {
    /// The most metadata keys.
    static let keysMax: UInt64 = 65_536
    /// The most tensors.
    static let tensorsMax: UInt64 = 65_536

    /// The metadata.
    package let metadata: [String: GGUFValue]
    let entries: [String: StoredTensor]
    let file: ReadableFile

    /// The path it was opened with.
    package var path: String { file.path }

    package var files: [ReadableFile] { [file] }

    /// The names of the tensors, sorted.
    package var names: [String] { entries.keys.sorted() }

    /// Opens a file and checks its header: counts and lengths against limits, tensor types, sizes and
    /// offsets against the file, no overlap.
    package init(path: String) throws(CheckpointError) {
        try self.init(ReadableFile(path: path))
    }

    init(_ file: ReadableFile) throws(CheckpointError) {
        self.file = file
        var cursor = GGUFCursor(file)
        let magic = try cursor.integer(UInt32.self, "magic")
        guard magic == 0x4655_4747 else {
            throw .malformed(file: file.path, offset: 0, detail: "not a GGUF file")
        }
        let version = try cursor.integer(UInt32.self, "version")
        // 2 and 3 differ in nothing but that 3 may be big-endian, which then shows in the version itself.
        guard (2...3).contains(version) else {
            let found = version.byteSwapped <= 0xFFFF ? "a big-endian file" : "GGUF version \(version)"
            throw .malformed(
                file: file.path,
                offset: 4,
                detail: "\(found); versions 2 and 3 are read, little-endian"
            )
        }
        let tensorCount = try cursor.count("number of tensors", limit: Self.tensorsMax)
        let keyCount = try cursor.count("number of keys", limit: Self.keysMax)

        var metadata: [String: GGUFValue] = [:]
        for _ in 0..<keyCount {
            let key = try cursor.string("key")
            guard metadata.updateValue(try cursor.value(of: key), forKey: key) == nil else {
                throw .badKey(file: file.path, key: key, detail: "occurs twice")
            }
        }
        self.metadata = metadata

        var listings: [GGUFListing] = []
        for _ in 0..<tensorCount { listings.append(try GGUFListing(&cursor, file: file.path)) }
        let alignment = try Self.alignment(metadata, file: file.path)
        let dataStart = (cursor.offset + alignment - 1) / alignment * alignment
        var entries: [String: StoredTensor] = [:]
        for listing in listings {
            let entry = try listing.entry(dataStart: dataStart, alignment: alignment, file: file)
            guard entries.updateValue(entry, forKey: entry.name) == nil else {
                throw .malformed(file: file.path, offset: nil, detail: "tensor '\(entry.name)' occurs twice")
            }
        }
        self.entries = entries
        try Self.checkOverlaps(entries, file: file.path)
    }

    package func shape(of name: String) -> [Int]? { entries[name]?.shape }

    package func tensor(_ name: String) -> StoredTensor? { entries[name] }

    private static func alignment(
        _ metadata: [String: GGUFValue],
        file: String
    ) throws(CheckpointError) -> Int {
        guard let value = metadata["general.alignment"] else { return 32 }
        guard case .integer(let alignment) = value, (1...65_536).contains(alignment),
            alignment & (alignment - 1) == 0
        else { throw .badKey(file: file, key: "general.alignment", detail: "\(value) is not a power of two") }
        return Int(alignment)
    }

    private static func checkOverlaps(_ entries: [String: StoredTensor], file: String) throws(CheckpointError)
    {
        let sorted = entries.values.sorted { ($0.offset, $0.name) < ($1.offset, $1.name) }
        for (first, second) in zip(sorted, sorted.dropFirst())
        where second.offset < first.offset + first.encoding.bytes(of: first.count) {
            throw .malformed(
                file: file,
                offset: second.offset,
                detail: "tensor '\(second.name)' overlaps '\(first.name)'"
            )
        }
    }
}

/// One tensor of the list before its place is known: the data starts where the list ends.
private struct GGUFListing {
    let name: String
    let dimensions: [UInt64]
    let type: UInt32
    let offset: UInt64

    init(_ cursor: inout GGUFCursor, file: String) throws(CheckpointError) {
        name = try cursor.string("tensor name")
        let count = try cursor.integer(UInt32.self, "dimensions of \(name)")
        guard (1...4).contains(count) else {
            throw .overLimit(file: file, what: "dimensions of '\(name)'", value: UInt64(count), limit: 4)
        }
        var dimensions: [UInt64] = []
        for _ in 0..<count { dimensions.append(try cursor.integer(UInt64.self, "shape of \(name)")) }
        self.dimensions = dimensions
        type = try cursor.integer(UInt32.self, "type of \(name)")
        offset = try cursor.integer(UInt64.self, "offset of \(name)")
    }

    func entry(
        dataStart: Int,
        alignment: Int,
        file: ReadableFile
    ) throws(CheckpointError) -> StoredTensor {
        guard let encoding = ElementEncoding.gguf(type) else {
            throw .unsupportedType(
                file: file.path,
                name: name,
                type: ElementEncoding.unread(gguf: type),
                known: ElementEncoding.all.map(\.name)
            )
        }
        var count = 1
        var shape: [Int] = []
        for dimension in dimensions {
            guard let size = Int(exactly: dimension), size > 0 else {
                throw .malformed(file: file.path, offset: nil, detail: "'\(name)': dimensions \(dimensions)")
            }
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            // A weight takes at least a quarter of a byte, so a true count is below four times the file.
            guard !overflow, product / 4 <= file.size else {
                throw .truncated(
                    file: file.path,
                    what: "tensor '\(name)' of dimensions \(dimensions)",
                    offset: dataStart,
                    needed: overflow ? Int.max : product,
                    size: file.size
                )
            }
            count = product
            shape.insert(size, at: 0)
        }
        guard Int(exactly: dimensions[0]).map({ $0 % encoding.blockValues == 0 }) == true else {
            throw .malformed(
                file: file.path,
                offset: nil,
                detail: "'\(name)': rows of \(dimensions[0]) values in blocks of \(encoding.blockValues)"
            )
        }
        guard offset <= file.size, Int(offset) % alignment == 0 else {
            throw .malformed(file: file.path, offset: nil, detail: "'\(name)': data offset \(offset)")
        }
        let start = dataStart + Int(offset)
        try file.require(encoding.bytes(of: count), at: start, for: "tensor '\(name)'")
        return StoredTensor(name: name, shape: shape, encoding: encoding, file: file, offset: start)
    }
}
