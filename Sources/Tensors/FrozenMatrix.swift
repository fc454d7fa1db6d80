/// A float32 matrix `[rows, columns]` that never changes after it is made: base weights, shared by every thread
/// and every model that uses them.
///
/// A linear layer's weight is `[out, in]`; an embedding table `[vocabulary, C]`; a norm's weight `[1, C]`.
package final class FrozenMatrix: Sendable {
    /// How many rows there are.
    package let rows: Int
    /// How many values a row has.
    package let columns: Int
    private let storage: [Float]

    /// A matrix of given values, row after row.
    package init(rows: Int, columns: Int, values: [Float]) {
        precondition(
            values.count == rows * columns,
            "FrozenMatrix: \(values.count) values for \(rows) × \(columns)"
        )
        self.rows = rows
        self.columns = columns
        storage = values
    }

    /// A matrix written in place, e.g. by dequantising a file, without a second copy.
    ///
    /// - Parameters:
    ///   - rows: How many rows there are.
    ///   - columns: How many values a row has.
    ///   - initialise: Must write every value of the buffer; what it throws is rethrown.
    package init(
        rows: Int,
        columns: Int,
        initialise: (UnsafeMutableBufferPointer<Float>) throws -> Void
    ) rethrows {
        self.rows = rows
        self.columns = columns
        let count = rows * columns
        storage = try Array(unsafeUninitializedCapacity: count) { buffer, initialised in
            try initialise(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            initialised = count
        }
    }

    /// Calls `body` with the values, row after row; the buffer is valid during the call.
    package func withValues<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result
    {
        try storage.withUnsafeBufferPointer(body)
    }

    /// A copy of the values.
    package func toArray() -> [Float] { storage }
}

/// A matrix that an operation reads: frozen, or a tensor that may be trainable.
enum MatrixOperand {
    case frozen(FrozenMatrix)
    case tensor(Tensor)

    var rows: Int {
        switch self {
        case .frozen(let matrix): matrix.rows
        case .tensor(let tensor): tensor.rows
        }
    }

    var columns: Int {
        switch self {
        case .frozen(let matrix): matrix.columns
        case .tensor(let tensor): tensor.columns
        }
    }

    /// The tensor, if a gradient flows into it.
    var differentiable: Tensor? {
        guard case .tensor(let tensor) = self, tensor.needsGradient else { return nil }
        return tensor
    }

    func withPointer<Result>(_ body: (UnsafePointer<Float>) throws -> Result) rethrows -> Result {
        switch self {
        case .frozen(let matrix):
            try matrix.withValues { values in
                guard let base = values.baseAddress else { preconditionFailure("an empty FrozenMatrix") }
                return try body(base)
            }
        case .tensor(let tensor): try body(tensor.pointer)
        }
    }
}
