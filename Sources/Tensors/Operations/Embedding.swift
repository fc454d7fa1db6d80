internal import CKernels

extension Tape {
    /// Rows of a table, in the order asked for; rows taken several times collect the sum of their gradients.
    ///
    /// - Parameters:
    ///   - table: `[V, C]`, frozen or trainable.
    ///   - ids: N row numbers in 0 ..< V.
    /// - Returns: `[N, C]`.
    package func embedding(table: any Weight, ids: [Int32]) -> Tensor {
        let columns = table.columns
        precondition(
            ids.allSatisfy { $0 >= 0 && $0 < table.rows },
            "embedding: a row number outside 0 ..< \(table.rows)"
        )
        let y = result([ids.count, columns], of: table.differentiable)
        table.gather(ids, into: y.pointer)
        record(y) { [workspace, slot = table.differentiable?.slot] dy in
            guard let gradient = slot?.forAdding(workspace) else { return }
            kernel_scatter_add_rows(dy, ids, 1, gradient, ids.count, columns)
        }
        return y
    }

    /// Some rows of a tensor, in the order asked for; a row may be taken several times.
    ///
    /// - Parameters:
    ///   - x: `[N, C]`.
    ///   - rows: M row numbers in 0 ..< N.
    /// - Returns: `[M, C]`.
    package func gatherRows(_ x: Tensor, rows: [Int32]) -> Tensor { embedding(table: x, ids: rows) }
}
