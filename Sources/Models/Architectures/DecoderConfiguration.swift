/// What a decoder is built of, whatever family it came from: pre-RMSNorm blocks with an attention kind each,
/// rotary positions in half-split layout, SwiGLU, no biases.
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
    /// The base of the rotary angles: pair i turns by position·θ^(−2i/D) (`rope_theta`).
    package var ropeTheta: Double
    /// Whether the output head is the embedding (`tie_word_embeddings`).
    package var tiesEmbedding: Bool
    /// The longest sequence (`max_position_embeddings`).
    package var positionsMax: Int
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
        self.ropeTheta = ropeTheta
        self.tiesEmbedding = tiesEmbedding
        self.positionsMax = positionsMax
    }

    /// How many parameters the decoder has; a tied head counts once.
    package var parameterCount: Int {
        let linears = (0..<layerCount).reduce(0) { sum, layer in
            modules(layer: layer).reduce(sum) { $0 + $1.rows * $1.columns }
        }
        let embeddings = vocabularySize * hiddenSize * (tiesEmbedding ? 1 : 2)
        return embeddings + linears + layerCount * 2 * hiddenSize + hiddenSize
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

    /// Throws `.badKey`, naming `file`, when a size is out of range or two sizes do not fit each other.
    package func validate(file: String) throws(CheckpointError) {
        let sizes = [
            ("hidden_size", hiddenSize, 1 << 16), ("num_hidden_layers", layerCount, 1024),
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
        guard (1e-6...1e15).contains(ropeTheta) else {
            throw .badKey(file: file, key: "rope_theta", detail: "\(ropeTheta) is not positive, or over 1e15")
        }
        for (index, kind) in attentionKinds.map(\.kind).enumerated() {
            if let fault = kind.fault(headShape) {
                let place = attentionKinds.count > 1 ? "attention[\(index)]" : "attention"
                throw .badKey(file: file, key: place, detail: "\(type(of: kind).name): \(fault)")
            }
        }
    }
}
