internal import CKernels

/// An array of float32 in row-major order, with a gradient if something trainable went into it.
///
/// A tensor is a reference to its buffer: assigning it shares the values. It lives on one compute thread and is
/// not `Sendable`; weights that threads share are ``FrozenWeight``s. Values and gradient live apart: a recorded
/// operation keeps the values of its inputs only where its backward pass reads them.
package final class Tensor {
    /// The sizes of the dimensions, slowest first, e.g. `[N, C]`.
    package let shape: [Int]
    /// How many values there are.
    package let count: Int
    /// Whether this is a parameter: a leaf whose gradient collects over backward passes until zeroed.
    package let isTrainable: Bool
    /// Keeps the gradient of an intermediate tensor after ``Tape/backward(from:seed:)`` instead of recycling it.
    package var retainsGradient: Bool {
        get { slot?.isKept ?? false }
        set { slot?.isKept = newValue }
    }

    /// Where its gradient collects; nil if none can flow into it.
    let slot: GradientSlot?
    /// A copy for products with few rows; see ``withPacked(_:_:)``.
    private var packed: PackedMatrix?
    /// The values; nil while they are forgotten.
    private var storage: Storage?
    /// Makes forgotten values again.
    private var remake: (() -> Storage)?

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
            pointer.update(from: base, count: count)
        }
    }

    /// A tensor of zeros.
    package convenience init(zeros shape: [Int], trainable: Bool = false) {
        self.init(shape: shape, storage: Storage(count: shape.reduce(1, *)), trainable: trainable)
        pointer.update(repeating: 0, count: count)
    }

    /// A tensor over a buffer, whose contents stay as they are.
    init(shape: [Int], storage: Storage, trainable: Bool = false, needsGradient: Bool = false) {
        self.shape = shape
        self.count = shape.reduce(1, *)
        self.storage = storage
        isTrainable = trainable
        slot = needsGradient || trainable ? GradientSlot(count: count, isTrainable: trainable) : nil
    }

    /// The size of the last dimension.
    package var columns: Int { shape.last ?? 1 }
    /// How many rows of ``columns`` values there are.
    package var rows: Int { columns == 0 ? 0 : count / columns }

    /// The values, for reading and writing. The view is valid while the tensor lives.
    package var values: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: pointer, count: count)
    }

    /// The gradient: of a parameter always, of an intermediate tensor if ``retainsGradient`` was set before
    /// the backward pass; otherwise nil. The view is valid while the tensor lives.
    package var gradient: UnsafeMutableBufferPointer<Float>? {
        slot?.pointer.map { UnsafeMutableBufferPointer(start: $0, count: count) }
    }

    /// A copy of the values.
    package func toArray() -> [Float] { Array(values) }

    /// The same values without their history: no gradient flows through the result.
    package func detached() -> Tensor { sharing(needsGradient: false) }

    /// The same values with a gradient of their own, or none.
    func sharing(needsGradient: Bool) -> Tensor {
        Tensor(shape: shape, storage: held, needsGradient: needsGradient)
    }

    /// Gives the values back to the pool where the operation that made them can make them again; whoever reads them
    /// next has them remade, to the same bits.
    package func forget() {
        if remake != nil { storage = nil }
    }

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

    var pointer: UnsafeMutablePointer<Float> { held.pointer }

    private var held: Storage {
        if let storage { return storage }
        guard let fresh = remake?() else { preconditionFailure("Tensor: values forgotten for good") }
        storage = fresh
        return fresh
    }

    /// Says how to make the values again, so that they may be forgotten.
    func canBeRemade(by remake: @escaping () -> Storage) { self.remake = remake }
}

// MARK: - Gradients, for the operations

extension Tensor {
    /// Whether a gradient can flow into this tensor.
    var needsGradient: Bool { slot != nil }

    /// The gradient to add to, zeroed if this is the first contribution; only where there is one.
    func gradientForAdding(_ workspace: Workspace) -> UnsafeMutablePointer<Float> {
        needed.forAdding(workspace)
    }

    /// The gradient to add a product to; see ``GradientSlot/forProduct(_:)``. Only where there is one.
    func gradientForProduct(_ workspace: Workspace) -> (pointer: UnsafeMutablePointer<Float>, beta: Float) {
        needed.forProduct(workspace)
    }

    private var needed: GradientSlot {
        guard let slot else { preconditionFailure("Tensor: no gradient flows into shape \(shape)") }
        return slot
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
        if let packed { return packed.multiply(x, rows: count, into: y, alpha: alpha, beta: beta) }
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

extension Tensor {
    /// Runs `body` while some matrices are multiplied with from packed copies, which is faster for few rows.
    /// Their values must not change meanwhile.
    package static func withPacked<Result>(
        _ matrices: [Tensor],
        _ body: () throws -> Result
    ) rethrows -> Result {
        for matrix in matrices {
            matrix.packed = PackedMatrix(
                rows: matrix.rows,
                columns: matrix.columns,
                precision: .float32,
                values: matrix.pointer
            )
        }
        defer { for matrix in matrices { matrix.packed = nil } }
        return try body()
    }
}
