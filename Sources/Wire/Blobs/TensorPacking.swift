internal import Contract

/// The bytes of an array before compression, for each element type.
enum TensorPacking {
    /// How many bytes an array packs to, or nil if the number does not fit an `Int`.
    static func packedBytes(shape: [Int], as type: ElementType) -> Int? {
        var count = 1
        for size in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow else { return nil }
            count = product
        }
        guard count <= Int.max / 8 else { return nil }
        switch type {
        case .f32: return 4 * count
        case .bf16: return 2 * count
        case .int8: return count + 4 * rows(of: shape)
        case .bytes: return count
        }
    }

    /// The lengths of the parts of a packed array whose bytes are alike: its planes.
    static func planes(shape: [Int], as type: ElementType) -> [Int] {
        let count = shape.reduce(1, *)
        switch type {
        case .f32: return [count, count, count, count]
        case .bf16: return [count, count]
        case .int8: return [4 * rows(of: shape), count]
        case .bytes: return [count]
        }
    }

    /// The rows of an array that have a scale each: the first dimension of two or more, else one.
    static func rows(of shape: [Int]) -> Int { shape.count >= 2 ? shape[0] : 1 }

    /// Packs an array; throws `notFinite` for a value that is not or would not be finite.
    static func pack(_ array: NamedArray, as encoding: TensorEncoding) throws(WireError) -> [UInt8] {
        switch encoding {
        case .f32:
            let bits = array.values.map(\.bitPattern)
            try checkFinite(bits, name: array.name)
            return BytePlanes.split(bits)
        case .bf16:
            let halves = array.values.map { BFloat16.round($0) }
            try BFloat16.checkFinite(halves, name: array.name)
            return BytePlanes.split(halves)
        case .int8:
            return try RowInt8.pack(array)
        }
    }

    /// Unpacks an array; `bytes` has the count that the entry announces, which its shape gives.
    static func unpack(
        _ bytes: [UInt8],
        entry: ManifestEntry,
        as encoding: TensorEncoding
    ) throws(WireError) -> NamedArray {
        let values: [Float]
        switch encoding {
        case .f32:
            let bits: [UInt32] = BytePlanes.join(bytes[...])
            try checkFinite(bits, name: entry.name)
            values = bits.map { Float(bitPattern: $0) }
        case .bf16:
            let halves: [UInt16] = BytePlanes.join(bytes[...])
            try BFloat16.checkFinite(halves, name: entry.name)
            values = halves.map { BFloat16.widen($0) }
        case .int8:
            values = try RowInt8.unpack(bytes, name: entry.name, shape: entry.shape)
        }
        return NamedArray(name: entry.name, shape: entry.shape, values: values)
    }

    static func checkFinite(_ bits: [UInt32], name: String) throws(WireError) {
        guard let element = bits.firstIndex(where: { $0 & 0x7F80_0000 == 0x7F80_0000 }) else { return }
        throw .notFinite(name: name, element: element)
    }
}

/// bfloat16: the upper 16 bits of a binary32.
enum BFloat16 {
    /// Rounds to nearest, ties to even. What is not finite stays so; a magnitude above the largest
    /// bfloat16 becomes infinite.
    static func round(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        guard !value.isNaN else { return UInt16(truncatingIfNeeded: bits >> 16) | 0x0040 }
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
    }

    /// The binary32 of the same value.
    static func widen(_ half: UInt16) -> Float { Float(bitPattern: UInt32(half) << 16) }

    static func checkFinite(_ halves: [UInt16], name: String) throws(WireError) {
        guard let element = halves.firstIndex(where: { $0 & 0x7F80 == 0x7F80 }) else { return }
        throw .notFinite(name: name, element: element)
    }
}

/// Byte planes: the least significant bytes of all elements, then the next ones, and so on.
///
/// Sign and exponent bytes of trained weights are alike, mantissa bytes are noise; apart from each
/// other the former compress.
enum BytePlanes {
    static func split<Word: FixedWidthInteger>(_ words: [Word]) -> [UInt8] {
        let count = words.count
        let width = Word.bitWidth / 8
        return [UInt8](unsafeUninitializedCapacity: count * width) { bytes, initialized in
            words.withUnsafeBufferPointer { words in
                for plane in 0..<width {
                    let shift = Word(truncatingIfNeeded: 8 * plane)
                    for index in 0..<count {
                        bytes[plane &* count &+ index] = UInt8(truncatingIfNeeded: words[index] &>> shift)
                    }
                }
            }
            initialized = count * width
        }
    }

    /// The words of the planes; `bytes.count` is a multiple of the word's width.
    static func join<Word: FixedWidthInteger>(_ bytes: ArraySlice<UInt8>) -> [Word] {
        let width = Word.bitWidth / 8
        let count = bytes.count / width
        return [Word](unsafeUninitializedCapacity: count) { words, initialized in
            bytes.withUnsafeBufferPointer { bytes in
                for index in 0..<count {
                    var word: Word = 0
                    for plane in 0..<width {
                        word |=
                            Word(truncatingIfNeeded: bytes[plane &* count &+ index])
                            &<< Word(truncatingIfNeeded: 8 &* plane)
                    }
                    words[index] = word
                }
            }
            initialized = count
        }
    }
}

