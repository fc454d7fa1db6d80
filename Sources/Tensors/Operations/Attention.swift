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
        let shape = SequenceAttention(
            q: q,
            k: k,
            v: v,
            segments: segments,
            heads: heads,
            keyValueHeads: keyValueHeads,
            rule: rule
        )
        let y = result(q.shape, of: q, k, v)
        let lse = workspace.take(q.rows * heads)
        shape.forward(y, lse: lse, workspace)
        record(y) { [workspace] dy in shape.backward(y, lse: lse, dy: dy, workspace) }
        return y
    }
}
