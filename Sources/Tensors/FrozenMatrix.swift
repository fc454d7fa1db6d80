internal import CKernels

/// A frozen weight stored as float32.
package final class FrozenMatrix: FrozenWeight {
    /// How many rows there are.
    package let rows: Int
    /// How many values a row has.
    package let columns: Int
    private let storage: [Float]

    /// A matrix of given values, row after row; at least one.
    package init(rows: Int, columns: Int, values: [Float]) {
        precondition(
            values.count == rows * columns && !values.isEmpty,
            "FrozenMatrix: \(values.count) values for \(rows) × \(columns)"
        )
        self.rows = rows
        self.columns = columns
        storage = values
    }

    /// Frozen: no gradient flows into it.
    package var differentiable: Tensor? { nil }

    /// A copy of the values.
    package func toArray() -> [Float] { storage }

    package func multiply(
        _ x: UnsafePointer<Float>,
        rows count: Int,
        into y: UnsafeMutablePointer<Float>,
        alpha: Float,
        beta: Float
    ) {
        Products.abT(x, storage, y, m: count, n: rows, k: columns, alpha: alpha, beta: beta)
    }

    package func multiplyTransposed(
        _ y: UnsafePointer<Float>,
        rows count: Int,
        into x: UnsafeMutablePointer<Float>,
        alpha: Float,
        beta: Float
    ) {
        Products.ab(y, storage, x, m: count, n: columns, k: rows, alpha: alpha, beta: beta)
    }

    package func gather(_ indices: [Int32], into y: UnsafeMutablePointer<Float>) {
        kernel_gather_rows(storage, indices, y, indices.count, columns)
    }
}

/// A frozen vector of float32.
package final class FrozenVector: VectorWeight, Sendable {
    private let storage: [Float]

    /// A vector of given values; at least one.
    package init(_ values: [Float]) {
        precondition(!values.isEmpty, "FrozenVector: no values")
        storage = values
    }

    /// How many values there are.
    package var count: Int { storage.count }
    /// Frozen: no gradient flows into it.
    package var differentiable: Tensor? { nil }
    /// A copy of the values.
    package func toArray() -> [Float] { storage }

    package func withValues<Result>(_ body: (UnsafePointer<Float>) -> Result) -> Result {
        storage.withUnsafeBufferPointer { values in
            guard let base = values.baseAddress else { preconditionFailure("an empty FrozenVector") }
            return body(base)
        }
    }
}
