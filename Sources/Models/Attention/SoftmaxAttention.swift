package import Tensors

/// Softmax attention with grouped-query heads and rotary positions: head h weighs the values by
/// softmax_j(q_i · k_j / √D) (Vaswani et al., arXiv:1706.03762; Ainslie et al., arXiv:2305.13245).
package struct SoftmaxAttention: AttentionKind {
    package static let name = "softmax"

    /// The kind.
    package init() {}

    package func inputs(_ shape: HeadShape) -> [AttentionInput] {
        [
            AttentionInput("q_proj", shape.heads * shape.headSize),
            AttentionInput("k_proj", shape.keyValueHeads * shape.headSize),
            AttentionInput("v_proj", shape.keyValueHeads * shape.headSize),
        ]
    }

    package func attend(_ pass: AttentionPass, _ pattern: AttentionPattern) -> Tensor {
        let (q, k, v) = projections(pass)
        return attend(pass, q, k, v, pattern)
    }

    package func makeCache(_ shape: HeadShape, slots: Int, rowsMax: Int) -> any AttentionCache {
        Cache(kind: self, rows: RowCache(slots: slots, rowsMax: rowsMax))
    }

    private func projections(_ pass: AttentionPass) -> (q: Tensor, k: Tensor, v: Tensor) {
        let q = pass.rotate(pass.project("q_proj"), pass.shape.heads)
        let k = pass.rotate(pass.project("k_proj"), pass.shape.keyValueHeads)
        return (q, k, pass.project("v_proj"))
    }

    private func attend(
        _ pass: AttentionPass,
        _ q: Tensor,
        _ k: Tensor,
        _ v: Tensor,
        _ pattern: AttentionPattern
    ) -> Tensor {
        pass.tape.attention(
            factors: [ScoreFactor(q: q, k: k, heads: pass.shape.heads)],
            v: v,
            pattern: pattern,
            heads: pass.shape.heads,
            keyValueHeads: pass.shape.keyValueHeads
        )
    }

    /// The rotated keys and the values of every row.
    private final class Cache: AttentionCache {
        private let kind: SoftmaxAttention
        private let rows: RowCache

        init(kind: SoftmaxAttention, rows: RowCache) {
            self.kind = kind
            self.rows = rows
        }

        func prefill(_ pass: AttentionPass, _ pattern: AttentionPattern) -> Tensor {
            let (q, k, v) = kind.projections(pass)
            rows.begin(keys: [k], values: [v])
            return kind.attend(pass, q, k, v, pattern)
        }

        func decode(_ pass: AttentionPass, _ samples: [CachedSample], step: Int) -> Tensor {
            let (q, k, v) = kind.projections(pass)
            return pass.tape.cachedAttention(
                q: [q],
                offsets: [0],
                segments: rows.store(keys: [k], values: [v], samples, step: step),
                heads: pass.shape.heads,
                keyValueHeads: pass.shape.keyValueHeads
            )
        }
    }
}
