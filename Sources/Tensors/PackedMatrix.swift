internal import CKernels

/// A frozen weight in panels of 32 rows, as products of few and of many rows read it fastest: the only copy, which
/// forward and backward share.
///
/// `@unchecked Sendable`: the panels are written before `init` returns and only read afterwards.
package final class PackedMatrix: FrozenWeight, @unchecked Sendable {
    /// What a value of a panel is.
    package enum Precision: Sendable {
        /// The value itself: products are exact to float32's rounding.
        case float32
        /// The value rounded to bfloat16. The other side of a product is rounded too, and sums are float32.
        case bfloat16
    }

    /// How many rows there are.
    package let rows: Int
    /// How many values a row has.
    package let columns: Int
    /// What a value of a panel is.
    package let precision: Precision
    private let panels: UnsafeMutableRawPointer
    /// What owns the panels, and is only kept alive; nil where this object does.
    private let owner: WeightMemory?

    /// How many rows are packed at once.
    private static let rowsAtOnce = 8 * Int(KERNEL_PANEL)

    /// Packs a matrix.
    ///
    /// - Parameters:
    ///   - rows: How many rows there are, at least one.
    ///   - columns: How many values a row has, at least one.
    ///   - precision: What is kept of a value.
    ///   - memory: Where the panels are put, beside those of the model's other weights; nil for memory of its own.
    ///   - fill: Writes some rows, one after the other; called with one range after another, in order.
    package init<Failure: Error>(
        rows: Int,
        columns: Int,
        precision: Precision,
        memory: WeightMemory? = nil,
        fill: (_ rows: Range<Int>, UnsafeMutablePointer<Float>) throws(Failure) -> Void
    ) throws(Failure) {
        precondition(rows > 0 && columns > 0, "PackedMatrix: \(rows) × \(columns)")
        (self.rows, self.columns, self.precision) = (rows, columns, precision)
        owner = memory
        panels = Self.room(rows, columns, precision, memory)
        let some = UnsafeMutablePointer<Float>.allocate(capacity: Self.rowsAtOnce * columns)
        defer { some.deallocate() }
        // `deinit` frees the panels where `fill` throws: all that this object has is there by now.
        for first in stride(from: 0, to: rows, by: Self.rowsAtOnce) {
            let count = min(Self.rowsAtOnce, rows - first)
            try fill(first..<first + count, some)
            kernel_pack_panels(some, first, count, columns, isHalf, panels)
        }
    }

    /// Packs a matrix that lies row after row, with all threads.
    package init(
        rows: Int,
        columns: Int,
        precision: Precision,
        memory: WeightMemory? = nil,
        values: UnsafePointer<Float>
    ) {
        precondition(rows > 0 && columns > 0, "PackedMatrix: \(rows) × \(columns)")
        (self.rows, self.columns, self.precision) = (rows, columns, precision)
        owner = memory
        panels = Self.room(rows, columns, precision, memory)
        let (panels, each, isHalf) = (panels, Self.rowsAtOnce, isHalf)
        Compute.parallel((rows + each - 1) / each) { part in
            let first = part * each
            kernel_pack_panels(
                values + first * columns,
                first,
                min(each, rows - first),
                columns,
                isHalf,
                panels
            )
        }
    }

    deinit {
        if owner == nil { panels.deallocate() }
    }

    private static func room(
        _ rows: Int,
        _ columns: Int,
        _ precision: Precision,
        _ memory: WeightMemory?
    ) -> UnsafeMutableRawPointer {
        let count = kernel_panels_size(rows, columns, precision == .bfloat16 ? 1 : 0)
        return memory?.take(count) ?? .allocate(byteCount: count, alignment: 64)
    }

    private var isHalf: CInt { precision == .bfloat16 ? 1 : 0 }

    /// How many bytes the panels take.
    package var byteCount: Int { kernel_panels_size(rows, columns, isHalf) }

    package func multiply(
        _ x: UnsafePointer<Float>,
        rows count: Int,
        into y: UnsafeMutablePointer<Float>,
        alpha: Float,
        beta: Float
    ) {
        let form = precision == .bfloat16 ? kernel_panels_bf16 : kernel_panels
        Products.panels(x, panels, form, y, m: count, n: rows, k: columns, alpha: alpha, beta: beta)
    }

    package func multiplyTransposed(
        _ y: UnsafePointer<Float>,
        rows count: Int,
        into x: UnsafeMutablePointer<Float>,
        alpha: Float,
        beta: Float
    ) {
        let form = precision == .bfloat16 ? kernel_panels_bf16_back : kernel_panels_back
        Products.panels(y, panels, form, x, m: count, n: columns, k: rows, alpha: alpha, beta: beta)
    }

    package func gather(_ indices: [Int32], into y: UnsafeMutablePointer<Float>) {
        kernel_gather_panels(panels, indices, y, indices.count, columns, isHalf)
    }
}
