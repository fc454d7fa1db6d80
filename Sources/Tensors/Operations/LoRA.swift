extension Tape {
    /// y = x Wᵀ + scale · (x Aᵀ) Bᵀ: a frozen layer with a low-rank correction (Hu et al., arXiv:2106.09685).
    ///
    /// - Parameters:
    ///   - x: `[N, in]`.
    ///   - weight: W, `[out, in]`, frozen.
    ///   - a: A, `[rank, in]`.
    ///   - b: B, `[out, rank]`.
    ///   - scale: alpha / rank.
    /// - Returns: y, `[N, out]`.
    package func loRA(_ x: Tensor, _ weight: any Weight, a: Tensor, b: Tensor, scale: Float) -> Tensor {
        let (rows, inputs, outputs, rank) = (x.rows, x.columns, weight.rows, a.rows)
        precondition(
            weight.differentiable == nil && weight.columns == inputs && a.columns == inputs
                && b.rows == outputs && b.columns == rank,
            "loRA: x \(x.shape), W [\(outputs), \(weight.columns)], A \(a.shape), B \(b.shape) do not fit"
        )
        let y = result([rows, outputs], of: x, a, b)
        let u = workspace.take(rows * rank)  // x Aᵀ, [N, rank]
        weight.multiply(x.pointer, rows: rows, into: y.pointer, alpha: 1, beta: 0)
        a.multiply(x.pointer, rows: rows, into: u.pointer, alpha: 1, beta: 0)
        b.multiply(u.pointer, rows: rows, into: y.pointer, alpha: scale, beta: 1)

        // du = scale dy B,  dB = scale dyᵀ u,  dA = duᵀ x,  dx = dy W + du A
        record(y) { [workspace] dy in
            if b.needsGradient {
                let (db, beta) = b.gradientForProduct(workspace)
                Products.aTb(
                    dy,
                    u.pointer,
                    db,
                    m: outputs,
                    n: rank,
                    k: rows,
                    alpha: scale,
                    beta: beta
                )
            }
            let du = workspace.take(rows * rank)
            Products.ab(dy, b.pointer, du.pointer, m: rows, n: rank, k: outputs, alpha: scale)
            if a.needsGradient {
                let (da, beta) = a.gradientForProduct(workspace)
                Products.aTb(du.pointer, x.pointer, da, m: rank, n: inputs, k: rows, beta: beta)
            }
            if let (dx, beta) = x.slot?.forProduct(workspace) {
                weight.multiplyTransposed(dy, rows: rows, into: dx, alpha: 1, beta: beta)
                Products.ab(du.pointer, a.pointer, dx, m: rows, n: inputs, k: rank, beta: 1)
            }
        }
        return y
    }
}
