internal import CKernels

extension Tape {
    /// y = x / √(mean(x²) + epsilon) · weight, row by row (Zhang and Sennrich, arXiv:1910.07467).
    ///
    /// - Parameters:
    ///   - x: `[N, C]`.
    ///   - weight: `[C]`, frozen or trainable.
    ///   - epsilon: Added to the mean square.
    /// - Returns: y, `[N, C]`.
    package func rmsNorm(_ x: Tensor, weight: any VectorWeight, epsilon: Float) -> Tensor {
        let (rows, columns) = (x.rows, x.columns)
        precondition(
            weight.count == columns,
            "rmsNorm: x is \(x.shape), the weight has \(weight.count) values"
        )
        let y = result(x.shape, of: x, weight.differentiable)
        let inverse = workspace.take(rows)
        weight.withValues {
            kernel_rms_norm(x.pointer, $0, epsilon, y.pointer, inverse.pointer, rows, columns)
        }
        record(y) { [workspace] dy in
            let dx = x.needsGradient ? x.gradientForAdding(workspace) : nil
            let dw = weight.differentiable?.gradientForAdding(workspace)
            weight.withValues {
                kernel_rms_norm_backward(x.pointer, $0, inverse.pointer, dy, dx, dw, rows, columns)
            }
        }
        return y
    }
}
