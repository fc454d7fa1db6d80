internal import FoundationEssentials

extension DecoderConfiguration: Codable {
    private enum CodingKeys: String, CodingKey {
        case architectures
        case modelType = "model_type"
        case hiddenActivation = "hidden_act"
        case hiddenSize = "hidden_size"
        case layerCount = "num_hidden_layers"
        case headCount = "num_attention_heads"
        case keyValueHeadCount = "num_key_value_heads"
        case headSize = "head_dim"
        case intermediateSize = "intermediate_size"
        case vocabularySize = "vocab_size"
        case normEpsilon = "rms_norm_eps"
        case ropeTheta = "rope_theta"
        case ropeParameters = "rope_parameters"
        case ropeScaling = "rope_scaling"
        case tiesEmbedding = "tie_word_embeddings"
        case positionsMax = "max_position_embeddings"
        case attentionBias = "attention_bias"
        case feedForwardBias = "mlp_bias"
    }

    private struct Rope: Codable {
        var theta: Double?
        var type: String?

        enum CodingKeys: String, CodingKey {
            case theta = "rope_theta"
            case type = "rope_type"
        }
    }

    /// Reads a Hugging Face `config.json`; missing keys take `LlamaConfig`'s defaults. Throws for a model
    /// that is not a plain Llama: another `model_type`, activation or rotary scaling, or biases.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func refuse(_ key: CodingKeys, _ detail: String) -> DecodingError {
            .dataCorruptedError(forKey: key, in: values, debugDescription: "\(key.rawValue): \(detail)")
        }
        if let type = try values.decodeIfPresent(String.self, forKey: .modelType), type != "llama" {
            throw refuse(.modelType, "'\(type)' is not read, only 'llama'")
        }
        if let name = try values.decodeIfPresent(String.self, forKey: .hiddenActivation), name != "silu" {
            throw refuse(.hiddenActivation, "'\(name)' is not known, only 'silu'")
        }
        for key in [CodingKeys.attentionBias, .feedForwardBias]
        where try values.decodeIfPresent(Bool.self, forKey: key) == true {
            throw refuse(key, "linear maps with biases are not read")
        }
        // Newer files keep θ and the scaling in `rope_parameters`, older ones θ above and `rope_scaling`.
        let rope = try values.decodeIfPresent(Rope.self, forKey: .ropeParameters)
        let scaling = try values.decodeIfPresent(Rope.self, forKey: .ropeScaling)
        if let type = rope?.type ?? scaling?.type, type != "default" {
            throw refuse(.ropeScaling, "rotary scaling '\(type)' is not known")
        }
        let heads = try values.decode(Int.self, forKey: .headCount)
        self.init(
            hiddenSize: try values.decode(Int.self, forKey: .hiddenSize),
            layerCount: try values.decode(Int.self, forKey: .layerCount),
            headCount: heads,
            keyValueHeadCount: try values.decodeIfPresent(Int.self, forKey: .keyValueHeadCount),
            headSize: try values.decodeIfPresent(Int.self, forKey: .headSize),
            intermediateSize: try values.decode(Int.self, forKey: .intermediateSize),
            vocabularySize: try values.decode(Int.self, forKey: .vocabularySize),
            normEpsilon: try values.decodeIfPresent(Float.self, forKey: .normEpsilon) ?? 1e-6,
            ropeTheta: try rope?.theta ?? values.decodeIfPresent(Double.self, forKey: .ropeTheta) ?? 10_000,
            tiesEmbedding: try values.decodeIfPresent(Bool.self, forKey: .tiesEmbedding) ?? false,
            positionsMax: try values.decodeIfPresent(Int.self, forKey: .positionsMax) ?? 2048
        )
    }

    /// Writes a `config.json` that older and newer Hugging Face releases read.
    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(["LlamaForCausalLM"], forKey: .architectures)
        try values.encode("llama", forKey: .modelType)
        try values.encode("silu", forKey: .hiddenActivation)
        try values.encode(hiddenSize, forKey: .hiddenSize)
        try values.encode(layerCount, forKey: .layerCount)
        try values.encode(headCount, forKey: .headCount)
        try values.encode(keyValueHeadCount, forKey: .keyValueHeadCount)
        try values.encode(headSize, forKey: .headSize)
        try values.encode(intermediateSize, forKey: .intermediateSize)
        try values.encode(vocabularySize, forKey: .vocabularySize)
        try values.encode(normEpsilon, forKey: .normEpsilon)
        try values.encode(ropeTheta, forKey: .ropeTheta)
        try values.encode(Rope(theta: ropeTheta, type: "default"), forKey: .ropeParameters)
        try values.encode(tiesEmbedding, forKey: .tiesEmbedding)
        try values.encode(positionsMax, forKey: .positionsMax)
        try values.encode(false, forKey: .attentionBias)
        try values.encode(false, forKey: .feedForwardBias)
    }

    /// The largest `config.json` that is read.
    static let fileBytesMax = 1 << 20

    /// Reads and validates a `config.json`.
    package static func read(from path: String) throws(CheckpointError) -> DecoderConfiguration {
        let bytes = try ReadableFile.contents(of: path, limit: fileBytesMax)
        let configuration: DecoderConfiguration
        do {
            configuration = try JSONDecoder().decode(DecoderConfiguration.self, from: Data(bytes))
        } catch {
            throw .malformed(file: path, offset: nil, detail: JSONFault.describe(error))
        }
        try configuration.validate(file: path)
        return configuration
    }

    /// Writes a `config.json`; the same configuration gives the same bytes.
    package func write(to path: String) throws(CheckpointError) {
        try WritableFile.write(JSONFault.encode(self, file: path), to: path)
    }
}
