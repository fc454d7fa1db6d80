extension Tape {
    /// y = x Wᵀ.
    ///
    /// - Parameters:
    ///   - x: `[N, in]`.
    ///   - weight: W, `[out, in]`, frozen.
    /// - Returns: y, `[N, out]`.
    package func linear(_ x: Tensor, _ weight: FrozenMatrix) -> Tensor {
        linear(x, .frozen(weight))
    }

    /// y = x Wᵀ with a weight that may be trainable.
    ///
    /// - Parameters:
    ///   - x: `[N, in]`.
    ///   - weight: W, `[out, in]`.
    /// - Returns: y, `[N, out]`.
    package func linear(_ x: Tensor, _ weight: Tensor) -> Tensor {
        linear(x, .tensor(weight))
    }

    private func linear(_ x: Tensor, _ weight: MatrixOperand) -> Tensor {
        let (rows, inputs, outputs) = (x.rows, x.columns, weight.rows)
        precondition(
            weight.columns == inputs,
            "linear: x is \(x.shape), the weight has \(weight.columns) columns"
        )
        let y = result([rows, outputs], of: x, weight.differentiable)
        weight.withPointer { Products.abT(x.pointer, $0, y.pointer, m: rows, n: outputs, k: inputs) }

        // dx = dy W,  dW = dyᵀ x
        record(y) { [workspace] dy in
            if x.needsGradient {
                let (dx, beta) = x.gradientForProduct(workspace)
                weight.withPointer {
                    Products.ab(dy, $0, dx, m: rows, n: inputs, k: outputs, beta: beta)
                }
            }
            if let trainable = weight.differentiable {
                let (dw, beta) = trainable.gradientForProduct(workspace)
                Products.aTb(dy, x.pointer, dw, m: outputs, n: inputs, k: rows, beta: beta)
            }
        }
        return y
    }
}
