/// What GGUF calls the weights of decoders.
enum GGUFNames {
    static let embedding = "token_embd.weight"
    static let head = "output.weight"
    static let finalNorm = "output_norm.weight"
    /// The factors that the frequencies of rotary pairs are divided by.
    static let factors = "rope_freqs.weight"
    /// The same of texts up to the length that a model was first trained on.
    static let shortFactors = "rope_factors_short.weight"
    /// The same of longer texts.
    static let longFactors = "rope_factors_long.weight"

    /// The linear maps of a block.
    static let modules = [
        "q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output",
        "gate_proj": "ffn_gate", "up_proj": "ffn_up", "down_proj": "ffn_down",
        "qkv_proj": "attn_qkv", "gate_up_proj": "ffn_up",
    ]

    private static let norms = [
        "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "q_norm": "attn_q_norm",
        "k_norm": "attn_k_norm",
    ]

    /// Of a family that has norms after attention and after the feed-forward layer too.
    private static let outerNorms = [
        "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
        "post_feedforward_layernorm": "post_ffw_norm",
    ]

    /// The place of a weight, by this program's name for it.
    ///
    /// - Parameters:
    ///   - name: The name.
    ///   - model: The decoder.
    ///   - isInterleaved: Whether the rows of queries and keys are kept in the order in which GGUF's Llama turns them:
    ///     by the pairs (0, 1), (2, 3), … of a head, where Hugging Face has (i, i + D/2).
    static func place(
        of name: String,
        _ model: DecoderConfiguration,
        isInterleaved: Bool = false
    ) -> TensorPlace {
        switch name {
        case CheckpointNames.embedding: return TensorPlace(embedding)
        case CheckpointNames.head: return TensorPlace(head)
        case CheckpointNames.finalNorm: return TensorPlace(finalNorm, offset: -model.normOffset)
        default: break
        }
        // model.layers.N.<group>.<module>.weight or .bias, or model.layers.N.<norm>.weight
        let parts = name.split(separator: ".").map(String.init)
        guard parts.count >= 5, parts[0] == "model", parts[1] == "layers" else { return TensorPlace(name) }
        let (part, kind) = (parts[parts.count - 2], parts[parts.count - 1])
        let prefix = "blk.\(parts[2])."
        if let norm = (model.hasOuterNorms ? outerNorms[part] : nil) ?? norms[part] {
            return TensorPlace("\(prefix)\(norm).\(kind)", offset: -model.normOffset)
        }
        let isTurned = isInterleaved && (part == "q_proj" || part == "k_proj")
        return TensorPlace(
            "\(prefix)\(modules[part] ?? part).\(kind)",
            interleavedHeadSize: isTurned ? model.headSize : nil
        )
    }
}
