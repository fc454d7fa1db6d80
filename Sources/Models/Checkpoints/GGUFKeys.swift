/// Which metadata keys of a family a GGUF file may have: what is not known could change what the model computes.
enum GGUFKeys {
    /// The keys that are read, or say nothing about what the model computes, behind the family's name.
    private static let known: Set<String> = [
        "attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.value_length",
        "attention.layer_norm_rms_epsilon", "block_count", "context_length", "embedding_length",
        "feed_forward_length", "vocab_size", "rope.dimension_count", "rope.freq_base",
        "rope.scaling.original_context_length", "rope.scaling.finetuned", "rope.scaling.type",
        "rope.scaling.factor", "rope.scale_linear", "rope.scaling.yarn_beta_fast",
        "rope.scaling.yarn_beta_slow", "tensor_data_layout",
    ]

    /// The keys that change nothing at one value.
    private static let neutral: [String: GGUFValue] = [
        "rope.scaling.attn_factor": .number(1), "rope.scaling.yarn_ext_factor": .number(1),
        "rope.scaling.yarn_attn_factor": .number(1), "expert_count": .integer(0),
        "expert_used_count": .integer(0),
        "attention.causal": .integer(1), "attention.clamp_kqv": .number(0),
        "attention.max_alibi_bias": .number(0),
        "attention.sliding_window": .integer(0), "logit_scale": .number(1), "residual_scale": .number(1),
        "embedding_scale": .number(1), "use_parallel_residual": .integer(0), "pooling_type": .integer(0),
        "attn_logit_softcapping": .number(0), "final_logit_softcapping": .number(0),
    ]

    /// What a tokenizer must not do to every text, which this program's does not.
    private static let tokenizer = ["add_sep_token"]

    /// Throws for a key that could change what the model computes or which ids a text gets.
    ///
    /// - Parameters:
    ///   - metadata: The file's keys.
    ///   - family: `general.architecture`.
    ///   - read: What the family reads besides the common keys, without its name.
    ///   - file: The file, for errors.
    static func check(
        _ metadata: [String: GGUFValue],
        family: String,
        read: Set<String> = [],
        file: String
    ) throws(CheckpointError) {
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            if key.hasPrefix(family + ".") {
                let name = String(key.dropFirst(family.count + 1))
                if known.contains(name) || read.contains(name) || neutral[name] == value { continue }
                let detail =
                    name.hasPrefix("rope.scal")
                    ? "rotary scaling is not known" : "is not known and could change what the model computes"
                throw .badKey(file: file, key: key, detail: detail)
            }
            for name in tokenizer where key == "tokenizer.ggml.\(name)" && value != .integer(0) {
                throw .badKey(
                    file: file,
                    key: key,
                    detail: "adds tokens to every text, which is not done here"
                )
            }
        }
    }
}
