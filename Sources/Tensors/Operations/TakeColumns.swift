internal import CKernels

extension Tape {
    /// Some columns of a tensor, as a tensor of their own: one part of what several maps gave as one.
    ///
    /// - Parameters:
    ///   - x: `[N, C]`.
    ///   - range: Which columns, in 0 ..< C.
    /// - Returns: `[N, range.count]`.
    package func takeColumns(_ x: Tensor, _ range: Range<Int>) -> Tensor {
        let (rows, columns, width) = (x.rows, x.columns, range.count)
        precondition(
            range.lowerBound >= 0 && range.upperBound <= columns,
            "takeColumns: \(range) of \(x.shape)"
        )
        let y = result([rows, width], of: x)
        let first = range.lowerBound
        kernel_copy_rows(x.pointer + first, columns, y.pointer, width, 0, rows, width)
        record(y) { [workspace, x = x.slot] dy in
            guard let dx = x?.forAdding(workspace) else { return }
            kernel_copy_rows(dy, width, dx + first, columns, 1, rows, width)
        }
        return y
    }
}
