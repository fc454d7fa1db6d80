package import Contract
internal import FoundationEssentials
internal import Tensors

/// Writes safetensors files.
package enum SafetensorsWriter {
    /// How values are kept.
    package enum Precision: Sendable, Equatable {
        /// float32, as they are.
        case single
        /// IEEE binary16, rounded to the nearest.
        case half

    }

    /// Writes arrays to `path`, whole or not at all (a file beside it is synced and renamed).
    ///
    /// The same arrays and metadata give the same bytes: tensors in ascending order of name, sorted keys, the
    /// header padded with spaces so that the data starts at a multiple of 8 bytes.
    ///
    /// - Parameters:
    ///   - arrays: What to write; no name twice.
    ///   - metadata: Free text for `__metadata__`; PyTorch tools expect `["format": "pt"]`.
    ///   - precision: How values are kept.
    ///   - path: Where to.
    package static func write(
        _ arrays: [NamedArray],
        metadata: [String: String] = ["format": "pt"],
        precision: Precision = .single,
        to path: String
    ) throws(CheckpointError) {
        let sorted = AdapterWeights(arrays).arrays
        let encoding = precision == .single ? ElementEncoding.f32 : .f16
        try write(sorted.map { ($0.name, $0.shape) }, metadata: metadata, encoding: encoding, to: path) {
            (index, file) throws(CheckpointError) in
            switch precision {
            case .single: try file.append(sorted[index].values)
            case .half: try file.append(Half.bits(sorted[index].values))
            }
        }
    }

    /// Writes tensors one after the other, each when its turn comes.
    ///
    /// - Parameters:
    ///   - tensors: Their names and shapes, in ascending order of name.
    ///   - metadata: Free text for `__metadata__`.
    ///   - encoding: How values are kept: F32, F16 or BF16.
    ///   - path: Where to.
    ///   - content: Appends the values of the tensor of an index.
    static func write(
        _ tensors: [(name: String, shape: [Int])],
        metadata: [String: String] = ["format": "pt"],
        encoding: ElementEncoding,
        to path: String,
        content: (Int, WritableFile) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        let header = try header(of: tensors, metadata: metadata, encoding: encoding, file: path)
        let file = try WritableFile(path: path)
        try file.append(header)
        for index in tensors.indices { try content(index, file) }
        try file.commit()
    }

    private static func header(
        of tensors: [(name: String, shape: [Int])],
        metadata: [String: String],
        encoding: ElementEncoding,
        file: String
    ) throws(CheckpointError) -> [UInt8] {
        var listing = HeaderListing(metadata: metadata)
        var offset = 0
        for (name, shape) in tensors {
            let end = offset + encoding.bytes(of: shape.reduce(1, *))
            listing.tensors.append((name, .init(dtype: encoding.name, shape: shape, offsets: [offset, end])))
            offset = end
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var json: [UInt8]
        do {
            json = Array(try encoder.encode(listing))
        } catch {
            throw .malformed(
                file: file,
                offset: nil,
                detail: "the header cannot be written: \(JSONFault.describe(error))"
            )
        }
        while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
        let length = (0..<8).map { UInt8(truncatingIfNeeded: UInt64(json.count) >> (8 * UInt64($0))) }
        return length + json
    }
}

private struct HeaderListing: Encodable {
    struct Item: Encodable {
        let dtype: String
        let shape: [Int]
        let offsets: [Int]

        enum CodingKeys: String, CodingKey {
            case dtype, shape
            case offsets = "data_offsets"
        }
    }

    let metadata: [String: String]
    var tensors: [(String, Item)] = []

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: AnyKey.self)
        if !metadata.isEmpty { try container.encode(metadata, forKey: AnyKey("__metadata__")) }
        for (name, item) in tensors { try container.encode(item, forKey: AnyKey(name)) }
    }
}
