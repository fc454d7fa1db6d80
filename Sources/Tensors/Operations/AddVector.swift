internal import CKernels

extension Tape {
    /// Adds a vector to every row: a bias, or a steering direction at a layer boundary.
    ///
    /// - Parameters:
    ///   - x: `[N, C]`.
    ///   - vector: `[C]`, trainable or not.
    /// - Returns: `[N, C]`.
    package func addVector(_ x: Tensor, _ vector: Tensor) -> Tensor {
        let (rows, columns) = (x.rows, x.columns)
        precondition(vector.count == columns, "addVector: x is \(x.shape), the vector \(vector.shape)")
        let y = result(x.shape, of: x, vector)
        kernel_add_vector(x.pointer, vector.pointer, y.pointer, rows, columns)
        record(y) { [workspace] dy in
            if x.needsGradient { kernel_add_scaled(dy, 1, x.gradientForAdding(workspace), x.count) }
            if vector.needsGradient {
                kernel_sum_rows(dy, vector.gradientForAdding(workspace), rows, columns)
            }
        }
        return y
    }
}
