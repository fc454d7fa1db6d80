internal import CKernels

extension Tape {
    /// Rows of a frozen table.
    ///
    /// - Parameters:
    ///   - table: `[V, C]`.
    ///   - ids: N row numbers in 0 ..< V.
    /// - Returns: `[N, C]`.
    package func embedding(table: FrozenMatrix, ids: [Int32]) -> Tensor {
        rows(of: .frozen(table), at: ids, "embedding")
    }

    /// Rows of a table that may be trainable; rows taken several times collect the sum of their gradients.
    package func embedding(table: Tensor, ids: [Int32]) -> Tensor {
        rows(of: .tensor(table), at: ids, "embedding")
    }

    /// Some rows of a tensor, in the order asked for; a row may be taken several times.
    ///
    /// - Parameters:
    ///   - x: `[N, C]`.
    ///   - rows: M row numbers in 0 ..< N.
    /// - Returns: `[M, C]`.
    package func gatherRows(_ x: Tensor, rows: [Int32]) -> Tensor {
        self.rows(of: .tensor(x), at: rows, "gatherRows")
    }

    private func rows(of table: MatrixOperand, at ids: [Int32], _ name: StaticString) -> Tensor {
        let columns = table.columns
        precondition(
            ids.allSatisfy { $0 >= 0 && $0 < table.rows },
            "\(name): a row number outside 0 ..< \(table.rows)"
        )
        let y = result([ids.count, columns], of: table.differentiable)
        table.withPointer { kernel_gather_rows($0, ids, y.pointer, ids.count, columns) }
        record(y) { [workspace] dy in
            guard let trainable = table.differentiable else { return }
            let gradient = trainable.gradientForAdding(workspace)
            kernel_scatter_add_rows(dy, ids, 1, gradient, ids.count, columns)
        }
        return y
    }
}
