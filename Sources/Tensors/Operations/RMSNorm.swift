internal import CKernels

extension Tape {
    /// y = x / √(mean(x²) + epsilon) · (offset + weight), row by row (Zhang and Sennrich, arXiv:1910.07467), or
    /// head by head of each row where the weight is as wide as a head.
    ///
    /// - Parameters:
    ///   - x: `[N, C]`, or `[N, H·D]`.
    ///   - weight: `[C]`, or `[D]`, frozen or trainable.
    ///   - epsilon: Added to the mean square.
    ///   - offset: Added to the weight.
    /// - Returns: y, of x's shape.
    package func rmsNorm(
        _ x: Tensor,
        weight: any VectorWeight,
        epsilon: Float,
        offset: Float = 0
    ) -> Tensor {
        let columns = weight.count
        precondition(
            columns > 0 && x.columns % columns == 0,
            "rmsNorm: x is \(x.shape), the weight has \(columns) values"
        )
        let rows = x.count / columns
        let y = result(x.shape, of: x, weight.differentiable)
        let inverse = workspace.take(rows)
        let factors = offset == 0 ? nil : workspace.take(columns)
        if let factors {
            let to = factors.pointer
            weight.withValues { for column in 0..<columns { to[column] = offset + $0[column] } }
        }
        weight.withValues {
            let weight = factors.map { UnsafePointer($0.pointer) } ?? $0
            kernel_rms_norm(x.pointer, weight, epsilon, y.pointer, inverse.pointer, rows, columns)
        }
        record(y) { [workspace] dy in
            let dx = x.needsGradient ? x.gradientForAdding(workspace) : nil
            let dw = weight.differentiable?.gradientForAdding(workspace)
            weight.withValues {
                let weight = factors.map { UnsafePointer($0.pointer) } ?? $0
                kernel_rms_norm_backward(x.pointer, weight, inverse.pointer, dy, dx, dw, rows, columns)
            }
        }
        return y
    }
}
