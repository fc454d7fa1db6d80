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
        model.blocks = try (0..<model.layerCount).map { layer in
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

    // MARK: - GGUF

    package static func configuration(
        of metadata: [String: GGUFValue],
        _ tensors: some TensorSource
    ) throws(CheckpointError) -> DecoderConfiguration {
        let file = try GGUFDescription(
            "gemma2",
            metadata,
            tensors,
            keys: ggufKeys.union(["attn_logit_softcapping"])
        )
        var model = try file.configuration(modelType)
        addGemma(to: &model)
        // No key says it: readers know the largest model by its number of blocks.
        model.attentionScalar = usualScalar(model, largest: 46)
        model.attentionCap = Float(try file.number("attn_logit_softcapping", or: 50))
        model.logitCap = Float(try file.number("final_logit_softcapping", or: 30))
        let window = try file.integer("attention.sliding_window", or: 4096)
        model.blocks = try blocks(file, model, window: window, usual: 2)
        try model.validate(file: tensors.path)
        return model
    }

    package static func ggufDraft(
        of model: DecoderConfiguration,
        file: String
    ) throws(CheckpointError) -> GGUFDraft {
        var draft = try GGUFDraft("gemma2", model, file: file)
        try setGemma(&draft, model, usual: 2, largest: 46)
        try draft.require(model.attentionCap != nil, "attn_logit_softcapping", "scores without a soft cap")
        try draft.require(model.logitCap != nil, "final_logit_softcapping", "logits without a soft cap")
        draft.set("attn_logit_softcapping", .number(Double(model.attentionCap ?? 0)))
        return draft
    }

    // MARK: - What Gemma 3 has in GGUF too

    /// The keys that both families read besides the common ones.
    static let ggufKeys: Set<String> = [
        "attention.sliding_window", "attention.sliding_window_pattern", "final_logit_softcapping",
    ]

    /// s of scores q·k / √s: D, but C / H in the largest model.
    static func usualScalar(_ model: DecoderConfiguration, largest: Int) -> Double {
        model.layerCount == largest
            ? Double(model.hiddenSize / max(1, model.headCount)) : Double(model.headSize)
    }

    /// The blocks with a window: all but every n-th one.
    static func blocks(
        _ file: GGUFDescription<some TensorSource>,
        _ model: DecoderConfiguration,
        window: Int,
        usual: Int,
        positions: BlockAttention.Positions = .rotary
    ) throws(CheckpointError) -> [BlockAttention] {
        let key = "attention.sliding_window_pattern"
        let period = try file.integer(key, or: usual)
        guard period > 0 else { throw file.refuse(key, "\(period) is not above 0") }
        guard window > 0 else { throw file.refuse("attention.sliding_window", "\(window) is not above 0") }
        return (0..<model.layerCount).map { layer in
            (layer + 1) % period == 0
                ? BlockAttention() : BlockAttention(window: window, positions: positions)
        }
    }

    /// Sets what ``blocks(_:_:window:usual:positions:)`` reads, and throws for what no key says.
    static func setGemma(
        _ draft: inout GGUFDraft,
        _ model: DecoderConfiguration,
        usual: Int,
        largest: Int
    ) throws(CheckpointError) {
        try draft.require(
            model.attentionScalar == usualScalar(model, largest: largest),
            "query_pre_attn_scalar",
            "\(model.attentionScalar ?? 0) with heads of \(model.headSize) in \(model.layerCount) blocks"
        )
        // The first block without a window says where the others have to be.
        let period = 1 + ((0..<model.layerCount).first { model.block($0).window == nil } ?? model.layerCount)
        let isRegular = (0..<model.layerCount).allSatisfy { layer in
            (model.block(layer).window == nil) == ((layer + 1) % period == 0)
        }
        let windows = Set(model.blocks.compactMap(\.window))
        try draft.require(
            isRegular && windows.count == 1,
            "layer_types",
            "other windows than one in all but every n-th block"
        )
        if let window = model.window { draft.set("attention.sliding_window", .integer(Int64(window))) }
        if period != usual { draft.set("attention.sliding_window_pattern", .integer(Int64(period))) }
        if let cap = model.logitCap { draft.set("final_logit_softcapping", .number(Double(cap))) }
    }
}
