/// Llama 1, 2 and 3 (Touvron et al., arXiv:2302.13971; 2307.09288; Grattafiori et al., 2407.21783) with their rotary
/// scalings: `LlamaForCausalLM` of Hugging Face transformers, `llama` of GGUF.
package enum Llama: Architecture {
    package static let modelType = "llama"
    package static let ggufName: String? = "llama"

    /// Reads a Hugging Face `config.json`; missing keys take `LlamaConfig`'s defaults.
    package static func decode(from decoder: any Decoder) throws -> DecoderConfiguration {
        let reader = try ConfigurationReader(decoder, keys: ["hidden_act", "attention_bias", "mlp_bias"])
        try reader.requireActivation("hidden_act", ["silu", "swish"])
        var model = try reader.configuration(modelType, .init())
        model.biasedModules = try reader.biases()
        return model
    }

    package static func encode(_ model: DecoderConfiguration, to encoder: any Encoder) throws {
        var writer = try ConfigurationWriter(model, name: "LlamaForCausalLM", to: encoder)
        try writer.write("silu", "hidden_act")
        try writer.writeRotary(model.rotary)
        try writer.writeBiases(model)
    }

    // MARK: - GGUF

    package static func configuration(
        of metadata: [String: GGUFValue],
        _ tensors: some TensorSource
    ) throws(CheckpointError) -> DecoderConfiguration {
        let model = try GGUFDescription("llama", metadata, tensors).configuration(modelType)
        try model.validate(file: tensors.path)
        return model
    }

    package static func ggufDraft(
        of model: DecoderConfiguration,
        file: String
    ) throws(CheckpointError) -> GGUFDraft {
        try GGUFDraft("llama", model, file: file)
    }

    /// Under the same name in safetensors; in GGUF under its own, with the rows of queries and keys interleaved.
    package static func place(
        of name: String,
        _ configuration: DecoderConfiguration,
        in form: CheckpointForm
    ) -> TensorPlace {
        guard form == .gguf else { return TensorPlace(name) }
        return GGUFNames.place(of: name, configuration, isInterleaved: true)
    }
}
