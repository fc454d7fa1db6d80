internal import Contract

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
