internal import CKernels

extension Tape {
    /// log softmax(hidden Wᵀ / temperature)[target], row by row, without ever holding `[M, V]`.
    ///
    /// Logits exist for a block of rows at a time; the backward pass computes them again.
    ///
    /// - Parameters:
    ///   - hidden: `[M, C]`: the final hidden state at the position before each target.
    ///   - head: W, `[V, C]`, frozen or trainable, such as a tied embedding table.
    ///   - targets: M token ids in 0 ..< V.
    ///   - temperature: What the logits are divided by; positive.
    ///   - observe: Is told each row's entropy and most likely token, where they are wanted; they cost another pass over
    ///     the logits.
    /// - Returns: `[M]`.
    package func tokenLogProbs(
        _ hidden: Tensor,
        head: any Weight,
        targets: [Int32],
        temperature: Float = 1,
        observe: ((_ row: Int, _ entropy: Float, _ best: Int32) -> Void)? = nil
    ) -> Tensor {
        let blocks = LogitBlocks(hidden, head: head, targets: targets, temperature: temperature)
        let (width, vocabulary) = (hidden.columns, head.rows)
        let logProbs = result([hidden.rows], of: hidden, head.differentiable)
        let lse = workspace.take(hidden.rows)
        blocks.forEach(workspace) { rows, logits in
            kernel_log_sum_exp(logits, lse.pointer + rows.lowerBound, rows.count, vocabulary)
            for row in rows {
                let logit = logits[(row - rows.lowerBound) * vocabulary + Int(targets[row])]
                logProbs.pointer[row] = logit - lse.pointer[row]
            }
            guard let observe else { return }
            var entropies = [Float](repeating: 0, count: rows.count)
            var best = [Int32](repeating: 0, count: rows.count)
            let sums = lse.pointer + rows.lowerBound
            kernel_row_statistics(logits, sums, &entropies, &best, rows.count, vocabulary)
            for (place, row) in rows.enumerated() { observe(row, entropies[place], best[place]) }
        }

        // With p the softmax and g = d loss / d logProb:  d logits = g (onehot − p) / temperature
        record(logProbs) { [workspace] dy in
            let factors = workspace.take(hidden.rows)
            kernel_scale(dy, -1 / temperature, factors.pointer, hidden.rows)
            blocks.forEach(workspace) { rows, logits in
                let first = rows.lowerBound
                kernel_softmax_scaled(
                    logits,
                    lse.pointer + first,
                    factors.pointer + first,
                    rows.count,
                    vocabulary
                )
                for row in rows {
                    logits[(row - first) * vocabulary + Int(targets[row])] -= factors.pointer[row]
                }
                if hidden.needsGradient {
                    let gradient = hidden.gradientForAdding(workspace) + first * width
                    head.multiplyTransposed(logits, rows: rows.count, into: gradient, alpha: 1, beta: 1)
                }
                if let trainable = head.differentiable {
                    let (gradient, beta) = trainable.gradientForProduct(workspace)
                    let states = hidden.pointer + first * width
                    Products.aTb(
                        logits,
                        states,
                        gradient,
                        m: vocabulary,
                        n: width,
                        k: rows.count,
                        beta: beta
                    )
                }
            }
        }
        return logProbs
    }
}

/// The logits of some hidden states, a block of rows at a time.
struct LogitBlocks {
    private let hidden: Tensor
    private let head: any Weight
    private let temperature: Float
    private let blockRows: Int

    /// The most rows of one block.
    var rowsAtOnce: Int { min(blockRows, hidden.rows) }

    /// - Parameter targets: Checked against the sizes; nil if there are none.
    init(_ hidden: Tensor, head: any Weight, targets: [Int32]?, temperature: Float) {
        precondition(
            head.columns == hidden.columns && temperature > 0,
            "logits: hidden \(hidden.shape), head [\(head.rows), \(head.columns)], temperature \(temperature)"
        )
        if let targets {
            precondition(
                targets.count == hidden.rows && targets.allSatisfy { $0 >= 0 && $0 < head.rows },
                "logits: \(targets.count) targets for \(hidden.rows) rows, each to be in 0 ..< \(head.rows)"
            )
        }
        self.hidden = hidden
        self.head = head
        self.temperature = temperature
        blockRows = LogitBlocks.rows(vocabulary: head.rows)
    }

    /// How many rows have their logits at once: 24 MB of them, but at least 32 rows. Each block reads the whole
    /// head; 128 rows of a 49,152-word vocabulary are enough for the product to run at full speed, 32 at half.
    static func rows(vocabulary: Int) -> Int { max(32, min(1024, (6 << 20) / vocabulary)) }

    /// Calls `body` with each range of rows and its logits / temperature, `[rows, V]`, which it may overwrite.
    func forEach(_ workspace: Workspace, _ body: (Range<Int>, UnsafeMutablePointer<Float>) -> Void) {
        let block = workspace.take(min(blockRows, hidden.rows) * head.rows)
        for first in stride(from: 0, to: hidden.rows, by: blockRows) {
            let rows = first..<min(first + blockRows, hidden.rows)
            head.multiply(
                hidden.pointer + first * hidden.columns,
                rows: rows.count,
                into: block.pointer,
                alpha: 1 / temperature,
                beta: 0
            )
            body(rows, block.pointer)
        }
    }
}
