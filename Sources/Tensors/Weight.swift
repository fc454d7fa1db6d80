/// A matrix `[rows, columns]` that operations multiply with: frozen, in whatever form it is stored, or a tensor
/// that may be trainable. A linear map's weight is `[out, in]`, an embedding table `[V, C]`.
///
/// Operations ask a weight to multiply and never see its values, so that a new form of storage (16 bits, 8 bits,
/// the blocks of a file) is a new type here and no change there.
package protocol Weight: AnyObject {
    /// How many rows there are.
    var rows: Int { get }
    /// How many values a row has.
    var columns: Int { get }

    /// y = alpha · x Wᵀ + beta · y.
    ///
    /// - Parameters:
    ///   - x: `[count, columns]`.
    ///   - count: How many rows x has.
    ///   - y: `[count, rows]`; not read where beta is 0.
    func multiply(
        _ x: UnsafePointer<Float>,
        rows count: Int,
        into y: UnsafeMutablePointer<Float>,
        alpha: Float,
        beta: Float
    )

    /// x = alpha · y W + beta · x: back through the map.
    ///
    /// - Parameters:
    ///   - y: `[count, rows]`.
    ///   - count: How many rows y has.
    ///   - x: `[count, columns]`; not read where beta is 0.
    func multiplyTransposed(
        _ y: UnsafePointer<Float>,
        rows count: Int,
        into x: UnsafeMutablePointer<Float>,
        alpha: Float,
        beta: Float
    )

    /// Copies some rows, widened to float32.
    ///
    /// - Parameters:
    ///   - indices: Each in 0 ..< rows.
    ///   - y: `[indices.count, columns]`.
    func gather(_ indices: [Int32], into y: UnsafeMutablePointer<Float>)

    /// The weight itself where a gradient flows into it.
    var differentiable: Tensor? { get }

    /// A copy of the values, row after row, widened to float32.
    func toArray() -> [Float]
}

/// A weight that never changes and that threads and models share.
package protocol FrozenWeight: Weight, Sendable {}

extension FrozenWeight {
    /// Frozen: no gradient flows into it.
    package var differentiable: Tensor? { nil }

    /// A copy of the values that products are made with.
    package func toArray() -> [Float] {
        [Float](unsafeUninitializedCapacity: rows * columns) { values, count in
            if let base = values.baseAddress { gather(Array(0..<Int32(rows)), into: base) }
            count = rows * columns
        }
    }
}

/// A vector `[C]` that operations read, such as a norm's weight: always float32, whatever the matrices are.
package protocol VectorWeight: AnyObject {
    /// How many values there are.
    var count: Int { get }
    /// The weight itself where a gradient flows into it.
    var differentiable: Tensor? { get }
    /// Calls `body` with the values; the buffer is valid during the call.
    func withValues<Result>(_ body: (UnsafePointer<Float>) -> Result) -> Result
    /// A copy of the values.
    func toArray() -> [Float]
}
