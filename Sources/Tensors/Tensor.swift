internal import CKernels

internal import CKernels

/// An array of float32 in row-major order, with a gradient if something trainable went into it.
///
/// A tensor is a reference to its buffer: assigning it shares the values. It lives on one compute thread and is
/// not `Sendable`; weights that threads share are ``FrozenWeight``s.
package final class Tensor {
    /// The sizes of the dimensions, slowest first, e.g. `[N, C]`.
    package let shape: [Int]
    /// How many values there are.
    package let count: Int
    /// Whether this is a parameter: a leaf whose gradient collects over backward passes until zeroed.
    package let isTrainable: Bool
    /// Keeps the gradient of an intermediate tensor after ``Tape/backward(from:seed:)`` instead of recycling it.
    package var retainsGradient = false

    /// Whether a gradient can flow into this tensor.
    let needsGradient: Bool
    private let storage: Storage
    private var gradientStorage: Storage?

    /// A tensor of given values.
    ///
    /// - Parameters:
    ///   - shape: The sizes of the dimensions.
    ///   - values: As many values as the shape has places, the last dimension fastest.
    ///   - trainable: Whether it is a parameter; its gradient starts at zero.
    package convenience init(shape: [Int], values: [Float], trainable: Bool = false) {
        let count = shape.reduce(1, *)
        precondition(
            values.count == count,
            "Tensor: \(values.count) values for shape \(shape), which has \(count)"
        )
        self.init(shape: shape, storage: Storage(count: count), trainable: trainable)
        values.withUnsafeBufferPointer { from in
            guard let base = from.baseAddress else { return }
            storage.pointer.update(from: base, count: count)
        }
    }

    /// A tensor of zeros.
    package convenience init(zeros shape: [Int], trainable: Bool = false) {
        self.init(shape: shape, storage: Storage(count: shape.reduce(1, *)), trainable: trainable)
        storage.pointer.update(repeating: 0, count: count)
    }

    /// A tensor over a buffer, whose contents stay as they are.
    init(shape: [Int], storage: Storage, trainable: Bool = false, needsGradient: Bool = false) {
        self.shape = shape
        self.count = shape.reduce(1, *)
        self.storage = storage
        isTrainable = trainable
        self.needsGradient = needsGradient || trainable
        if trainable {
            let gradient = Storage(count: count)
            gradient.pointer.update(repeating: 0, count: count)
            gradientStorage = gradient
        }
    }

    /// The size of the last dimension.
    package var columns: Int { shape.last ?? 1 }
    /// How many rows of ``columns`` values there are.
    package var rows: Int { columns == 0 ? 0 : count / columns }

    /// The values, for reading and writing. The view is valid while the tensor lives.
    package var values: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: storage.pointer, count: count)
    }

    /// The gradient: of a parameter always, of an intermediate tensor if ``retainsGradient`` was set before
    /// the backward pass; otherwise nil. The view is valid while the tensor lives.
    package var gradient: UnsafeMutableBufferPointer<Float>? {
        gradientStorage.map { UnsafeMutableBufferPointer(start: $0.pointer, count: count) }
    }

    /// A copy of the values.
    package func toArray() -> [Float] { Array(values) }

    /// The same values without their history: no gradient flows through the result.
    package func detached() -> Tensor { Tensor(shape: shape, storage: storage) }

    /// Copies rows of another tensor over rows of this one, e.g. new keys into a cache.
    ///
    /// - Parameters:
    ///   - range: Which rows of `source`.
    ///   - source: A tensor with as many columns.
    ///   - row: The first row here to be written.
    package func copyRows(_ range: Range<Int>, of source: Tensor, to row: Int) {
        precondition(
            source.columns == columns && range.upperBound <= source.rows && row + range.count <= rows,
            "copyRows: rows \(range) of \(source.shape) do not fit at row \(row) of \(shape)"
        )
        pointer.advanced(by: row * columns).update(
            from: source.pointer.advanced(by: range.lowerBound * columns),
            count: range.count * columns
        )
    }

    var pointer: UnsafeMutablePointer<Float> { storage.pointer }
}

// MARK: - Gradients, for the operations

extension Tensor {
    /// The gradient to add to, zeroed if this is the first contribution.
    func gradientForAdding(_ workspace: Workspace) -> UnsafeMutablePointer<Float> {
        let (pointer, beta) = gradientForProduct(workspace)
        if beta == 0 { pointer.update(repeating: 0, count: count) }
        return pointer
    }

    /// The gradient to add a matrix product to with `C = A B + beta C`: beta is 0 for the first contribution,
    /// which saves the zeroing.
    func gradientForProduct(_ workspace: Workspace) -> (pointer: UnsafeMutablePointer<Float>, beta: Float) {
        if let gradientStorage { return (gradientStorage.pointer, 1) }
        let fresh = workspace.take(count)
        gradientStorage = fresh
        return (fresh.pointer, 0)
    }

    func recycleGradient() {
        if !isTrainable && !retainsGradient { gradientStorage = nil }
    }
}

// MARK: - As a weight

extension Tensor: Weight, VectorWeight {
    package var differentiable: Tensor? { needsGradient ? self : nil }

    package func multiply(
        _ x: UnsafePointer<Float>,
        rows count: Int,
        into y: UnsafeMutablePointer<Float>,
        alpha: Float,
        beta: Float
    ) {
        Products.abT(x, pointer, y, m: count, n: rows, k: columns, alpha: alpha, beta: beta)
    }

    package func multiplyTransposed(
        _ y: UnsafePointer<Float>,
        rows count: Int,
        into x: UnsafeMutablePointer<Float>,
        alpha: Float,
        beta: Float
    ) {
        Products.ab(y, pointer, x, m: count, n: columns, k: rows, alpha: alpha, beta: beta)
    }

    package func gather(_ indices: [Int32], into y: UnsafeMutablePointer<Float>) {
        kernel_gather_rows(pointer, indices, y, indices.count, columns)
    }

    package func withValues<Result>(_ body: (UnsafePointer<Float>) -> Result) -> Result { body(pointer) }
}
