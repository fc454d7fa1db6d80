internal import FoundationEssentials

/// The JSON header of a safetensors file, checked against the size of the data it describes.
///
/// The rules are those of the format's reference reader: offsets count from the end of the header, and the
/// tensors, in order of offset, fill the data without a gap or an overlap.
struct SafetensorsHeader {
    /// One tensor as the header lists it.
    struct Entry: Equatable {
        /// The name.
        let name: String
        /// The element type's name, such as `F32`.
        let type: String
        /// The sizes of the dimensions, slowest first.
        let shape: [Int]
        /// Where the bytes lie, from the end of the header.
        let range: Range<Int>

        /// How many elements there are; the product was checked for overflow when the header was read.
        var count: Int { shape.reduce(1, *) }
    }

    /// The header of the reference reader is at most this long.
    static let bytesMax = 100_000_000
    /// The most tensors a file may list.
    static let tensorsMax = 100_000
    /// The most dimensions of a tensor.
    static let dimensionsMax = 8

    /// The tensors in the order of their bytes.
    let entries: [Entry]
    /// The free text under `__metadata__`.
    let metadata: [String: String]

    /// Reads a header.
    ///
    /// - Parameters:
    ///   - json: The header's bytes.
    ///   - dataBytes: How many bytes follow the header.
    ///   - file: The file's name, for errors.
    init(json: [UInt8], dataBytes: Int, file: String) throws(CheckpointError) {
        let listing: Listing
        do {
            listing = try JSONDecoder().decode(Listing.self, from: Data(json))
        } catch {
            throw .malformed(
                file: file,
                offset: 8,
                detail: "the header is not a safetensors header: \(JSONFault.describe(error))"
            )
        }
        guard listing.tensors.count <= Self.tensorsMax else {
            throw .overLimit(
                file: file,
                what: "number of tensors",
                value: UInt64(listing.tensors.count),
                limit: UInt64(Self.tensorsMax)
            )
        }
        var entries: [Entry] = []
        for (name, item) in listing.tensors.sorted(by: { $0.0 < $1.0 }) {
            entries.append(try Self.entry(name, item, dataBytes: dataBytes, file: file))
        }
        entries.sort {
            ($0.range.lowerBound, $0.range.upperBound, $0.name)
                < ($1.range.lowerBound, $1.range.upperBound, $1.name)
        }
        var end = 0
        for entry in entries {
            guard entry.range.lowerBound == end else {
                let fault = entry.range.lowerBound < end ? "overlaps the tensor before it" : "leaves a gap"
                throw .malformed(
                    file: file,
                    offset: nil,
                    detail: "tensor '\(entry.name)' \(fault): it starts at \(entry.range.lowerBound), "
                        + "the one before ends at \(end)"
                )
            }
            end = entry.range.upperBound
        }
        guard end == dataBytes else {
            throw .malformed(
                file: file,
                offset: nil,
                detail: "the tensors end at data offset \(end), the file holds \(dataBytes) B of data"
            )
        }
        self.entries = entries
        metadata = listing.metadata
    }

    /// Bytes of one element; nil for a type this reader does not know.
    static func elementBytes(_ type: String) -> Int? {
        switch type {
        case "BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2": 1
        case "U16", "I16", "F16", "BF16": 2
        case "U32", "I32", "F32": 4
        case "U64", "I64", "F64": 8
        default: nil
        }
    }

    private static func entry(
        _ name: String,
        _ item: Listing.Item,
        dataBytes: Int,
        file: String
    ) throws(CheckpointError) -> Entry {
        guard let width = elementBytes(item.dtype) else {
            throw .unsupportedType(
                file: file,
                name: name,
                type: item.dtype,
                known: ElementEncoding.ofSafetensors.map(\.name)
            )
        }
        guard item.shape.count <= dimensionsMax else {
            throw .overLimit(
                file: file,
                what: "number of dimensions of '\(name)'",
                value: UInt64(item.shape.count),
                limit: UInt64(dimensionsMax)
            )
        }
        guard item.offsets.count == 2, item.offsets[0] >= 0, item.offsets[0] <= item.offsets[1] else {
            throw .malformed(file: file, offset: nil, detail: "tensor '\(name)': offsets \(item.offsets)")
        }
        guard item.offsets[1] <= dataBytes else {
            throw .truncated(
                file: file,
                what: "tensor '\(name)'",
                offset: item.offsets[0],
                needed: item.offsets[1] - item.offsets[0],
                size: dataBytes
            )
        }
        var bytes = width
        for size in item.shape {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
            guard size >= 0, !overflow else {
                throw .malformed(file: file, offset: nil, detail: "tensor '\(name)': shape \(item.shape)")
            }
            bytes = product
        }
        guard bytes == item.offsets[1] - item.offsets[0] else {
            throw .malformed(
                file: file,
                offset: nil,
                detail:
                    "tensor '\(name)': shape \(item.shape) of \(item.dtype) takes \(bytes) B, its offsets "
                    + "\(item.offsets) span \(item.offsets[1] - item.offsets[0]) B"
            )
        }
        return Entry(
            name: name,
            type: item.dtype,
            shape: item.shape,
            range: item.offsets[0]..<item.offsets[1]
        )
    }
}

/// The header's JSON as it stands.
private struct Listing: Decodable {
    struct Item: Decodable {
        let dtype: String
        let shape: [Int]
        let offsets: [Int]

        enum CodingKeys: String, CodingKey {
            case dtype, shape
            case offsets = "data_offsets"
        }
    }

    var tensors: [(String, Item)] = []
    var metadata: [String: String] = [:]

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        for key in container.allKeys {
            if key.stringValue == "__metadata__" {
                metadata = try container.decode([String: String].self, forKey: key)
            } else {
                tensors.append((key.stringValue, try container.decode(Item.self, forKey: key)))
            }
        }
    }
}

/// A key of a JSON object whose keys are data.
struct AnyKey: CodingKey {
    let stringValue: String
    let intValue: Int? = nil

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
