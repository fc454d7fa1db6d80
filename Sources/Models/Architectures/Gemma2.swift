/// Gemma 2 (Gemma Team, arXiv:2408.00118): norms whose weights are distances from 1 before and after attention and the
/// feed-forward layer, embeddings multiplied by √C, GEGLU, soft caps of scores and logits, and a window in every other
/// block. `Gemma2ForCausalLM` of Hugging Face transformers, `gemma2` of GGUF.
package enum Gemma2: Architecture {
    package static let modelType = "gemma2"
    package static let ggufName: String? = "gemma2"

    /// Reads a Hugging Face `config.json`; missing keys take `Gemma2Config`'s defaults.
    package static func decode(from decoder: any Decoder) throws -> DecoderConfiguration {
        let reader = try ConfigurationReader(decoder, keys: gemmaKeys, harmless: ["cache_implementation"])
        var model = try reader.configuration(
            modelType,
            .init(keyValueHeads: 4, headSize: 256, ties: true, positions: 8192)
        )
        try readGemma(reader, &model, scoreCap: 50, logitCap: 30)
        let window = try reader.value("sliding_window", orMissing: 4096)
        let types = try reader.layerTypes(model.layerCount)
        model.blocks = try (0..<max(0, model.layerCount)).map { layer in
            guard types.map({ $0[layer] == .sliding }) ?? (layer % 2 == 0) else { return BlockAttention() }
            guard let window else { throw reader.refuse("sliding_window", "is null, but blocks have one") }
            return BlockAttention(window: window)
        }
        return model
    }

    package static func encode(_ model: DecoderConfiguration, to encoder: any Encoder) throws {
        var writer = try ConfigurationWriter(model, name: "Gemma2ForCausalLM", to: encoder)
        try writer.writeRotary(model.rotary)
        try writeGemma(model, to: &writer)
    }

    // MARK: - What Gemma 3 has too

    /// The keys that both families read.
    static let gemmaKeys: Set<String> = [
        "hidden_act", "hidden_activation", "attention_bias", "query_pre_attn_scalar", "sliding_window",
        "layer_types", "attn_logit_softcapping", "final_logit_softcapping", "use_bidirectional_attention",
    ]

    /// Reads what both families have.
    static func readGemma(
        _ reader: ConfigurationReader,
        _ model: inout DecoderConfiguration,
        scoreCap: Double?,
        logitCap: Double?
    ) throws {
        for key in ["hidden_act", "hidden_activation"] {
            try reader.requireActivation(key, ["gelu_pytorch_tanh"])
        }
        if try reader.isOn("use_bidirectional_attention") {
            throw reader.refuse("use_bidirectional_attention", "only causal attention is known")
        }
        model.biasedModules = try reader.isOn("attention_bias") ? ConfigurationReader.attentionMaps : []
        model.attentionScalar = try reader.value("query_pre_attn_scalar") ?? 256
        model.attentionCap = try reader.value("attn_logit_softcapping", orMissing: scoreCap).map { Float($0) }
        model.logitCap = try reader.value("final_logit_softcapping", orMissing: logitCap).map { Float($0) }
        addGemma(to: &model)
    }

    /// Adds what no key says.
    static func addGemma(to model: inout DecoderConfiguration) {
        model.activation = .geluTanh
        model.normOffset = 1
        model.hasOuterNorms = true
        model.embeddingScale = Float(Double(model.hiddenSize).squareRoot())
    }

    /// Writes what ``readGemma(_:_:scoreCap:logitCap:)`` reads, and the windows.
    static func writeGemma(_ model: DecoderConfiguration, to writer: inout ConfigurationWriter) throws {
        try writer.write("gelu_pytorch_tanh", "hidden_act")
        try writer.write("gelu_pytorch_tanh", "hidden_activation")
        try writer.write(model.biasedModules.contains("o_proj"), "attention_bias")
        try writer.write(model.attentionScalar, "query_pre_attn_scalar")
        try writer.write(model.attentionCap, "attn_logit_softcapping")
        try writer.write(model.logitCap, "final_logit_softcapping")
        try writer.write(model.window ?? 4096, "sliding_window")
        try writer.write(model.layerTypes, "layer_types")
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
