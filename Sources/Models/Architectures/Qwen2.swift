/// Qwen2 and Qwen2.5 (Yang et al., arXiv:2407.10671; 2412.15115): Llama with biases on queries, keys and values, and a
/// window in the upper blocks where that is switched on. `Qwen2ForCausalLM` of Hugging Face transformers, `qwen2` of
/// GGUF.
package enum Qwen2: Architecture {
    package static let modelType = "qwen2"
    package static let ggufName: String? = "qwen2"

    private static let biases: Set<String> = ["q_proj", "k_proj", "v_proj"]

    /// Reads a Hugging Face `config.json`; missing keys take `Qwen2Config`'s defaults.
    package static func decode(from decoder: any Decoder) throws -> DecoderConfiguration {
        let reader = try ConfigurationReader(decoder, keys: windowKeys.union(["hidden_act"]))
        try reader.requireActivation("hidden_act", ["silu", "swish"])
        var model = try reader.configuration(modelType, .init(keyValueHeads: 32, positions: 32_768))
        model.biasedModules = biases
        model.blocks = try blocks(reader, model)
        return model
    }

    package static func encode(_ model: DecoderConfiguration, to encoder: any Encoder) throws {
        var writer = try ConfigurationWriter(model, name: "Qwen2ForCausalLM", to: encoder)
        try writer.write("silu", "hidden_act")
        try writer.writeRotary(model.rotary)
        try write(blocksOf: model, to: &writer)
    }

    // MARK: - Windows, which Qwen3 has too

    /// The keys that windows are read from.
    static let windowKeys: Set<String> = [
        "use_sliding_window", "sliding_window", "max_window_layers", "layer_types",
    ]

    /// The blocks by `layer_types`, or from `max_window_layers` on; empty where no window is switched on.
    static func blocks(
        _ reader: ConfigurationReader,
        _ model: DecoderConfiguration
    ) throws -> [BlockAttention] {
        let types = try reader.layerTypes(model.layerCount)
        let window = try reader.value("sliding_window", orMissing: 4096)
        guard try reader.isOn("use_sliding_window"), let window else {
            guard types?.contains(.sliding) != true else {
                throw reader.refuse("layer_types", "'sliding_attention', but no window is switched on")
            }
            return []
        }
        let first = try reader.value("max_window_layers") ?? 28
        let blocks = (0..<model.layerCount).map { layer in
            let isSliding = types.map { $0[layer] == .sliding } ?? (layer >= first)
            return BlockAttention(window: isSliding ? window : nil)
        }
        return blocks.allSatisfy { $0.window == nil } ? [] : blocks
    }

    /// Writes what ``blocks(_:_:)`` reads.
    static func write(blocksOf model: DecoderConfiguration, to writer: inout ConfigurationWriter) throws {
        try writer.write(model.window != nil, "use_sliding_window")
        try writer.write(model.window, "sliding_window")
        let first = (0..<model.layerCount).first { model.block($0).window != nil } ?? model.layerCount
        try writer.write(first, "max_window_layers")
        if model.window != nil { try writer.write(model.layerTypes, "layer_types") }
    }

    // MARK: - GGUF

    package static func configuration(
        of metadata: [String: GGUFValue],
        _ tensors: some TensorSource
    ) throws(CheckpointError) -> DecoderConfiguration {
        let file = try GGUFDescription("qwen2", metadata, tensors)
        let model = try file.configuration(modelType)
        guard model.biasedModules.isSuperset(of: biases) else {
            throw .missingTensor(file: tensors.path, name: "blk.0.attn_q.bias")
        }
        try model.validate(file: tensors.path)
        return model
    }

    package static func ggufDraft(
        of model: DecoderConfiguration,
        file: String
    ) throws(CheckpointError) -> GGUFDraft {
        let draft = try GGUFDraft("qwen2", model, file: file)
        try draft.require(model.window == nil, "use_sliding_window", "windows in this family")
        return draft
    }
}
