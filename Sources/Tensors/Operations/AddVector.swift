internal import CKernels

extension Tape {
    /// Adds a vector to every row: a bias, or a steering direction at a layer boundary.
    ///
    /// - Parameters:
    ///   - x: `[N, C]`.
    ///   - vector: `[C]`, trainable or not.
    /// - Returns: `[N, C]`.
    package func addVector(_ x: Tensor, _ vector: any VectorWeight) -> Tensor {
        let (rows, columns) = (x.rows, x.columns)
        precondition(
            vector.count == columns,
            "addVector: x is \(x.shape), the vector has \(vector.count) values"
        )
        let y = result(x.shape, of: x, vector.differentiable)
        vector.withValues { kernel_add_vector(x.pointer, $0, y.pointer, rows, columns) }
        record(y) { [workspace, x = x.slot] dy in
            if let x { kernel_add_scaled(dy, 1, x.forAdding(workspace), x.count) }
            if let trainable = vector.differentiable {
                kernel_sum_rows(dy, trainable.gradientForAdding(workspace), rows, columns)
            }
        }
        return y
    }
}
