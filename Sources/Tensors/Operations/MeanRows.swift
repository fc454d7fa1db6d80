internal import CKernels

extension Tape {
    /// The means of consecutive rows: one row for each group.
    ///
    /// - Parameters:
    ///   - x: `[N, C]`.
    ///   - counts: `[S]`: how many rows each group has, at least 1; N in all.
    /// - Returns: `[S, C]`.
    package func meanRows(_ x: Tensor, counts: [Int]) -> Tensor {
        let columns = x.columns
        precondition(
            counts.allSatisfy { $0 > 0 } && counts.reduce(0, +) == x.rows,
            "meanRows: \(counts.count) groups of \(counts.reduce(0, +)) rows in all for x \(x.shape)"
        )
        let y = result([counts.count, columns], of: x)
        y.values.update(repeating: 0)
        var row = 0
        for (group, count) in counts.enumerated() {
            let to = y.pointer + group * columns
            kernel_sum_rows(x.pointer + row * columns, to, count, columns)
            kernel_scale(to, 1 / Float(count), to, columns)
            row += count
        }
        record(y) { [workspace] dy in
            let dx = x.gradientForAdding(workspace)
            var row = 0
            for (group, count) in counts.enumerated() {
                for _ in 0..<count {
                    kernel_add_scaled(dy + group * columns, 1 / Float(count), dx + row * columns, columns)
                    row += 1
                }
            }
        }
        return y
    }
}