/// How the values of an adapter are packed for the way: the one enumeration of encodings, also of topology
/// files. Arrays that are summed travel as `f32` whatever a run's encoding is.
package enum TensorEncoding: String, Sendable, Hashable, CaseIterable, Codable {
    /// IEEE 754 binary32: exact.
    case f32
    /// The upper half of a binary32, rounded to nearest even: a relative error of at most 2⁻⁸.
    case bf16
    /// One signed byte for each value and one scale for each row: an absolute error of at most half
    /// of a 127th of the row's largest magnitude. Meant for updates, with `ErrorFeedback`.
    case int8

    /// The element type in a manifest.
    package var elementType: ElementType {
        switch self {
        case .f32: .f32
        case .bf16: .bf16
        case .int8: .int8
        }
    }
}

/// What the elements of a manifest entry are.
package enum ElementType: String, Sendable, Hashable, CaseIterable {
    case f32
    case bf16
    case int8
    /// Bytes as they are: the payload of a batch, response set or pool.
    case bytes

    /// The encoding, or nil for bytes.
    package var tensorEncoding: TensorEncoding? {
        switch self {
        case .f32: .f32
        case .bf16: .bf16
        case .int8: .int8
        case .bytes: nil
        }
    }
}

/// How the packed bytes of a manifest entry are compressed.
package enum Compression: String, Sendable, Hashable, CaseIterable {
    /// Not at all, because it would hardly help.
    case stored
    /// One zstd frame.
    case zstd
}

/// What a blob is.
package enum BlobKind: String, Sendable, Hashable, CaseIterable {
    /// The adapter of a round.
    case adapter
    /// A client's update.
    case update
    /// The public items of a step.
    case batch
    /// A client's responses to them.
    case responses
    /// What a client absorbs.
    case pool

    /// The most raw bytes of a blob of this kind.
    package var rawBytesMax: Int {
        switch self {
        case .adapter, .update: Limits.adapterRawBytesMax
        case .batch: Limits.batchRawBytesMax
        case .responses: Limits.responsesRawBytesMax
        case .pool: Limits.poolRawBytesMax
        }
    }

    /// The name of that limit.
    var rawBytesMaxName: String {
        switch self {
        case .adapter, .update: "adapterRawBytesMax"
        case .batch: "batchRawBytesMax"
        case .responses: "responsesRawBytesMax"
        case .pool: "poolRawBytesMax"
        }
    }

    /// Whether the blob holds arrays rather than one payload.
    package var holdsArrays: Bool {
        switch self {
        case .adapter, .update: true
        case .batch, .responses, .pool: false
        }
    }
}

/// One signed byte for each value and one scale for each row.
///
/// Packed: the scales, binary32 in byte planes, then the bytes, row after row. A row's scale is its
/// largest magnitude divided by 127; a value is its byte times the scale. Bytes are -127 ... 127.
enum RowInt8 {
    static func pack(_ array: NamedArray) throws(WireError) -> [UInt8] {
        let rows = TensorPacking.rows(of: array.shape)
        let columns = array.values.count / rows
        try TensorPacking.checkFinite(array.values.map(\.bitPattern), name: array.name)
        var scales = [UInt32](repeating: 0, count: rows)
        let bytes = [UInt8](unsafeUninitializedCapacity: rows * columns) { bytes, initialized in
            array.values.withUnsafeBufferPointer { values in
                for row in 0..<rows {
                    let start = row &* columns
                    var largest: Float = 0
                    for index in start..<start &+ columns { largest = max(largest, values[index].magnitude) }
                    let scale = largest / 127
                    scales[row] = scale.bitPattern
                    for index in start..<start &+ columns {
                        bytes[index] = UInt8(bitPattern: quantise(values[index], scale: scale))
                    }
                }
            }
            initialized = rows * columns
        }
        return BytePlanes.split(scales) + bytes
    }

    /// A row of zeros, or of values so small that the scale underflows, becomes zeros.
    private static func quantise(_ value: Float, scale: Float) -> Int8 {
        guard scale > 0 else { return 0 }
        let quotient = (value / scale).rounded(.toNearestOrEven)
        return Int8(min(max(quotient, -127), 127))
    }

    static func unpack(_ bytes: [UInt8], name: String, shape: [Int]) throws(WireError) -> [Float] {
        let rows = TensorPacking.rows(of: shape)
        let columns = (bytes.count - 4 * rows) / rows
        let bits: [UInt32] = BytePlanes.join(bytes[..<(4 * rows)])
        let scales = bits.map { Float(bitPattern: $0) }
        for (row, scale) in scales.enumerated() {
            guard (127 * scale).isFinite else { throw .notFinite(name: name, element: row * columns) }
            guard scale.sign == .plus else {
                throw .malformed(message: "'\(name)'", reason: "the scale of row \(row) is negative")
            }
        }
        var invalid: Int?
        let values = [Float](unsafeUninitializedCapacity: rows * columns) { values, initialized in
            bytes.withUnsafeBufferPointer { bytes in
                for row in 0..<rows {
                    let scale = scales[row]
                    for index in row &* columns..<(row &+ 1) &* columns {
                        let byte = Int8(bitPattern: bytes[4 &* rows &+ index])
                        if byte == -128, invalid == nil { invalid = index }
                        values[index] = Float(byte) * scale
                    }
                }
            }
            initialized = rows * columns
        }
        if let invalid {
            throw .malformed(message: "'\(name)'", reason: "element \(invalid) is -128, the least is -127")
        }
        return values
    }
}
