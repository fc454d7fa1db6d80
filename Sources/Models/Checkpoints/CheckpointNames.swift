/// The names of the tensors outside the linear maps, as Hugging Face's Llama writes them.
enum CheckpointNames {
    static let embedding = "model.embed_tokens.weight"
    static let head = "lm_head.weight"
    static let finalNorm = "model.norm.weight"

    static func attentionNorm(_ layer: Int) -> String { "model.layers.\(layer).input_layernorm.weight" }

    static func feedForwardNorm(_ layer: Int) -> String {
        "model.layers.\(layer).post_attention_layernorm.weight"
    }
}
