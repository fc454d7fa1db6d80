/// What a decoder is built of, whatever family it came from: pre-RMSNorm blocks with an attention kind each,
/// rotary positions in half-split layout and a gated feed-forward layer, and whatever of the features below a family
/// has. Without these it is Llama.
///
/// An ``Architecture`` reads it from a published configuration and writes it back.
package struct DecoderConfiguration: Sendable, Equatable {
    /// The family that its blocks are of, apart from their attention (`model_type`).
    package var modelType: String
    /// C, the width of the residual stream (`hidden_size`).
    package var hiddenSize: Int
    /// The number of blocks (`num_hidden_layers`).
    package var layerCount: Int
    /// H, the query heads (`num_attention_heads`).
    package var headCount: Int
    /// The key and value heads; divides `headCount` (`num_key_value_heads`).
    package var keyValueHeadCount: Int
    /// D, the width of a head; even (`head_dim`).
    package var headSize: Int
    /// The inner width of the feed-forward layer (`intermediate_size`).
    package var intermediateSize: Int
    /// V, the number of tokens (`vocab_size`).
    package var vocabularySize: Int
    /// The ε of every RMSNorm (`rms_norm_eps`).
    package var normEpsilon: Float
    /// How heads are turned by their positions.
    package var rotary: RotaryPositions
    /// Whether the output head is the embedding (`tie_word_embeddings`).
    package var tiesEmbedding: Bool
    /// The longest sequence (`max_position_embeddings`, where the rotary scaling allows for that).
    package var positionsMax: Int
    /// What of a block's attention is its own, for each block; empty where all are alike and see everything.
    package var blocks: [BlockAttention] = []
    /// The angles of blocks with a window, where these have others.
    package var localRotary: RotaryPositions?
    /// The linear maps that have a bias, by their names.
    package var biasedModules: Set<String> = []
    /// Whether each head's queries and keys pass through an RMSNorm before they are turned (Qwen3, Gemma 3).
    package var normalisesHeads = false
    /// What is added to the weight of every norm: 1 in Gemma, whose weights are distances from 1.
    package var normOffset: Float = 0
    /// Whether the outputs of attention and of the feed-forward layer pass through norms too (Gemma 2).
    package var hasOuterNorms = false
    /// What the feed-forward layer's gate passes through.
    package var activation = GateActivation.silu
    /// What embeddings are multiplied by.
    package var embeddingScale: Float = 1
    /// s in scores q·k / √s (`query_pre_attn_scalar`); nil for D.
    package var attentionScalar: Double?
    /// The soft cap of scores (`attn_logit_softcapping`); nil for none.
    package var attentionCap: Float?
    /// The soft cap of logits (`final_logit_softcapping`); nil for none.
    package var logitCap: Float?
    /// Whether queries, keys and values are one map, and gate and up another (Phi-3).
    package var isFused = false
    /// The attention kinds: one for all blocks, or one for each; empty for softmax in all.
    private(set) var attentionKinds: [AnyAttention] = []

    /// Makes a configuration; `validate` says whether it can be built.
    package init(
        hiddenSize: Int,
        layerCount: Int,
        headCount: Int,
        keyValueHeadCount: Int? = nil,
        headSize: Int? = nil,
        intermediateSize: Int,
        vocabularySize: Int,
        normEpsilon: Float = 1e-5,
        ropeTheta: Double = 10_000,
        tiesEmbedding: Bool = true,
        positionsMax: Int = 2048,
        modelType: String = Llama.modelType
    ) {
        self.modelType = modelType
        self.hiddenSize = hiddenSize
        self.layerCount = layerCount
        self.headCount = headCount
        self.keyValueHeadCount = keyValueHeadCount ?? headCount
        self.headSize = headSize ?? hiddenSize / max(1, headCount)
        self.intermediateSize = intermediateSize
        self.vocabularySize = vocabularySize
        self.normEpsilon = normEpsilon
        rotary = RotaryPositions(theta: ropeTheta)
        self.tiesEmbedding = tiesEmbedding
        self.positionsMax = positionsMax
    }

    /// How many parameters the decoder has; a tied head counts once.
    package var parameterCount: Int {
        let linears = (0..<layerCount).reduce(0) { sum, layer in
            modules(layer: layer).reduce(sum) { $0 + $1.rows * $1.columns }
        }
        let embeddings = vocabularySize * hiddenSize * (tiesEmbedding ? 1 : 2)
        let vectors = (0..<layerCount).reduce(0) { sum, layer in
            self.vectors(layer: layer).reduce(sum) { $0 + $1.count }
        }
        return embeddings + linears + vectors + hiddenSize
    }

    /// θ of the rotary angles.
    package var ropeTheta: Double {
        get { rotary.theta }
        set { rotary.theta = newValue }
    }

    /// The sizes that attention kinds are told.
    package var headShape: HeadShape {
        HeadShape(
            hiddenSize: hiddenSize,
            heads: headCount,
            keyValueHeads: keyValueHeadCount,
            headSize: headSize
        )
    }

    /// The attention kind of a block.
    package func attention(layer: Int) -> any AttentionKind {
        switch attentionKinds.count {
        case 0: SoftmaxAttention()
        case 1: attentionKinds[0].kind
        default: attentionKinds[layer].kind
        }
    }

    /// The same decoder with other attention: one kind for all blocks, or one for each.
    package func with(attention kinds: [any AttentionKind]) -> DecoderConfiguration {
        precondition(
            kinds.count == 1 || kinds.count == layerCount,
            "DecoderConfiguration: \(kinds.count) attention kinds for \(layerCount) blocks"
        )
        var changed = self
        let all = kinds.map { AnyAttention($0) }
        changed.attentionKinds = all.allSatisfy { $0 == all[0] } ? Array(all.prefix(1)) : all
        if changed.attentionKinds == [AnyAttention(SoftmaxAttention())] { changed.attentionKinds = [] }
        return changed
    }

    /// How many blocks a decoder may have.
    static let layers = 1...1024

    /// Throws `.badKey`, naming `file`, when a size is out of range or two sizes do not fit each other.
    package func validate(file: String) throws(CheckpointError) {
        let sizes = [
            ("hidden_size", hiddenSize, 1 << 16), ("num_hidden_layers", layerCount, Self.layers.upperBound),
            ("num_attention_heads", headCount, 1024), ("num_key_value_heads", keyValueHeadCount, 1024),
            ("head_dim", headSize, 4096), ("intermediate_size", intermediateSize, 1 << 20),
            ("vocab_size", vocabularySize, 1 << 22), ("max_position_embeddings", positionsMax, 1 << 24),
        ]
        for (key, size, limit) in sizes where !(1...limit).contains(size) {
            throw .badKey(file: file, key: key, detail: "\(size) is not between 1 and \(limit)")
        }
        guard headCount % keyValueHeadCount == 0 else {
            throw .badKey(
                file: file,
                key: "num_key_value_heads",
                detail: "\(keyValueHeadCount) does not divide num_attention_heads = \(headCount)"
            )
        }
        guard headSize % 2 == 0 else {
            throw .badKey(file: file, key: "head_dim", detail: "\(headSize) is odd; rotary pairs need even")
        }
        guard normEpsilon.isNormal, normEpsilon > 0 else {
            throw .badKey(
                file: file,
                key: "rms_norm_eps",
                detail: "\(normEpsilon) is not positive in float32"
            )
        }
        for positions in [rotary, localRotary].compactMap({ $0 }) {
            if let fault = positions.fault(headSize: headSize) {
                throw .badKey(file: file, key: fault.key, detail: fault.detail)
            }
        }
        try validateFeatures(file: file)
        for layer in 0..<layerCount where !attentionKinds.isEmpty {
            let kind = attention(layer: layer)
            if let fault = fault(of: kind, layer: layer) {
                let place = attentionKinds.count > 1 ? "attention[\(layer)]" : "attention"
                throw .badKey(file: file, key: place, detail: "\(type(of: kind).name): \(fault)")
            }
        }
    }

    private func validateFeatures(file: String) throws(CheckpointError) {
        guard blocks.isEmpty || blocks.count == layerCount else {
            throw .badKey(file: file, key: "layer_types", detail: "\(blocks.count) for \(layerCount) blocks")
        }
        if let window = blocks.compactMap(\.window).first(where: { !(1...1 << 30).contains($0) }) {
            throw .badKey(
                file: file,
                key: "sliding_window",
                detail: "\(window) is not between 1 and \(1 << 30)"
            )
        }
        let numbers: [(key: String, value: Double?)] = [
            ("query_pre_attn_scalar", attentionScalar),
            ("attn_logit_softcapping", attentionCap.map { Double($0) }),
            ("final_logit_softcapping", logitCap.map { Double($0) }),
        ]
        for case (let key, .some(let value)) in numbers where !(1e-3...1e6).contains(value) {
            throw .badKey(file: file, key: key, detail: "\(value) is not between 0.001 and 1000000")
        }
    }
}
