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
        let rows = rows(of: array.shape)
        var isSound = true
        let bytes = array.values.withUnsafeBufferPointer { values in
            switch encoding {
            case .f32: BytePlanes.pack(values, isSound: &isSound)
            case .bf16: BFloat16.pack(values, isSound: &isSound)
            case .int8: RowInt8.pack(values, rows: rows, isSound: &isSound)
            }
        }
        guard !isSound else { return bytes }
        let limit = encoding == .bf16 ? BFloat16.magnitudeEnd : Float.infinity
        throw .notFinite(name: array.name, element: array.values.firstIndex { !($0.magnitude < limit) } ?? 0)
    }

    /// Unpacks an array; `packed` has the count that the entry announces, which its shape gives.
    static func unpack(
        _ packed: UnsafeRawBufferPointer,
        entry: ManifestEntry,
        as encoding: TensorEncoding
    ) throws(WireError) -> NamedArray {
        let values: [Float]
        switch encoding {
        case .f32: values = BytePlanes.values(packed)
        case .bf16: values = BFloat16.values(packed)
        case .int8: return try RowInt8.unpack(packed, entry)
        }
        guard values.allFinite else {
            throw .notFinite(name: entry.name, element: values.firstIndex { !$0.isFinite } ?? 0)
        }
        return NamedArray(name: entry.name, shape: entry.shape, values: values)
    }
}

extension [Float] {
    /// Whether no value is a NaN or infinite; without a way out of the loop, so that it becomes vector instructions.
    fileprivate var allFinite: Bool { withUnsafeBufferPointer { $0.largestMagnitude } < 0x7F80_0000 }
}

extension UnsafeBufferPointer<Float> {
    /// The largest magnitude as bits, which are in the order of magnitudes, infinities and NaNs above all others.
    fileprivate var largestMagnitude: Int32 {
        var largest: Int32 = 0
        for value in self { largest = Swift.max(largest, Int32(bitPattern: value.bitPattern & 0x7FFF_FFFF)) }
        return largest
    }
}

/// bfloat16: the upper 16 bits of a binary32.
enum BFloat16 {
    /// What rounds to an infinity: the middle between the largest bfloat16 and the next power of two.
    static let magnitudeEnd = Float(bitPattern: 0x7F7F_8000)

    /// Rounds to nearest, ties to even. What is not finite stays so; a magnitude above the largest
    /// bfloat16 becomes infinite.
    static func round(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        guard !value.isNaN else { return UInt16(truncatingIfNeeded: bits >> 16) | 0x0040 }
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
    }

    /// The binary32 of the same value.
    static func widen(_ half: UInt16) -> Float { Float(bitPattern: UInt32(half) << 16) }

    /// Both planes of the values.
    ///
    /// - Parameter isSound: Becomes false if one is not or would not be finite.
    fileprivate static func pack(_ values: UnsafeBufferPointer<Float>, isSound: inout Bool) -> [UInt8] {
        let count = values.count
        isSound = values.largestMagnitude < Int32(magnitudeEnd.bitPattern)
        return [UInt8](unsafeUninitializedCapacity: 2 * count) { bytes, initialized in
            for index in 0..<count {
                let bits = values[index].bitPattern
                let half = (bits &+ 0x7FFF &+ (bits &>> 16 & 1)) &>> 16
                bytes[index] = UInt8(truncatingIfNeeded: half)
                bytes[count &+ index] = UInt8(truncatingIfNeeded: half &>> 8)
            }
            initialized = 2 * count
        }
    }

