internal import CKernels

/// One sequence of a packed batch: which rows it has, and which rows it may also look back to.
///
/// Row i of `rows` attends to all rows of `prefix` and to the segment's own rows up to i. A prompt is a segment
/// without prefix; each of its K responses is a segment whose prefix is the prompt's rows, so the prompt is
/// computed once.
package struct AttentionSegment: Sendable, Hashable {
    /// The segment's own rows.
    package let rows: Range<Int>
    /// Rows before the segment that all of it attends to.
    package let prefix: Range<Int>?

    /// A segment.
    package init(rows: Range<Int>, prefix: Range<Int>? = nil) {
        self.rows = rows
        self.prefix = prefix
    }
}

extension Tape {
    /// Causal softmax attention within the segments of a packed batch, with grouped-query heads
    /// (Ainslie et al., arXiv:2305.13245) and scores scaled by 1/√D.
    ///
    /// The forward pass keeps the log-sum-exp of each row and head; the backward pass recomputes the
    /// probabilities from it (Dao, arXiv:2307.08691), so memory is linear in N.
    ///
    /// - Parameters:
    ///   - q: `[N, H·D]`; query head h uses key-value head h / (H / Hkv).
    ///   - k: `[N, Hkv·D]`.
    ///   - v: `[N, Hkv·D]`.
    ///   - segments: Disjoint rows; a row in no segment gives zeros.
    ///   - heads: H.
    ///   - keyValueHeads: Hkv, a divisor of H.
    /// - Returns: `[N, H·D]`.
    package func attention(
        q: Tensor,
        k: Tensor,
        v: Tensor,
        segments: [AttentionSegment],
        heads: Int,
        keyValueHeads: Int
    ) -> Tensor {
        attention(
            factors: [ScoreFactor(q: q, k: k, heads: heads)],
            v: v,
            pattern: AttentionPattern(segments: segments),
            heads: heads,
            keyValueHeads: keyValueHeads
        )
    }

    /// The case of one factor, without masks or biases, that the kernel of attention.c is for.
    func plainAttention(
        q: Tensor,
        k: Tensor,
        v: Tensor,
        segments: [AttentionSegment],
        heads: Int,
        keyValueHeads: Int,
        rule: ScoreRule
    ) -> Tensor {
        let shape = AttentionShape(q: q, k: k, v: v, heads: heads, keyValueHeads: keyValueHeads, rule: rule)
        let y = result(q.shape, of: q, k, v)
        let lse = workspace.take(q.rows * heads)
        if segments.reduce(0, { $0 + $1.rows.count }) < q.rows { y.values.update(repeating: 0) }
        let scratch = workspace.take(shape.scratch(segments))
        for segment in segments where !segment.rows.isEmpty {
            var kernel = shape.kernelSegment(segment)
            kernel_attention(
                &kernel,
                scratch.pointer,
                y.pointer + shape.queryOffset(segment),
                lse.pointer + segment.rows.lowerBound * heads
            )
        }
        record(y) { [workspace] dy in
            let dq = q.needsGradient ? q.gradientForAdding(workspace) : nil
            // The kernel writes both or neither: a discarded buffer stands in for an input without gradient.
            let spare = k.needsGradient == v.needsGradient ? nil : workspace.take(k.count)
            let dk = k.needsGradient ? k.gradientForAdding(workspace) : spare?.pointer
            let dv = v.needsGradient ? v.gradientForAdding(workspace) : spare?.pointer
            let scratch = workspace.take(shape.scratch(segments))
            for segment in segments where !segment.rows.isEmpty {
                var kernel = shape.kernelSegment(segment)
                var gradients = shape.kernelGradients(
                    segment,
                    y: y.pointer,
                    lse: lse.pointer,
                    dy: dy,
                    dq: dq,
                    dk: dk,
                    dv: dv
                )
                kernel_attention_backward(&kernel, &gradients, scratch.pointer)
            }
        }
        return y
    }
}

/// The tensors and sizes of one attention, turned into the kernel's structures segment by segment.
private struct AttentionShape {
    let q: Tensor
    let k: Tensor
    let v: Tensor
    let heads: Int
    let keyValueHeads: Int
    let headSize: Int
    let rule: ScoreRule

    init(q: Tensor, k: Tensor, v: Tensor, heads: Int, keyValueHeads: Int, rule: ScoreRule) {
        headSize = q.columns / heads
        precondition(
            heads % keyValueHeads == 0 && headSize * heads == q.columns && k.shape == v.shape
                && k.rows == q.rows && k.columns == keyValueHeads * headSize,
            "attention: q \(q.shape), k \(k.shape), v \(v.shape) for \(heads) heads, \(keyValueHeads) key-value heads"
        )
        self.q = q
        self.k = k
        self.v = v
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.rule = rule
    }

    func queryOffset(_ segment: AttentionSegment) -> Int { segment.rows.lowerBound * heads * headSize }
    func ownOffset(_ segment: AttentionSegment) -> Int { segment.rows.lowerBound * keyValueHeads * headSize }
    func prefixOffset(_ segment: AttentionSegment) -> Int {
        (segment.prefix?.lowerBound ?? 0) * keyValueHeads * headSize
    }

    func scratch(_ segments: [AttentionSegment]) -> Int {
        segments.map { withUnsafePointer(to: kernelSegment($0), kernel_attention_scratch) }.max() ?? 0
    }

    func kernelSegment(_ segment: AttentionSegment) -> kernel_attention_segment {
        let prefix = segment.prefix ?? 0..<0
        precondition(
            segment.rows.upperBound <= q.rows && prefix.upperBound <= q.rows && segment.rows.lowerBound >= 0
                && prefix.lowerBound >= 0,
            "attention: segment rows \(segment.rows), prefix \(prefix) of \(q.rows) rows"
        )
        return kernel_attention_segment(
            rows: segment.rows.count,
            prefix_rows: prefix.count,
            own_before: 0,
            heads: heads,
            key_value_heads: keyValueHeads,
            head_size: headSize,
            scale: rule.scale ?? ScoreFactor.scale(size: headSize),
            cap: rule.cap ?? 0,
            window: rule.window ?? 0,
            q: q.pointer + queryOffset(segment),
            prefix_keys: k.pointer + prefixOffset(segment),
            prefix_values: v.pointer + prefixOffset(segment),
            own_keys: k.pointer + ownOffset(segment),
            own_values: v.pointer + ownOffset(segment)
        )
    }

    func kernelGradients(
        _ segment: AttentionSegment,
        y: UnsafePointer<Float>,
        lse: UnsafePointer<Float>,
        dy: UnsafePointer<Float>,
        dq: UnsafeMutablePointer<Float>?,
        dk: UnsafeMutablePointer<Float>?,
        dv: UnsafeMutablePointer<Float>?
    ) -> kernel_attention_gradients {
        let (query, own, prefix) = (queryOffset(segment), ownOffset(segment), prefixOffset(segment))
        return kernel_attention_gradients(
            out: y + query,
            lse: lse + segment.rows.lowerBound * heads,
            dout: dy + query,
            dq: dq.map { $0 + query },
            dprefix_keys: dk.map { $0 + prefix },
            dprefix_values: dv.map { $0 + prefix },
            down_keys: dk.map { $0 + own },
            down_values: dv.map { $0 + own }
        )
    }
}
