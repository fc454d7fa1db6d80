internal import CKernels

extension Tape {
    /// Turns each head of each row by the angles of its position (half-split rotary embedding).
    ///
    /// - Parameters:
    ///   - x: `[N, H·D]`.
    ///   - positions: N positions, each within the table.
    ///   - heads: H.
    ///   - table: The angles for heads of size D.
    /// - Returns: `[N, H·D]`.
    package func rope(_ x: Tensor, positions: [Int32], heads: Int, table: RopeTable) -> Tensor {
        let rows = x.rows
        precondition(
            positions.count == rows && x.columns == heads * table.headSize,
            "rope: x is \(x.shape) for \(positions.count) positions, \(heads) heads of \(table.headSize)"
        )
        precondition(
            positions.allSatisfy { $0 >= 0 && $0 < table.positions },
            "rope: a position outside 0 ..< \(table.positions)"
        )
        let y = result(x.shape, of: x)
        kernel_rope(
            x.pointer,
            positions,
            table.cosines,
            table.sines,
            1,
            0,
            y.pointer,
            rows,
            heads,
            table.headSize,
            table.rotarySize
        )
        record(y) { [workspace] dy in
            let dx = x.gradientForAdding(workspace)
            let (size, turned) = (table.headSize, table.rotarySize)
            kernel_rope(dy, positions, table.cosines, table.sines, -1, 1, dx, rows, heads, size, turned)
        }
        return y
    }
}
