extension Tape {
    /// y = x Wᵀ.
    ///
    /// - Parameters:
    ///   - x: `[N, in]`.
    ///   - weight: W, `[out, in]`, frozen or trainable.
    /// - Returns: y, `[N, out]`.
    package func linear(_ x: Tensor, _ weight: any Weight) -> Tensor {
        let (rows, inputs, outputs) = (x.rows, x.columns, weight.rows)
        precondition(
            weight.columns == inputs,
            "linear: x is \(x.shape), the weight has \(weight.columns) columns"
        )
        let y = result([rows, outputs], of: x, weight.differentiable)
        weight.multiply(x.pointer, rows: rows, into: y.pointer, alpha: 1, beta: 0)

        // dx = dy W,  dW = dyᵀ x
        record(y) { [workspace] dy in
            if x.needsGradient {
                let (dx, beta) = x.gradientForProduct(workspace)
                weight.multiplyTransposed(dy, rows: rows, into: dx, alpha: 1, beta: beta)
            }
            if let trainable = weight.differentiable {
                let (dw, beta) = trainable.gradientForProduct(workspace)
                Products.aTb(dy, x.pointer, dw, m: outputs, n: inputs, k: rows, beta: beta)
            }
        }
        return y
    }
}