    fileprivate static func values(_ packed: UnsafeRawBufferPointer) -> [Float] {
        let count = packed.count / 2
        return [Float](unsafeUninitializedCapacity: count) { values, initialized in
            for index in 0..<count {
                let word = UInt32(packed[index]) | UInt32(packed[count &+ index]) &<< 8
                values[index] = Float(bitPattern: word &<< 16)
            }
            initialized = count
        }
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
            for plane in 0..<width {
                let shift = Word(truncatingIfNeeded: 8 * plane)
                for index in 0..<count {
                    bytes[plane &* count &+ index] = UInt8(truncatingIfNeeded: words[index] &>> shift)
                }
            }
            initialized = count * width
        }
    }

    /// The four planes of binary32, all in one pass.
    ///
    /// - Parameter isSound: Becomes false if a value is not finite.
    fileprivate static func pack(_ values: UnsafeBufferPointer<Float>, isSound: inout Bool) -> [UInt8] {
        let count = values.count
        isSound = values.largestMagnitude < 0x7F80_0000
        return [UInt8](unsafeUninitializedCapacity: 4 * count) { bytes, initialized in
            for index in 0..<count {
                let word = values[index].bitPattern
                bytes[index] = UInt8(truncatingIfNeeded: word)
                bytes[count &+ index] = UInt8(truncatingIfNeeded: word &>> 8)
                bytes[2 &* count &+ index] = UInt8(truncatingIfNeeded: word &>> 16)
                bytes[3 &* count &+ index] = UInt8(truncatingIfNeeded: word &>> 24)
            }
            initialized = 4 * count
        }
    }

    /// The numbers of four planes.
    static func values(_ packed: UnsafeRawBufferPointer) -> [Float] {
        let count = packed.count / 4
        return [Float](unsafeUninitializedCapacity: count) { values, initialized in
            for index in 0..<count {
                let low = UInt32(packed[index]) | UInt32(packed[count &+ index]) &<< 8
                let high =
                    UInt32(packed[2 &* count &+ index]) | UInt32(packed[3 &* count &+ index]) &<< 8
                values[index] = Float(bitPattern: low | high &<< 16)
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

    /// Bytes of a value, without scales.
    package var bytesPerValue: Int {
        switch self {
        case .f32: 4
        case .bf16: 2
        case .int8: 1
        }
    }

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
    /// Adding this to a number of magnitude below 2²² rounds it to a whole one, to the nearest, ties to even, which the
    /// lowest bits of the sum then hold.
    private static let rounding: Float = 0x1.8p23

    /// - Parameter isSound: Becomes false if a value is not finite.
    fileprivate static func pack(
        _ values: UnsafeBufferPointer<Float>,
        rows: Int,
        isSound: inout Bool
    ) -> [UInt8] {
        let columns = values.count / rows
        isSound = values.largestMagnitude < 0x7F80_0000
        var scales: [UInt32] = []
        scales.reserveCapacity(rows)
        return [UInt8](unsafeUninitializedCapacity: 4 * rows + values.count) { bytes, initialized in
            for row in 0..<rows {
                let source = UnsafeBufferPointer(rebasing: values[row * columns..<(row + 1) * columns])
                let scale = Float(bitPattern: UInt32(bitPattern: source.largestMagnitude)) / 127
                scales.append(scale.bitPattern)
                let target = UnsafeMutableBufferPointer(
                    rebasing: bytes[4 * rows + row * columns..<4 * rows + (row + 1) * columns]
                )
                quantise(source, scale: scale, into: target)
            }
            _ = bytes.update(fromContentsOf: BytePlanes.split(scales))
            initialized = 4 * rows + values.count
        }
    }

    /// A row of zeros, or of values so small that the scale underflows, becomes zeros.
    private static func quantise(
        _ values: UnsafeBufferPointer<Float>,
        scale: Float,
        into bytes: UnsafeMutableBufferPointer<UInt8>
    ) {
        guard scale > 0 else { return bytes.update(repeating: 0) }
        for index in 0..<values.count {
            let quotient = values[index] / scale
            let held = quotient < -127 ? -127 : quotient > 127 ? 127 : quotient
            bytes[index] = UInt8(truncatingIfNeeded: (held + rounding).bitPattern)
        }
    }

    fileprivate static func unpack(
        _ packed: UnsafeRawBufferPointer,
        _ entry: ManifestEntry
    ) throws(WireError) -> NamedArray {
        let rows = TensorPacking.rows(of: entry.shape)
        let columns = (packed.count - 4 * rows) / rows
        let scales = BytePlanes.values(UnsafeRawBufferPointer(rebasing: packed[..<(4 * rows)]))
        for (row, scale) in scales.enumerated() {
            guard (127 * scale).isFinite else { throw .notFinite(name: entry.name, element: row * columns) }
            guard scale.sign == .plus else {
                throw .malformed(message: "'\(entry.name)'", reason: "the scale of row \(row) is negative")
            }
        }
        let bytes = UnsafeRawBufferPointer(rebasing: packed[(4 * rows)...])
        var least: Int8 = 0
        let values = [Float](unsafeUninitializedCapacity: rows * columns) { values, initialized in
            for row in 0..<rows {
                let scale = scales[row]
                for index in row &* columns..<(row &+ 1) &* columns {
                    let byte = Int8(bitPattern: bytes[index])
                    least = min(least, byte)
                    values[index] = Float(byte) * scale
                }
            }
            initialized = rows * columns
        }
        guard least >= -127 else {
            let element = bytes.firstIndex(of: 128) ?? 0
            throw .malformed(
                message: "'\(entry.name)'",
                reason: "element \(element) is -128, the least is -127"
            )
        }
        return NamedArray(name: entry.name, shape: entry.shape, values: values)
    }
}
