internal import CKernels

extension Tape {
    /// log softmax(hidden Wᵀ / temperature)[target], row by row.
    ///
    /// Logits exist for a block of rows at a time and are computed once: of a frozen head the forward pass keeps what a
    /// row's gradient is but for a factor, Wᵀ (onehot − softmax) `[M, C]`; of a trainable one the softmax, where all
    /// of it is small, or else the backward pass computes the logits again.
    ///
    /// - Parameters:
    ///   - hidden: `[M, C]`: the final hidden state at the position before each target.
    ///   - head: W, `[V, C]`, frozen or trainable, such as a tied embedding table.
    ///   - targets: M token ids in 0 ..< V.
    ///   - temperature: What the logits are divided by; positive.
    ///   - cap: c of soft-capped logits, c·tanh(logit / c), before the temperature; nil for none.
    ///   - observe: Is told each row's entropy and most likely token, where they are wanted.
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
        let logProbs = result([hidden.rows], of: hidden, head.differentiable)
        let pass = LogProbPass(hidden, head, blocks, targets, temperature, observe, workspace)
        if logProbs.needsGradient && head.differentiable == nil {
            let pulls = pass.forwardKeepingPulls(logProbs.pointer)
            record(logProbs) { [workspace, hidden = hidden.slot] dy in
                guard let hidden else { return }
                let (gradient, beta) = hidden.forProduct(workspace)
                let width = head.columns
                Compute.share(targets.count, width: width) { part in
                    let (row, at) = (part.lowerBound, part.lowerBound * width)
                    let from = pulls.pointer + at
                    kernel_scale_rows(from, dy + row, beta == 0 ? 0 : 1, gradient + at, part.count, width)
                }
            }
            return logProbs
        }
        let kept = pass.forward(logProbs.pointer, keeps: logProbs.needsGradient)
        record(logProbs) { dy in pass.backward(dy, kept) }
        return logProbs
    }
}

/// Log-probabilities of tokens, forwards and back.
private struct LogProbPass {
    private let hidden: Tensor
    private let head: any Weight
    private let blocks: LogitBlocks
    private let targets: [Int32]
    private let temperature: Float
    private let observe: ((_ row: Int, _ entropy: Float, _ best: Int32) -> Void)?
    private let workspace: Workspace
    private var vocabulary: Int { head.rows }
    private var width: Int { head.columns }

    init(
        _ hidden: Tensor,
        _ head: any Weight,
        _ blocks: LogitBlocks,
        _ targets: [Int32],
        _ temperature: Float,
        _ observe: ((_ row: Int, _ entropy: Float, _ best: Int32) -> Void)?,
        _ workspace: Workspace
    ) {
        self.hidden = hidden
        self.head = head
        self.blocks = blocks
        self.targets = targets
        self.temperature = temperature
        self.observe = observe
        self.workspace = workspace
    }

    /// What a backward pass over a trainable head goes on from.
    struct Kept {
        /// e^(logit − the row's largest) `[M, V]`; nil where that would be too much.
        let exponentials: Storage?
        /// Their sums `[M]`.
        let sums: Storage
        /// log Σ e^logit `[M]`.
        let lse: Storage
    }

    /// With p the softmax and s the cap's slopes, d logProb / d hidden = Σ_v (onehot − p)_v s_v W_v / temperature.
    func forwardKeepingPulls(_ logProbs: UnsafeMutablePointer<Float>) -> Storage {
        let pulls = workspace.take(hidden.rows * width)
        let lse = workspace.take(hidden.rows)
        let sums = workspace.take(hidden.rows)
        let own = workspace.take(blocks.rowsAtOnce * width)
        blocks.forEach(workspace, slopes: true) { rows, logits, slopes in
            takeSums(rows, logits, logProbs, lse, sums)
            let first = rows.lowerBound
            let (pull, own) = (pulls.pointer + first * width, own.pointer)
            if let slopes { LogitBlocks.multiply(logits, by: slopes, count: rows.count * vocabulary) }
            head.multiplyTransposed(logits, rows: rows.count, into: pull, alpha: 1, beta: 0)
            head.gather(Array(targets[rows]), into: own)
            for row in 0..<rows.count {
                let slope = slopes?[row * vocabulary + Int(targets[first + row])] ?? 1
                let (mean, target) = (-1 / (temperature * sums.pointer[first + row]), slope / temperature)
                let (to, from) = (pull + row * width, own + row * width)
                kernel_scale(to, mean, to, width)
                kernel_add_scaled(from, target, to, width)
            }
        }
        return pulls
    }

    func forward(_ logProbs: UnsafeMutablePointer<Float>, keeps: Bool) -> Kept {
        let count = hidden.rows * vocabulary
        let all = keeps && blocks.isUncapped && count <= LogitBlocks.valuesMax ? workspace.take(count) : nil
        let kept = Kept(
            exponentials: all,
            sums: workspace.take(hidden.rows),
            lse: workspace.take(hidden.rows)
        )
        blocks.forEach(workspace, into: all) { rows, logits, _ in
            takeSums(rows, logits, logProbs, kept.lse, kept.sums)
        }
        return kept
    }

