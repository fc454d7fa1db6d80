/// Mistral (Jiang et al., arXiv:2310.06825): Llama whose blocks may all have one window. `MistralForCausalLM` of Hugging
/// Face transformers; its GGUF files are Llama's, which have no window.
package enum Mistral: Architecture {
    package static let modelType = "mistral"
    package static let ggufName: String? = nil

    /// Reads a Hugging Face `config.json`; missing keys take `MistralConfig`'s defaults.
    package static func decode(from decoder: any Decoder) throws -> DecoderConfiguration {
        let reader = try ConfigurationReader(decoder, keys: ["hidden_act", "sliding_window"])
        try reader.requireActivation("hidden_act", ["silu", "swish"])
        var model = try reader.configuration(modelType, .init(keyValueHeads: 8, positions: 131_072))
        if let window = try reader.value("sliding_window", orMissing: 4096) {
            model.blocks = Array(repeating: BlockAttention(window: window), count: model.layerCount)
        }
        return model
    }

    package static func encode(_ model: DecoderConfiguration, to encoder: any Encoder) throws {
        var writer = try ConfigurationWriter(model, name: "MistralForCausalLM", to: encoder)
        try writer.write("silu", "hidden_act")
        try writer.writeRotary(model.rotary)
        try writer.write(model.window, "sliding_window")
    }

    // MARK: - GGUF

    package static func configuration(
        of metadata: [String: GGUFValue],
        _ tensors: some TensorSource
    ) throws(CheckpointError) -> DecoderConfiguration {
        try Llama.configuration(of: metadata, tensors)
    }

    /// Llama's, which readers take for one without windows.
    package static func ggufDraft(
        of model: DecoderConfiguration,
        file: String
    ) throws(CheckpointError) -> GGUFDraft {
        let draft = try Llama.ggufDraft(of: model, file: file)
        try draft.require(model.window == nil, "sliding_window", "a window in this family")
        return draft
    }

    package static func place(
        of name: String,
        _ configuration: DecoderConfiguration,
        in form: CheckpointForm
    ) -> TensorPlace { Llama.place(of: name, configuration, in: form) }
}
