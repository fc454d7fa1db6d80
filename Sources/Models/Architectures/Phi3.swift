/// Phi-3, Phi-3.5, Phi-4 and Phi-4-mini (Abdin et al., arXiv:2404.14219; 2412.08905): Llama with queries, keys and values
/// in one map, and gate and up in another; a window in all blocks, LongRoPE and partly turned heads in some models.
/// `Phi3ForCausalLM` of Hugging Face transformers, `phi3` of GGUF.
package enum Phi3: Architecture {
    package static let modelType = "phi3"
    package static let ggufName: String? = "phi3"

    /// Reads a Hugging Face `config.json`; missing keys take `Phi3Config`'s defaults.
    package static func decode(from decoder: any Decoder) throws -> DecoderConfiguration {
        let reader = try ConfigurationReader(
            decoder,
            keys: ["hidden_act", "sliding_window", "original_max_position_embeddings"],
            harmless: ["auto_map"]
        )
        try reader.requireActivation("hidden_act", ["silu", "swish"])
        var model = try reader.configuration(modelType, .init(epsilon: 1e-5, positions: 4096))
        switch model.rotary.scaling {
        case .none, .long: break
        case .linear, .dynamic, .llama3, .yarn:
            throw reader.refuse("rope_scaling", "rotary scaling of this family is 'longrope' or none")
        }
        model.isFused = true
        if let window: Int = try reader.value("sliding_window") {
            model.blocks = Array(repeating: BlockAttention(window: window), count: max(0, model.layerCount))
        }
        return model
    }

    package static func encode(_ model: DecoderConfiguration, to encoder: any Encoder) throws {
        var writer = try ConfigurationWriter(model, name: "Phi3ForCausalLM", to: encoder)
        try writer.write("silu", "hidden_act")
        try writer.writeRotary(model.rotary)
        try writer.write(model.window, "sliding_window")
        var original = model.positionsMax
        if case .long(let rule) = model.rotary.scaling { original = rule.original }
        try writer.write(original, "original_max_position_embeddings")
    }

    package static func configuration(
        of metadata: [String: GGUFValue],
        _ tensors: some TensorSource
    ) throws(CheckpointError) -> DecoderConfiguration {
        throw .badKey(
            file: tensors.path,
            key: "general.architecture",
            detail: "'\(modelType)' has no GGUF form"
        )
    }
}
