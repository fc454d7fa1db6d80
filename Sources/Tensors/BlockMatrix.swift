internal import CKernels

/// A frozen weight of 4 or 8 bits a value, in blocks of 32 neighbours in a row with a scale and perhaps a minimum
/// (`block_kernels.h`): those of a GGUF file, kept as they are, or values rounded to 8 bits.
///
/// x Wᵀ rounds each block of an input's row to 8 bits and sums whole numbers; y W rounds the weight and y to bfloat16. A row
/// of a product depends on no other row.
///
/// `@unchecked Sendable`: the panels are written before `init` returns and only read afterwards.
package final class BlockMatrix: FrozenWeight, @unchecked Sendable {
    /// How many values a row has.
    package let columns: Int
    /// Whether all values are finite; a product with others is worth nothing.
    package let areFinite: Bool
    private let blocks: kernel_blocks
    /// What owns the panels, and is only kept alive; nil where this object does.
    private let owner: WeightMemory?
    private let path: kernel_path

    /// How many rows there are.
    package var rows: Int { blocks.rows }
    /// How much memory the values take.
    package var byteCount: Int { withUnsafePointer(to: blocks) { kernel_blocks_bytes($0) } }

    /// A matrix in the blocks of a GGUF file, with the values that they have there; nil for a type that is not kept so.
    ///
    /// - Parameters:
    ///   - rows: At least one.
    ///   - columns: Whole blocks of the type.
    ///   - type: GGUF's number of the type.
    ///   - memory: Where the panels are put, beside those of the model's other weights; nil for memory of its own.
    ///   - row: Where the bytes of a row are.
    package convenience init?(
        rows: Int,
        columns: Int,
        type: UInt32,
        memory: WeightMemory? = nil,
        row: (Int) -> UnsafePointer<UInt8>
    ) {
        let blocks = kernel_blocks_of_type(type, rows, columns)
        guard blocks.bits > 0 else { return nil }
        self.init(blocks, columns: columns, memory) { blocks, panel, rows in
            let places = rows.map { Optional(row($0)) }
            return kernel_blocks_pack(blocks, type, panel, places, rows.count) != 0
        }
    }

    /// A matrix of values, each block rounded to 8 bits: what was ±largest becomes ±127, and the rest is within half a step
    /// of itself.
    ///
    /// - Parameters:
    ///   - rows: At least one.
    ///   - columns: At least one.
    ///   - memory: As above.
    ///   - fill: Writes the values of some rows.
    package convenience init(
        rows: Int,
        columns: Int,
        memory: WeightMemory? = nil,
        fill: (_ rows: Range<Int>, _ values: UnsafeMutablePointer<Float>) -> Void
    ) {
        self.init(kernel_blocks_of_values(rows, columns), columns: columns, memory) { blocks, panel, rows in
            let values = UnsafeMutablePointer<Float>.allocate(capacity: rows.count * columns)
            defer { values.deallocate() }
            fill(rows, values)
            return kernel_blocks_pack_values(blocks, panel, values, rows.count, columns) != 0
        }
    }

    /// Packs panel by panel; `pack` says whether a panel is finite.
    private init(
        _ form: kernel_blocks,
        columns: Int,
        _ memory: WeightMemory?,
        pack: (_ blocks: UnsafePointer<kernel_blocks>, _ panel: Int, _ rows: Range<Int>) -> Bool
    ) {
        precondition(form.rows > 0 && columns > 0, "BlockMatrix: \(form.rows) × \(columns)")
        var form = form
        let bytes = kernel_blocks_bytes(&form)
        let panels = memory?.take(bytes) ?? .allocate(byteCount: bytes, alignment: 64)
        form.panels = panels.bindMemory(to: UInt8.self, capacity: bytes)
        let (height, rows) = (Int(KERNEL_BLOCK_PANEL), form.rows)
        var finite = [Bool](repeating: false, count: (rows + height - 1) / height)
        finite.withUnsafeMutableBufferPointer { finite in
            withUnsafePointer(to: form) { form in
                Compute.parallel(finite.count) { panel in
                    let first = panel * height
                    finite[panel] = pack(form, panel, first..<min(rows, first + height))
                }
            }
        }
        areFinite = finite.allSatisfy { $0 }
        (blocks, owner) = (form, memory)
        self.columns = columns
        path = kernel_chosen_path()
    }

    deinit {
        if owner == nil { UnsafeMutableRawPointer(blocks.panels).deallocate() }
    }

    package func multiply(
        _ x: UnsafePointer<Float>,
        rows count: Int,
        into y: UnsafeMutablePointer<Float>,
        alpha: Float,
        beta: Float
    ) {
        withUnsafePointer(to: blocks) {
            kernel_blocks_product($0, x, count, columns, alpha, beta, y, path)
        }
    }

    package func multiplyTransposed(
        _ y: UnsafePointer<Float>,
        rows count: Int,
        into x: UnsafeMutablePointer<Float>,
        alpha: Float,
        beta: Float
    ) {
        withUnsafePointer(to: blocks) {
            kernel_blocks_product_back($0, y, count, columns, alpha, beta, x, path)
        }
    }

    package func gather(_ indices: [Int32], into y: UnsafeMutablePointer<Float>) {
        withUnsafePointer(to: blocks) { blocks in
            for (place, row) in indices.enumerated() {
                kernel_blocks_widen(blocks, Int(row), y + place * columns, columns)
            }
        }
    }
}
