internal import Contract

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
        var model = try reader.configuration(
            modelType,
            .init(epsilon: 1e-5, positions: 4096, turnsParts: true)
        )
        switch model.rotary.scaling {
        case .none, .long: break
        case .linear, .dynamic, .llama3, .yarn:
            throw reader.refuse("rope_scaling", "rotary scaling of this family is 'longrope' or none")
        }
        model.isFused = true
        if let window: Int = try reader.value("sliding_window") {
            model.blocks = Array(repeating: BlockAttention(window: window), count: model.layerCount)
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

    // MARK: - GGUF

    package static func configuration(
        of metadata: [String: GGUFValue],
        _ tensors: some TensorSource
    ) throws(CheckpointError) -> DecoderConfiguration {
        let file = try GGUFDescription(
            "phi3",
            metadata,
            tensors,
            keys: ["attention.sliding_window", "rope.scaling.attn_factor"]
        )
        var model = try file.configuration(modelType, isFused: true)
        let window = try file.integer("attention.sliding_window", or: 0)
        if window > 0 {
            model.blocks = Array(repeating: BlockAttention(window: window), count: model.layerCount)
        }
        guard tensors.shape(of: GGUFNames.shortFactors) != nil else {
            try model.validate(file: tensors.path)
            return model
        }
        let pairs = model.rotary.turnedSize(headSize: model.headSize) / 2
        func factors(_ name: String) throws(CheckpointError) -> [Double] {
            try tensors.values(of: name, shape: [pairs]).map { Double($0) }
        }
        let rule = LongScaling(
            short: try factors(GGUFNames.shortFactors),
            long: try factors(GGUFNames.longFactors),
            original: try file.integer("rope.scaling.original_context_length"),
            positions: model.positionsMax,
            attentionFactor: try file.optionalNumber("rope.scaling.attn_factor") ?? 1
        )
        model.rotary.scaling = .long(rule.withoutUsualFactor)
        model.positionsMax = rule.positionsMax
        try model.validate(file: tensors.path)
        return model
    }

    package static func ggufDraft(
        of model: DecoderConfiguration,
        file: String
    ) throws(CheckpointError) -> GGUFDraft {
        var plain = model
        plain.rotary.scaling = .none
        var draft = try GGUFDraft("phi3", plain, file: file)
        draft.set("attention.sliding_window", .integer(Int64(model.window ?? 0)))
        draft.set("rope.scaling.original_context_length", .integer(Int64(model.positionsMax)))
        guard case .long(let rule) = model.rotary.scaling else { return draft }
        draft.set("context_length", .integer(Int64(rule.positions)))
        draft.set("rope.scaling.original_context_length", .integer(Int64(rule.original)))
        draft.set("rope.scaling.attn_factor", .number(rule.magnitude))
        for (name, factors) in [(GGUFNames.shortFactors, rule.short), (GGUFNames.longFactors, rule.long)] {
            let values = factors.map { Float($0) }
            draft.tensors.append(NamedArray(name: name, shape: [values.count], values: values))
        }
        return draft
    }

    package static func otherTensors(in form: CheckpointForm) -> Set<String> {
        form == .gguf ? [GGUFNames.shortFactors, GGUFNames.longFactors] : []
    }
}
