internal import CKernels

extension Tape {
    /// y = (x − mean(x)) / √(var(x) + epsilon) · weight + bias, row by row (Ba, Kiros and Hinton, arXiv:1607.06450).
    ///
    /// - Parameters:
    ///   - x: `[N, C]`.
    ///   - weight: `[C]`, trainable or not.
    ///   - bias: `[C]`, trainable or not.
    ///   - epsilon: Added to the variance, which is that of C values (not C − 1).
    /// - Returns: y, `[N, C]`.
    package func layerNorm(_ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float = 1e-5) -> Tensor {
        let (rows, columns) = (x.rows, x.columns)
        precondition(
            weight.count == columns && bias.count == columns,
            "layerNorm: x is \(x.shape), the weight \(weight.shape), the bias \(bias.shape)"
        )
        let y = result(x.shape, of: x, weight, bias)
        let (mean, inverse) = (workspace.take(rows), workspace.take(rows))
        kernel_layer_norm(
            x.pointer,
            weight.pointer,
            bias.pointer,
            epsilon,
            y.pointer,
            mean.pointer,
            inverse.pointer,
            rows,
            columns
        )
        record(y) { [workspace] dy in
            kernel_layer_norm_backward(
                x.pointer,
                weight.pointer,
                mean.pointer,
                inverse.pointer,
                dy,
                x.needsGradient ? x.gradientForAdding(workspace) : nil,
                weight.needsGradient ? weight.gradientForAdding(workspace) : nil,
                bias.needsGradient ? bias.gradientForAdding(workspace) : nil,
                rows,
                columns
            )
        }
        return y
    }
}
