/// A `config.json` being written, for older and newer Hugging Face releases.
struct ConfigurationWriter {
    private var values: KeyedEncodingContainer<AnyKey>

    /// Writes what all families have.
    ///
    /// - Parameters:
    ///   - model: The decoder.
    ///   - name: `architectures`, one of them.
    ///   - encoder: Where to.
    init(_ model: DecoderConfiguration, name: String, to encoder: any Encoder) throws {
        values = encoder.container(keyedBy: AnyKey.self)
        try write([name], "architectures")
        try write(model.modelType, "model_type")
        try write(model.hiddenSize, "hidden_size")
        try write(model.layerCount, "num_hidden_layers")
        try write(model.headCount, "num_attention_heads")
        try write(model.keyValueHeadCount, "num_key_value_heads")
        try write(model.headSize, "head_dim")
        try write(model.intermediateSize, "intermediate_size")
        try write(model.vocabularySize, "vocab_size")
        try write(model.normEpsilon, "rms_norm_eps")
        try write(model.tiesEmbedding, "tie_word_embeddings")
        var positions = model.positionsMax
        if case .long(let rule) = model.rotary.scaling { positions = rule.positions }
        try write(positions, "max_position_embeddings")
    }

    /// Writes the rotary positions of all blocks where newer and where older releases look for them.
    mutating func writeRotary(_ positions: RotaryPositions) throws {
        try write(positions.theta, "rope_theta")
        try write(RotaryFile(positions), "rope_parameters")
        if positions.scaling != .none { try write(RotaryFile(positions), "rope_scaling") }
        if positions.turnedShare != 1 { try write(positions.turnedShare, "partial_rotary_factor") }
    }

    /// Writes a value; nil as null.
    mutating func write(_ value: (some Encodable)?, _ key: String) throws {
        guard let value else { return try values.encodeNil(forKey: AnyKey(key)) }
        try values.encode(value, forKey: AnyKey(key))
    }
}

extension ConfigurationWriter {
    /// Writes `attention_bias` and `mlp_bias`.
    mutating func writeBiases(_ model: DecoderConfiguration) throws {
        try write(model.biasedModules.contains("o_proj"), "attention_bias")
        try write(model.biasedModules.contains("down_proj"), "mlp_bias")
    }
}
