internal import CKernels

extension Tape {
    /// y = x / √(mean(x²) + epsilon) · weight, row by row (Zhang and Sennrich, arXiv:1910.07467).
    ///
    /// - Parameters:
    ///   - x: `[N, C]`.
    ///   - weight: `[C]`, trainable or not.
    ///   - epsilon: Added to the mean square.
    /// - Returns: y, `[N, C]`.
    package func rmsNorm(_ x: Tensor, weight: Tensor, epsilon: Float) -> Tensor {
        rmsNorm(x, weight: .tensor(weight), epsilon: epsilon)
    }

    /// RMSNorm with a frozen weight of C values.
    package func rmsNorm(_ x: Tensor, weight: FrozenMatrix, epsilon: Float) -> Tensor {
        rmsNorm(x, weight: .frozen(weight), epsilon: epsilon)
    }

    private func rmsNorm(_ x: Tensor, weight: MatrixOperand, epsilon: Float) -> Tensor {
        let (rows, columns) = (x.rows, x.columns)
        precondition(
            weight.rows * weight.columns == columns,
            "rmsNorm: x is \(x.shape), the weight has \(weight.rows * weight.columns) values"
        )
        let y = result(x.shape, of: x, weight.differentiable)
        let inverse = workspace.take(rows)
        weight.withPointer {
            kernel_rms_norm(x.pointer, $0, epsilon, y.pointer, inverse.pointer, rows, columns)
        }
        record(y) { [workspace] dy in
            let dx = x.needsGradient ? x.gradientForAdding(workspace) : nil
            let dw = weight.differentiable?.gradientForAdding(workspace)
            weight.withPointer {
                kernel_rms_norm_backward(x.pointer, $0, inverse.pointer, dy, dx, dw, rows, columns)
            }
        }
        return y
    }
}