    /// Turns a block's logits to exponentials, and notes the targets' log-probabilities.
    private func takeSums(
        _ rows: Range<Int>,
        _ logits: UnsafeMutablePointer<Float>,
        _ logProbs: UnsafeMutablePointer<Float>,
        _ lse: Storage,
        _ sums: Storage
    ) {
        let first = rows.lowerBound
        for row in rows { logProbs[row] = logits[(row - first) * vocabulary + Int(targets[row])] }
        var entropies = [Float](repeating: 0, count: observe == nil ? 0 : rows.count)
        var best = [Int32](repeating: 0, count: entropies.count)
        entropies.withUnsafeMutableBufferPointer { entropies in
            best.withUnsafeMutableBufferPointer { best in
                let (entropies, best) = (entropies.baseAddress, best.baseAddress)
                let isWatched = observe != nil
                Compute.share(rows.count, width: vocabulary) { part in
                    let row = part.lowerBound
                    kernel_softmax_sums(
                        logits + row * vocabulary,
                        sums.pointer + first + row,
                        lse.pointer + first + row,
                        isWatched ? entropies.map { $0 + row } : nil,
                        isWatched ? best.map { $0 + row } : nil,
                        part.count,
                        vocabulary
                    )
                }
            }
        }
        for row in rows { logProbs[row] -= lse.pointer[row] }
        if let observe {
            for row in entropies.indices { observe(first + row, entropies[row], best[row]) }
        }
    }

    /// With p the softmax and g = d loss / d logProb:  d logits = g (onehot − p) / temperature.
    func backward(_ dy: UnsafePointer<Float>, _ kept: Kept) {
        let factors = workspace.take(hidden.rows)
        kernel_scale(dy, -1 / temperature, factors.pointer, hidden.rows)
        if let exponentials = kept.exponentials {
            let scales = workspace.take(hidden.rows)
            for row in 0..<hidden.rows { scales.pointer[row] = factors.pointer[row] / kept.sums.pointer[row] }
            let logits = exponentials.pointer
            Compute.share(hidden.rows, width: vocabulary) { part in
                let at = logits + part.lowerBound * vocabulary
                kernel_scale_rows(at, scales.pointer + part.lowerBound, 0, at, part.count, vocabulary)
            }
            return spread(0..<hidden.rows, logits, factors, nil)
        }
        blocks.forEach(workspace, slopes: true) { rows, logits, slopes in
            let first = rows.lowerBound
            Compute.share(rows.count, width: vocabulary) { part in
                let row = first + part.lowerBound
                let at = logits + part.lowerBound * vocabulary
                kernel_softmax_scaled(
                    at,
                    kept.lse.pointer + row,
                    factors.pointer + row,
                    part.count,
                    vocabulary
                )
            }
            spread(rows, logits, factors, slopes)
        }
    }

    /// From −g p / temperature to the gradients of hidden states and head.
    private func spread(
        _ rows: Range<Int>,
        _ logits: UnsafeMutablePointer<Float>,
        _ factors: Storage,
        _ slopes: UnsafePointer<Float>?
    ) {
        let first = rows.lowerBound
        for row in rows { logits[(row - first) * vocabulary + Int(targets[row])] -= factors.pointer[row] }
        if let slopes { LogitBlocks.multiply(logits, by: slopes, count: rows.count * vocabulary) }
        if let slot = hidden.slot {
            // A block is the first contribution to its own rows if nothing else went before.
            let gradient = slot.forAdding(workspace) + first * width
            head.multiplyTransposed(logits, rows: rows.count, into: gradient, alpha: 1, beta: 1)
        }
        if let trainable = head.differentiable {
            let (gradient, beta) = trainable.gradientForProduct(workspace)
            let states = hidden.pointer + first * width
            Products.aTb(logits, states, gradient, m: vocabulary, n: width, k: rows.count, beta: beta)
        }
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
    /// Whether logits are what the product gives.
    var isUncapped: Bool { cap == nil }

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
    static func rows(vocabulary: Int) -> Int { max(32, min(1024, valuesMax / vocabulary)) }

    /// 24 MB of float32.
    static let valuesMax = 6 << 20

    /// Calls `body` with each range of rows and its logits / temperature, `[rows, V]`, which it may overwrite.
    ///
    /// - Parameters:
    ///   - workspace: Where the blocks come from.
    ///   - slopes: Whether the cap's slopes are wanted, `[rows, V]`: there are none without a cap.
    ///   - all: Where the logits of all rows go, `[M, V]`; nil for one block after the other in the same place.
    ///   - body: Given rows, logits and slopes.
    func forEach(
        _ workspace: Workspace,
        slopes: Bool = false,
        into all: Storage? = nil,
        _ body: (Range<Int>, UnsafeMutablePointer<Float>, UnsafePointer<Float>?) -> Void
    ) {
        let block = all ?? workspace.take(rowsAtOnce * head.rows)
        let slope = slopes && cap != nil ? workspace.take(rowsAtOnce * head.rows) : nil
        for first in stride(from: 0, to: hidden.rows, by: blockRows) {
            let rows = first..<min(first + blockRows, hidden.rows)
            let logits = block.pointer + (all == nil ? 0 : first * head.rows)
            LogitBlocks.product(
                head,
                hidden.pointer + first * hidden.columns,
                rows: rows.count,
                into: logits,
                slopes: slope?.pointer,
                temperature: temperature,
                cap: cap
            )
            body(rows, logits, slope.map { UnsafePointer($0.pointer) })
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
