/// The text decoder of Gemma 3 (Gemma Team, arXiv:2503.19786): Gemma 2 with norms of heads in place of the soft caps, and
/// other angles in the blocks that have a window. `Gemma3ForCausalLM` of Hugging Face transformers (`gemma3_text`),
/// `gemma3` of GGUF.
package enum Gemma3: Architecture {
    package static let modelType = "gemma3_text"
    package static let ggufName: String? = "gemma3"

    /// Reads a Hugging Face `config.json`; missing keys take `Gemma3TextConfig`'s defaults.
    package static func decode(from decoder: any Decoder) throws -> DecoderConfiguration {
        let reader = try ConfigurationReader(
            decoder,
            keys: Gemma2.gemmaKeys.union([
                "rope_local_base_freq", "sliding_window_pattern", "_sliding_window_pattern",
            ]),
            harmless: ["cache_implementation"]
        )
        let defaults = ConfigurationReader.Defaults(
            keyValueHeads: 4,
            headSize: 256,
            theta: 1_000_000,
            ties: true,
            positions: 131_072
        )
        let angles = try reader.layeredRotary(defaults, localKey: "rope_local_base_freq", localTheta: 10_000)
        var model = try reader.configuration(modelType, defaults, angles: angles.full)
        model.localRotary = angles.local
        try Gemma2.readGemma(reader, &model, scoreCap: nil, logitCap: nil)
        // Releases of transformers differ in whether they apply it.
        if model.attentionCap != nil {
            throw reader.refuse(
                "attn_logit_softcapping",
                "this family has norms of heads in place of soft caps"
            )
        }
        model.normalisesHeads = true
        let window = try reader.value("sliding_window", orMissing: 4096)
        let patterns: [Int] = try ["sliding_window_pattern", "_sliding_window_pattern"].compactMap {
            try reader.value($0)
        }
        guard Set(patterns).count < 2, patterns.allSatisfy({ $0 > 0 }) else {
            throw reader.refuse("sliding_window_pattern", "found \(patterns), expected one above 0")
        }
        let types = try reader.layerTypes(model.layerCount)
        model.blocks = try (0..<model.layerCount).map { layer in
            let isSliding = types.map { $0[layer] == .sliding } ?? ((layer + 1) % (patterns.first ?? 6) != 0)
            guard isSliding else { return BlockAttention() }
            guard let window else { throw reader.refuse("sliding_window", "is null, but blocks have one") }
            return BlockAttention(window: window, positions: .local)
        }
        return model
    }

    package static func encode(_ model: DecoderConfiguration, to encoder: any Encoder) throws {
        var writer = try ConfigurationWriter(model, name: "Gemma3ForCausalLM", to: encoder)
        try Gemma2.writeGemma(model, to: &writer)
        let local = model.localRotary ?? model.rotary
        let angles = [
            ConfigurationReader.LayerType.full.rawValue: RotaryFile(model.rotary),
            ConfigurationReader.LayerType.sliding.rawValue: RotaryFile(local),
        ]
        try writer.write(angles, "rope_parameters")
        try writer.write(model.rotary.theta, "rope_theta")
        try writer.write(local.theta, "rope_local_base_freq")
        if model.rotary.scaling != .none { try writer.write(RotaryFile(model.rotary), "rope_scaling") }
    }

    // MARK: - GGUF

    package static func configuration(
        of metadata: [String: GGUFValue],
        _ tensors: some TensorSource
    ) throws(CheckpointError) -> DecoderConfiguration {
        let file = try GGUFDescription(
            "gemma3",
            metadata,
            tensors,
            keys: Gemma2.ggufKeys.union(["rope.freq_base_swa"])
        )
        var model = try file.configuration(modelType)
        Gemma2.addGemma(to: &model)
        model.normalisesHeads = true
        // No key says it: readers know the largest model by its number of blocks.
        model.attentionScalar = Gemma2.usualScalar(model, largest: 62)
        model.logitCap = try file.optionalNumber("final_logit_softcapping").map { Float($0) }
        model.localRotary = RotaryPositions(theta: try file.number("rope.freq_base_swa", or: 10_000))
        let window = try file.integer("attention.sliding_window")
        model.blocks = try Gemma2.blocks(file, model, window: window, usual: 6, positions: .local)
        try model.validate(file: tensors.path)
        return model
    }

    package static func ggufDraft(
        of model: DecoderConfiguration,
        file: String
    ) throws(CheckpointError) -> GGUFDraft {
        var draft = try GGUFDraft("gemma3", model, file: file)
        try Gemma2.setGemma(&draft, model, usual: 6, largest: 62)
        let local = model.localRotary ?? model.rotary
        try draft.require(
            local == RotaryPositions(theta: local.theta),
            "rope_parameters.sliding_attention",
            "scaled angles of blocks with a window"
        )
        if local.theta != 10_000 { draft.set("rope.freq_base_swa", .number(local.theta)) }
        return draft
    }
}
