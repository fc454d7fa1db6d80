internal import CKernels

extension Tape {
    /// y = x Wᵀ, or x Wᵀ + b.
    ///
    /// - Parameters:
    ///   - x: `[N, in]`.
    ///   - weight: W, `[out, in]`, frozen or trainable.
    ///   - bias: b, `[out]`, or nil.
    /// - Returns: y, `[N, out]`.
    package func linear(_ x: Tensor, _ weight: any Weight, bias: Tensor? = nil) -> Tensor {
        let (rows, inputs, outputs) = (x.rows, x.columns, weight.rows)
        precondition(
            weight.columns == inputs,
            "linear: x is \(x.shape), the weight has \(weight.columns) columns"
        )
        if let bias {
            precondition(bias.count == outputs, "linear: a bias of \(bias.shape) for \(outputs) outputs")
        }
        let y = result([rows, outputs], of: x, weight.differentiable, bias)
        weight.multiply(x.pointer, rows: rows, into: y.pointer, alpha: 1, beta: 0)
        if let bias { kernel_add_vector(y.pointer, bias.pointer, y.pointer, rows, outputs) }

        // dx = dy W,  dW = dyᵀ x,  db = Σ_rows dy; x is kept for dW alone.
        let kept = weight.differentiable == nil ? nil : x
        record(y) { [workspace, x = x.slot] dy in
            if let bias, bias.needsGradient {
                kernel_sum_rows(dy, bias.gradientForAdding(workspace), rows, outputs)
            }
            if let (dx, beta) = x?.forProduct(workspace) {
                weight.multiplyTransposed(dy, rows: rows, into: dx, alpha: 1, beta: beta)
            }
            if let trainable = weight.differentiable, let kept {
                let (dw, beta) = trainable.gradientForProduct(workspace)
                Products.aTb(dy, kept.pointer, dw, m: outputs, n: inputs, k: rows, beta: beta)
            }
        }
        return y
    }
}
