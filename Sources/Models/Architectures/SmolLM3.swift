/// SmolLM3 (Hugging Face, 2025): Llama in which every fourth block has no positions. `SmolLM3ForCausalLM` of Hugging Face
/// transformers, `smollm3` of GGUF.
package enum SmolLM3: Architecture {
    package static let modelType = "smollm3"
    package static let ggufName: String? = "smollm3"

    /// Reads a Hugging Face `config.json`; missing keys take `SmolLM3Config`'s defaults.
    package static func decode(from decoder: any Decoder) throws -> DecoderConfiguration {
        let reader = try ConfigurationReader(
            decoder,
            keys: [
                "hidden_act", "attention_bias", "mlp_bias", "no_rope_layers", "no_rope_layer_interval",
                "layer_types", "use_sliding_window", "sliding_window",
            ],
            harmless: ["max_window_layers"]
        )
        try reader.requireActivation("hidden_act", ["silu", "swish"])
        var model = try reader.configuration(
            modelType,
            .init(keyValueHeads: 4, theta: 2_000_000, ties: true, positions: 32_768)
        )
        model.biasedModules = try reader.biases()
        model.blocks = try blocks(reader, model.layerCount)
        return model
    }

    /// `no_rope_layers` has 1 for a block with positions and 0 for one without; those without are the ones with a window
    /// where that is switched on and `layer_types` says nothing else.
    private static func blocks(_ reader: ConfigurationReader, _ layers: Int) throws -> [BlockAttention] {
        let interval = try reader.value("no_rope_layer_interval") ?? 4
        guard interval > 0 else {
            throw reader.refuse("no_rope_layer_interval", "\(interval) is not above 0")
        }
        let turned: [Int] =
            try reader.value("no_rope_layers") ?? (0..<layers).map { ($0 + 1) % interval == 0 ? 0 : 1 }
        guard turned.count >= layers, turned.allSatisfy({ $0 == 0 || $0 == 1 }) else {
            throw reader.refuse("no_rope_layers", "\(turned.count) of 0 and 1 for \(layers) blocks")
        }
        let types = try reader.layerTypes(layers)
        let window: Int? = try reader.isOn("use_sliding_window") ? reader.value("sliding_window") : nil
        guard window != nil || types?.contains(.sliding) != true else {
            throw reader.refuse("layer_types", "'sliding_attention', but no window is switched on")
        }
        let blocks = (0..<layers).map { layer in
            let isSliding = types.map { $0[layer] == .sliding } ?? (turned[layer] == 0)
            return BlockAttention(
                window: isSliding ? window : nil,
                positions: turned[layer] == 1 ? .rotary : .none
            )
        }
        return blocks.allSatisfy { $0 == BlockAttention() } ? [] : blocks
    }

    package static func encode(_ model: DecoderConfiguration, to encoder: any Encoder) throws {
        var writer = try ConfigurationWriter(model, name: "SmolLM3ForCausalLM", to: encoder)
        try writer.write("silu", "hidden_act")
        try writer.writeRotary(model.rotary)
        try writer.writeBiases(model)
        let turned = (0..<model.layerCount).map { model.block($0).positions == .none ? 0 : 1 }
        try writer.write(turned, "no_rope_layers")
        try writer.write(model.layerTypes, "layer_types")
        try writer.write(model.window != nil, "use_sliding_window")
        try writer.write(model.window, "sliding_window")
    }

    // MARK: - GGUF

    package static func configuration(
        of metadata: [String: GGUFValue],
        _ tensors: some TensorSource
    ) throws(CheckpointError) -> DecoderConfiguration {
        let file = try GGUFDescription("smollm3", metadata, tensors)
        var model = try file.configuration(modelType)
        model.blocks = usualBlocks(model.layerCount)
        try model.validate(file: tensors.path)
        return model
    }

    package static func ggufDraft(
        of model: DecoderConfiguration,
        file: String
    ) throws(CheckpointError) -> GGUFDraft {
        let draft = try GGUFDraft("smollm3", model, file: file)
        try draft.require(
            model.blocks == usualBlocks(model.layerCount),
            "no_rope_layers",
            "windows, or other blocks without positions than every fourth, in this family"
        )
        return draft
    }

    /// Every fourth block is without positions.
    private static func usualBlocks(_ layers: Int) -> [BlockAttention] {
        let blocks = (0..<layers).map { BlockAttention(positions: ($0 + 1) % 4 == 0 ? .none : .rotary) }
        return layers < 4 ? [] : blocks
    }

    package static func place(
        of name: String,
        _ configuration: DecoderConfiguration,
        in form: CheckpointForm
    ) -> TensorPlace {
        form == .gguf ? GGUFNames.place(of: name, configuration, isInterleaved: true) : TensorPlace(name)
    }
}
