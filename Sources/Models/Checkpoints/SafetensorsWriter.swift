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

        fileprivate var name: String { self == .single ? "F32" : "F16" }
        fileprivate var bytes: Int { self == .single ? 4 : 2 }
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
        let header = try header(of: sorted, metadata: metadata, precision: precision, file: path)
        let file = try WritableFile(path: path)
        try file.append(header)
        for array in sorted {
            switch precision {
            case .single: try file.append(array.values)
            case .half: try file.append(Half.bits(array.values))
            }
        }
        try file.commit()
    }

    private static func header(
        of arrays: [NamedArray],
        metadata: [String: String],
        precision: Precision,
        file: String
    ) throws(CheckpointError) -> [UInt8] {
        var listing = HeaderListing(metadata: metadata)
        var offset = 0
        for array in arrays {
            let end = offset + array.values.count * precision.bytes
            listing.tensors.append(
                (array.name, .init(dtype: precision.name, shape: array.shape, offsets: [offset, end]))
            )
            offset = end
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var json: [UInt8]
        do {
            json = Array(try encoder.encode(listing))
        } catch {
            throw .malformed(file: file, offset: nil, detail: "the header cannot be written: \(error)")
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
