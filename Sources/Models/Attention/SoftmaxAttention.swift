package import Tensors

/// Softmax attention with grouped-query heads and rotary positions: head h weighs the values by
/// softmax_j(q_i · k_j / √D) (Vaswani et al., arXiv:1706.03762; Ainslie et al., arXiv:2305.13245). It is
/// ``HyperFeatureAttention`` of one factor.
package struct SoftmaxAttention: AttentionKind {
    package static let name = "softmax"
    package static let keys: [String] = []

    /// The kind.
    package init() {}

    private var oneFactor: HyperFeatureAttention { HyperFeatureAttention(order: 1) }

    package func inputs(_ shape: HeadShape) -> [AttentionInput] { oneFactor.inputs(shape) }

    package func attend(_ pass: AttentionPass, _ pattern: AttentionPattern) -> Tensor {
        oneFactor.attend(pass, pattern)
    }

    package func makeCache(_ shape: HeadShape, _ room: CacheRoom) -> any AttentionCache {
        oneFactor.makeCache(shape, room)
    }
}
