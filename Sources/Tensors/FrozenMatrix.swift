internal import CKernels

/// A frozen weight stored as float32.
package final class FrozenMatrix: FrozenWeight {
    /// How many rows there are.
    package let rows: Int
    /// How many values a row has.
    package let columns: Int
    private let storage: FrozenValues

    /// A matrix of given values, row after row, which it shares with whoever else has them.
    package init(rows: Int, columns: Int, values: FrozenValues) {
        precondition(
            values.count == rows * columns,
            "FrozenMatrix: \(values.count) values for \(rows) × \(columns)"
        )
        self.rows = rows
        self.columns = columns
        storage = values
    }

    /// A matrix of a copy of some values, row after row; at least one.
    package convenience init(rows: Int, columns: Int, values: [Float]) {
        self.init(rows: rows, columns: columns, values: FrozenValues(values))
    }

    package func multiply(
        _ x: UnsafePointer<Float>,
        rows count: Int,
        into y: UnsafeMutablePointer<Float>,
        alpha: Float,
        beta: Float
    ) {
        Products.abT(x, storage.base, y, m: count, n: rows, k: columns, alpha: alpha, beta: beta)
    }

    package func multiplyTransposed(
        _ y: UnsafePointer<Float>,
        rows count: Int,
        into x: UnsafeMutablePointer<Float>,
        alpha: Float,
        beta: Float
    ) {
        Products.ab(y, storage.base, x, m: count, n: columns, k: rows, alpha: alpha, beta: beta)
    }

    package func gather(_ indices: [Int32], into y: UnsafeMutablePointer<Float>) {
        kernel_gather_rows(storage.base, indices, y, indices.count, columns)
    }
}

/// A frozen vector of float32.
package final class FrozenVector: VectorWeight, Sendable {
    private let storage: FrozenValues

    /// A vector of given values, which it shares with whoever else has them.
    package init(_ values: FrozenValues) { storage = values }

    /// A vector of a copy of some values; at least one.
    package convenience init(_ values: [Float]) { self.init(FrozenValues(values)) }

    /// How many values there are.
    package var count: Int { storage.count }
    /// Frozen: no gradient flows into it.
    package var differentiable: Tensor? { nil }
    /// A copy of the values.
    package func toArray() -> [Float] { storage.toArray() }

    package func withValues<Result>(_ body: (UnsafePointer<Float>) -> Result) -> Result {
        withExtendedLifetime(storage) { body(storage.base) }
    }
}
