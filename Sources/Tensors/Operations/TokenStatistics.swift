internal import CKernels

/// What a model thinks at each of M positions; nothing here is differentiable.
package struct TokenStatistics: Sendable {
    /// log softmax at the targets; empty if none were given.
    package let logProbs: [Float]
    /// The entropy of the distribution over the vocabulary, in nats.
    package let entropies: [Float]
    /// The most likely token, the lowest id on a tie.
    package let best: [Int32]
}

extension Tape {
    /// Log-probabilities, entropies and most likely tokens, a block of rows at a time as in `tokenLogProbs`.
    ///
    /// - Parameters:
    ///   - hidden: `[M, C]`.
    ///   - head: W, `[V, C]`.
    ///   - targets: M token ids, or nil.
    ///   - temperature: What the logits are divided by; positive.
    ///   - cap: c of soft-capped logits; nil for none.
    package func tokenStatistics(
        _ hidden: Tensor,
        head: any Weight,
        targets: [Int32]? = nil,
        temperature: Float = 1,
        cap: Float? = nil
    ) -> TokenStatistics {
        let blocks = LogitBlocks(hidden, head: head, targets: targets, temperature: temperature, cap: cap)
        let vocabulary = head.rows
        var logProbs: [Float] = []
        var entropies = [Float](repeating: 0, count: hidden.rows)
        var best = [Int32](repeating: 0, count: hidden.rows)
        blocks.forEach(workspace) { rows, logits, _ in
            var lse = [Float](repeating: 0, count: rows.count)
            var entropy = lse
            var top = [Int32](repeating: 0, count: rows.count)
            kernel_log_sum_exp(logits, &lse, rows.count, vocabulary)
            kernel_row_statistics(logits, lse, &entropy, &top, rows.count, vocabulary)
            entropies.replaceSubrange(rows, with: entropy)
            best.replaceSubrange(rows, with: top)
            guard let targets else { return }
            for (index, row) in rows.enumerated() {
                logProbs.append(logits[index * vocabulary + Int(targets[row])] - lse[index])
            }
        }
        return TokenStatistics(logProbs: logProbs, entropies: entropies, best: best)
    }

    /// The logits of a few rows, for sampling: hidden Wᵀ, not differentiable.
    ///
    /// - Parameters:
    ///   - hidden: `[M, C]`.
    ///   - head: W, `[V, C]`.
    ///   - cap: c of soft-capped logits; nil for none.
    /// - Returns: `[M, V]`, all at once: keep M small.
    package func logits(_ hidden: Tensor, head: any Weight, cap: Float? = nil) -> Tensor {
        precondition(
            head.columns == hidden.columns,
            "logits: hidden \(hidden.shape), head has \(head.columns) columns"
        )
        let (rows, vocabulary) = (hidden.rows, head.rows)
        let logits = Tensor(shape: [rows, vocabulary], storage: workspace.take(rows * vocabulary))
        LogitBlocks.product(head, hidden.pointer, rows: rows, into: logits.pointer, temperature: 1, cap: cap)
        return logits
    }
}
