internal import CKernels

/// Conversion between float32 and IEEE binary16, kept as bits.
package enum Half {
    /// The largest magnitude; what is beyond becomes it.
    package static let max: Float = 65504

    /// Rounds to the nearest, ties to even.
    ///
    /// - Parameters:
    ///   - values: What to round.
    ///   - bits: As many binary16 numbers.
    package static func round(
        _ values: UnsafeBufferPointer<Float>,
        into bits: UnsafeMutableBufferPointer<UInt16>
    ) {
        precondition(values.count == bits.count, "Half.round: \(values.count) values into \(bits.count)")
        kernel_quantise_f16(
            values.baseAddress,
            UnsafeMutableRawPointer(bits.baseAddress)?.assumingMemoryBound(to: UInt8.self),
            values.count
        )
    }

    /// Widens exactly.
    package static func widen(
        _ bits: UnsafeBufferPointer<UInt16>,
        into values: UnsafeMutablePointer<Float>
    ) {
        kernel_dequantise_f16(
            UnsafeRawPointer(bits.baseAddress)?.assumingMemoryBound(to: UInt8.self),
            values,
            bits.count
        )
    }

    /// Whether no value is infinite or NaN.
    package static func areFinite(_ values: UnsafePointer<Float>, count: Int) -> Bool {
        kernel_all_finite(values, count) != 0
    }

    /// Rounds values.
    package static func bits(_ values: [Float]) -> [UInt16] {
        [UInt16](unsafeUninitializedCapacity: values.count) { buffer, count in
            values.withUnsafeBufferPointer {
                round($0, into: UnsafeMutableBufferPointer(rebasing: buffer[..<values.count]))
            }
            count = values.count
        }
    }

    /// Widens values.
    package static func values(_ bits: [UInt16]) -> [Float] {
        [Float](unsafeUninitializedCapacity: bits.count) { buffer, count in
            if let base = buffer.baseAddress { bits.withUnsafeBufferPointer { widen($0, into: base) } }
            count = bits.count
        }
    }
}
