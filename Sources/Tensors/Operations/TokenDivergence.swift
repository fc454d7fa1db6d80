internal import CKernels

extension Tape {
    /// KL(p ‖ q) row by row, with p = softmax(hidden Wᵀ / temperature) and q the same of a reference that is held
    /// fixed, over the whole vocabulary and without ever holding `[M, V]`.
    ///
    /// With d_j = log p_j − log q_j:  KL = Σ_j p_j d_j,  d KL / d logit_j = p_j (d_j − KL) / temperature.
    ///
    /// - Parameters:
    ///   - hidden: `[M, C]`.
    ///   - reference: `[M, C]`; gets no gradient.
    ///   - head: W, `[V, C]`, frozen.
    ///   - temperature: What the logits are divided by; positive.
    /// - Returns: `[M]`, in nats, never below zero but by rounding.
    package func tokenDivergence(
        _ hidden: Tensor,
        from reference: Tensor,
        head: FrozenMatrix,
        temperature: Float = 1
    ) -> Tensor {
        precondition(hidden.shape == reference.shape, "divergence: \(hidden.shape) from \(reference.shape)")
        let (width, vocabulary) = (hidden.columns, head.rows)
        let head = MatrixOperand.frozen(head)
        let blocks = LogitBlocks(hidden, head: head, targets: nil, temperature: temperature)
        let divergence = result([hidden.rows], of: hidden)

        /// Calls `body` with p `[rows, V]` and d `[rows, V]`, which it may overwrite, and KL of each row.
        func forEach(
            _ body: (Range<Int>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, [Double]) -> Void
        ) {
            let other = workspace.take(blocks.rowsAtOnce * vocabulary)
            blocks.forEach(workspace) { rows, logits in
                head.withPointer {
                    Products.abT(
                        reference.pointer + rows.lowerBound * width,
                        $0,
                        other.pointer,
                        m: rows.count,
                        n: vocabulary,
                        k: width,
                        alpha: 1 / temperature
                    )
                }
                var lse = [Float](repeating: 0, count: rows.count)
                var otherLSE = lse
                kernel_log_sum_exp(logits, &lse, rows.count, vocabulary)
                kernel_log_sum_exp(other.pointer, &otherLSE, rows.count, vocabulary)
                for row in 0..<rows.count {
                    let shift = lse[row] - otherLSE[row]
                    let (x, y) = (logits + row * vocabulary, other.pointer + row * vocabulary)
                    for index in 0..<vocabulary { y[index] = x[index] - y[index] - shift }
                }
                let ones = [Float](repeating: 1, count: rows.count)
                kernel_softmax_scaled(logits, lse, ones, rows.count, vocabulary)
                let sums = (0..<rows.count).map { row in
                    let (p, d) = (logits + row * vocabulary, other.pointer + row * vocabulary)
                    var sum = 0.0
                    for index in 0..<vocabulary { sum += Double(p[index] * d[index]) }
                    return sum
                }
                body(rows, logits, other.pointer, sums)
            }
        }

        forEach { rows, _, _, sums in
            for (index, row) in rows.enumerated() { divergence.pointer[row] = Float(sums[index]) }
        }
        record(divergence) { [workspace] dy in
            guard hidden.needsGradient else { return }
            forEach { rows, p, d, sums in
                for (index, row) in rows.enumerated() {
                    let factor = dy[row] / temperature
                    let (start, mean) = (index * vocabulary, Float(sums[index]))
                    for place in start..<start + vocabulary { p[place] *= factor * (d[place] - mean) }
                }
                let gradient = hidden.gradientForAdding(workspace) + rows.lowerBound * width
                head.withPointer {
                    Products.ab(p, $0, gradient, m: rows.count, n: width, k: vocabulary, beta: 1)
                }
            }
        }
        return divergence
    }
}
