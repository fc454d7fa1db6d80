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
    ///   - cap: c of soft-capped logits, c·tanh(logit / c), before the temperature; nil for none.
    ///   - observe: Is told each row's entropy and most likely token, where they are wanted; they cost another pass over
    ///     the logits.
    /// - Returns: `[M]`.
    package func tokenLogProbs(
        _ hidden: Tensor,
        head: any Weight,
        targets: [Int32],
        temperature: Float = 1,
        cap: Float? = nil,
        observe: ((_ row: Int, _ entropy: Float, _ best: Int32) -> Void)? = nil
    ) -> Tensor {
        let blocks = LogitBlocks(hidden, head: head, targets: targets, temperature: temperature, cap: cap)
        let (width, vocabulary) = (hidden.columns, head.rows)
        let logProbs = result([hidden.rows], of: hidden, head.differentiable)
        let lse = workspace.take(hidden.rows)
        blocks.forEach(workspace) { rows, logits, _ in
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
            blocks.forEach(workspace, slopes: true) { rows, logits, slopes in
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
                if let slopes { LogitBlocks.multiply(logits, by: slopes, count: rows.count * vocabulary) }
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
    private let cap: Float?
    private let blockRows: Int

    /// The most rows of one block.
    var rowsAtOnce: Int { min(blockRows, hidden.rows) }

    /// - Parameter targets: Checked against the sizes; nil if there are none.
    init(_ hidden: Tensor, head: any Weight, targets: [Int32]?, temperature: Float, cap: Float? = nil) {
        precondition(
            head.columns == hidden.columns && temperature > 0 && (cap ?? 1) > 0,
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
        self.cap = cap
        blockRows = LogitBlocks.rows(vocabulary: head.rows)
    }

    /// How many rows have their logits at once: 24 MB of them, but at least 32 rows. Each block reads the whole
    /// head; 128 rows of a 49,152-word vocabulary are enough for the product to run at full speed, 32 at half.
    static func rows(vocabulary: Int) -> Int { max(32, min(1024, (6 << 20) / vocabulary)) }

    /// Calls `body` with each range of rows and its logits / temperature, `[rows, V]`, which it may overwrite.
    ///
    /// - Parameters:
    ///   - workspace: Where the blocks come from.
    ///   - slopes: Whether the cap's slopes are wanted, `[rows, V]`: there are none without a cap.
    ///   - body: Given rows, logits and slopes.
    func forEach(
        _ workspace: Workspace,
        slopes: Bool = false,
        _ body: (Range<Int>, UnsafeMutablePointer<Float>, UnsafePointer<Float>?) -> Void
    ) {
        let block = workspace.take(rowsAtOnce * head.rows)
        let slope = slopes && cap != nil ? workspace.take(rowsAtOnce * head.rows) : nil
        for first in stride(from: 0, to: hidden.rows, by: blockRows) {
            let rows = first..<min(first + blockRows, hidden.rows)
            LogitBlocks.product(
                head,
                hidden.pointer + first * hidden.columns,
                rows: rows.count,
                into: block.pointer,
                slopes: slope?.pointer,
                temperature: temperature,
                cap: cap
            )
            body(rows, block.pointer, slope.map { UnsafePointer($0.pointer) })
        }
    }

    /// The logits / temperature of some rows, soft-capped where there is a cap.
    static func product(
        _ head: any Weight,
        _ x: UnsafePointer<Float>,
        rows: Int,
        into y: UnsafeMutablePointer<Float>,
        slopes: UnsafeMutablePointer<Float>? = nil,
        temperature: Float,
        cap: Float?
    ) {
        let alpha = 1 / (cap ?? temperature)
        head.multiply(x, rows: rows, into: y, alpha: alpha, beta: 0)
        if let cap { kernel_soft_cap(y, cap / temperature, y, slopes, rows * head.rows) }
    }

    /// x times the slopes, in place: back through the cap.
    static func multiply(_ x: UnsafeMutablePointer<Float>, by slopes: UnsafePointer<Float>, count: Int) {
        for index in 0..<count { x[index] *= slopes[index] }
    }
}
