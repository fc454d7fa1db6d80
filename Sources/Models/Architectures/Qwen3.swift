/// Qwen3 (Yang et al., arXiv:2505.09388): Llama with a norm of each head's queries and keys, and heads of a width of
/// their own. `Qwen3ForCausalLM` of Hugging Face transformers, `qwen3` of GGUF.
package enum Qwen3: Architecture {
    package static let modelType = "qwen3"
    package static let ggufName: String? = "qwen3"

    /// Reads a Hugging Face `config.json`; missing keys take `Qwen3Config`'s defaults.
    package static func decode(from decoder: any Decoder) throws -> DecoderConfiguration {
        let reader = try ConfigurationReader(
            decoder,
            keys: Qwen2.windowKeys.union(["hidden_act", "attention_bias"])
        )
        try reader.requireActivation("hidden_act", ["silu", "swish"])
        var model = try reader.configuration(
            modelType,
            .init(keyValueHeads: 32, headSize: 128, positions: 32_768)
        )
        model.normalisesHeads = true
        model.biasedModules = try reader.biases()
        model.blocks = try Qwen2.blocks(reader, model)
        return model
    }

    package static func encode(_ model: DecoderConfiguration, to encoder: any Encoder) throws {
        var writer = try ConfigurationWriter(model, name: "Qwen3ForCausalLM", to: encoder)
        try writer.write("silu", "hidden_act")
        try writer.writeRotary(model.rotary)
        try writer.write(model.biasedModules.contains("o_proj"), "attention_bias")
        try Qwen2.write(blocksOf: model, to: &writer)
    }

    // MARK: - GGUF

    package static func configuration(
        of metadata: [String: GGUFValue],
        _ tensors: some TensorSource
    ) throws(CheckpointError) -> DecoderConfiguration {
        let file = try GGUFDescription("qwen3", metadata, tensors)
        var model = try file.configuration(modelType)
        model.normalisesHeads = true
        try model.validate(file: tensors.path)
        return model
    }

    package static func ggufDraft(
        of model: DecoderConfiguration,
        file: String
    ) throws(CheckpointError) -> GGUFDraft {
        let draft = try GGUFDraft("qwen3", model, file: file)
        try draft.require(model.window == nil, "use_sliding_window", "windows in this family")
        return draft
    }
}
