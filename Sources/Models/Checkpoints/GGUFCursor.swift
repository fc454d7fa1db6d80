/// Reads the header of a GGUF file front to back, in pieces of 1 MiB, with every length checked first.
struct GGUFCursor {
    /// The longest string; chat templates are the longest seen, some tens of kilobytes.
    static let stringBytesMax: UInt64 = 16 << 20
    /// The most elements of an array; vocabularies have some hundred thousand.
    static let arrayCountMax: UInt64 = 16 << 20
    /// The longest header.
    static let headerBytesMax = 256 << 20
    private static let pieceBytes = 1 << 20

    private let file: ReadableFile
    private var piece: [UInt8] = []
    private var pieceStart = 0
    private var position = 0

    init(_ file: ReadableFile) { self.file = file }

    /// The offset in the file of the next byte.
    var offset: Int { pieceStart + position }

    /// The next `count` bytes.
    mutating func take(_ count: Int, _ what: String) throws(CheckpointError) -> ArraySlice<UInt8> {
        if piece.count - position < count {
            let start = offset
            try file.require(count, at: start, for: what)
            guard start + count <= Self.headerBytesMax else {
                throw .overLimit(
                    file: file.path,
                    what: "header size",
                    value: UInt64(start + count),
                    limit: UInt64(Self.headerBytesMax)
                )
            }
            piece = try file.bytes(min(max(count, Self.pieceBytes), file.size - start), at: start, for: what)
            pieceStart = start
            position = 0
        }
        defer { position += count }
        return piece[position..<position + count]
    }

    /// The next little-endian integer.
    mutating func integer<Integer: FixedWidthInteger>(
        _ type: Integer.Type,
        _ what: String
    ) throws(CheckpointError) -> Integer {
        var value: UInt64 = 0
        for byte in try take(MemoryLayout<Integer>.size, what).reversed() {
            value = value << 8 | UInt64(byte)
        }
        return Integer(truncatingIfNeeded: value)
    }

    /// The next 64-bit count; throws when it is over the limit.
    mutating func count(_ what: String, limit: UInt64) throws(CheckpointError) -> Int {
        let value = try integer(UInt64.self, what)
        guard value <= limit else {
            throw .overLimit(file: file.path, what: what, value: value, limit: limit)
        }
        return Int(value)
    }

    /// The next string: 64-bit length, then UTF-8.
    mutating func string(_ what: String) throws(CheckpointError) -> String {
        let count = try count("length of \(what)", limit: Self.stringBytesMax)
        let start = offset
        guard let text = String(validating: try take(count, what), as: UTF8.self) else {
            throw .malformed(file: file.path, offset: start, detail: "\(what) is not UTF-8")
        }
        return text
    }

    /// The next metadata value.
    mutating func value(of key: String) throws(CheckpointError) -> GGUFValue {
        let type = try integer(UInt32.self, "type of \(key)")
        guard type == 9 else { return try scalar(type, key) }
        let element = try integer(UInt32.self, "element type of \(key)")
        let count = try count("count of \(key)", limit: Self.arrayCountMax)
        switch element {
        case 8:
            var strings: [String] = []
            for _ in 0..<count { strings.append(try string(key)) }
            return .strings(strings)
        case 0...5, 7, 10, 11:
            var integers: [Int64] = []
            for _ in 0..<count {
                guard case .integer(let value) = try scalar(element, key) else { break }
                integers.append(value)
            }
            return .integers(integers)
        case 6, 12:
            var numbers: [Double] = []
            for _ in 0..<count {
                guard case .number(let value) = try scalar(element, key) else { break }
                numbers.append(value)
            }
            return .numbers(numbers)
        default:
            throw .badKey(file: file.path, key: key, detail: "an array of elements of type \(element)")
        }
    }

    private mutating func scalar(_ type: UInt32, _ key: String) throws(CheckpointError) -> GGUFValue {
        switch type {
        case 0: return .integer(Int64(try integer(UInt8.self, key)))
        case 1: return .integer(Int64(try integer(Int8.self, key)))
        case 2: return .integer(Int64(try integer(UInt16.self, key)))
        case 3: return .integer(Int64(try integer(Int16.self, key)))
        case 4: return .integer(Int64(try integer(UInt32.self, key)))
        case 5: return .integer(Int64(try integer(Int32.self, key)))
        case 6: return .number(Double(Float(bitPattern: try integer(UInt32.self, key))))
        case 7: return .integer(try integer(UInt8.self, key) == 0 ? 0 : 1)
        case 8: return .string(try string(key))
        case 10:
            let value = try integer(UInt64.self, key)
            guard let signed = Int64(exactly: value) else {
                throw .overLimit(file: file.path, what: key, value: value, limit: UInt64(Int64.max))
            }
            return .integer(signed)
        case 11: return .integer(try integer(Int64.self, key))
        case 12: return .number(Double(bitPattern: try integer(UInt64.self, key)))
        default: throw .badKey(file: file.path, key: key, detail: "a value of unknown type \(type)")
        }
    }
}
