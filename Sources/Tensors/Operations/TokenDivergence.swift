internal import CKernels

extension Tape {
    /// KL(p ‖ q) row by row, with p = softmax(hidden Wᵀ / temperature) and q the same of a reference that is held
    /// fixed, over the whole vocabulary and without ever holding `[M, V]`.
    ///
    /// With d_j = log p_j − log q_j:  KL = Σ_j p_j d_j,  d KL / d logit_j = p_j (d_j − KL) / temperature.
    ///
    /// - Parameters:
    ///   - hidden: `[M, C]`.
    ///   - head: W, `[V, C]`, frozen or trainable.
    ///   - reference: `[M, C]`; gets no gradient.
    ///   - referenceHead: The reference's W, `[V, C]`; gets no gradient.
    ///   - temperature: What the logits are divided by; positive.
    ///   - cap: c of soft-capped logits, of both; nil for none.
    /// - Returns: `[M]`, in nats, never below zero but by rounding.
    package func tokenDivergence(
        _ hidden: Tensor,
        head: any Weight,
        from reference: Tensor,
        referenceHead: any Weight,
        temperature: Float = 1,
        cap: Float? = nil
    ) -> Tensor {
        precondition(
            hidden.shape == reference.shape && head.rows == referenceHead.rows,
            "divergence: \(hidden.shape) from \(reference.shape), \(head.rows) and \(referenceHead.rows) words"
        )
        let (width, vocabulary) = (hidden.columns, head.rows)
        let blocks = LogitBlocks(hidden, head: head, targets: nil, temperature: temperature, cap: cap)
        let divergence = result([hidden.rows], of: hidden, head.differentiable)

        /// Calls `body` with p `[rows, V]` and d `[rows, V]`, which it may overwrite, KL of each row, and the cap's
        /// slopes where they are wanted.
        func forEach(
            slopes: Bool,
            _ body: (
                Range<Int>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, [Double],
                UnsafePointer<Float>?
            ) -> Void
        ) {
            let other = workspace.take(blocks.rowsAtOnce * vocabulary)
            blocks.forEach(workspace, slopes: slopes) { rows, logits, slopes in
                LogitBlocks.product(
                    referenceHead,
                    reference.pointer + rows.lowerBound * width,
                    rows: rows.count,
                    into: other.pointer,
                    temperature: temperature,
                    cap: cap
                )
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
                body(rows, logits, other.pointer, sums, slopes)
            }
        }

        forEach(slopes: false) { rows, _, _, sums, _ in
            for (index, row) in rows.enumerated() { divergence.pointer[row] = Float(sums[index]) }
        }
        record(divergence) { [workspace] dy in
            forEach(slopes: true) { rows, p, d, sums, slopes in
                for (index, row) in rows.enumerated() {
                    let factor = dy[row] / temperature
                    let (start, mean) = (index * vocabulary, Float(sums[index]))
                    for place in start..<start + vocabulary { p[place] *= factor * (d[place] - mean) }
                }
                if let slopes { LogitBlocks.multiply(p, by: slopes, count: rows.count * vocabulary) }
                let first = rows.lowerBound * width
                if hidden.needsGradient {
                    let gradient = hidden.gradientForAdding(workspace) + first
                    head.multiplyTransposed(p, rows: rows.count, into: gradient, alpha: 1, beta: 1)
                }
                if let trainable = head.differentiable {
                    let (gradient, beta) = trainable.gradientForProduct(workspace)
                    let states = hidden.pointer + first
                    Products.aTb(p, states, gradient, m: vocabulary, n: width, k: rows.count, beta: beta)
                }
            }
        }
        return divergence
    }
}
