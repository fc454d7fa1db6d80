internal import FoundationEssentials

/// Llama (Touvron et al., arXiv:2302.13971; 2307.09288) without rotary scaling: `LlamaForCausalLM` of Hugging Face
/// transformers, `llama` of GGUF.
package enum Llama: Architecture {
    package static let modelType = "llama"
    package static let ggufName: String? = "llama"

    private enum CodingKeys: String, CodingKey, CaseIterable {
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

    /// θ and the kind of scaling, which older files call `type`.
    private struct Rope: Codable {
        var theta: Double?
        var type: String?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case theta = "rope_theta"
            case type = "rope_type"
        }

        private enum OldKeys: String, CodingKey { case type }

        init(theta: Double) { (self.theta, type) = (theta, "default") }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            let old = try decoder.container(keyedBy: OldKeys.self)
            theta = try values.decodeIfPresent(Double.self, forKey: .theta)
            let oldType = try old.decodeIfPresent(String.self, forKey: .type)
            type = try values.decodeIfPresent(String.self, forKey: .type) ?? oldType
            for name in [type, oldType] {
                guard let name, name != "default" else { continue }
                throw DecodingError.dataCorruptedError(
                    forKey: .type,
                    in: values,
                    debugDescription: "rotary scaling '\(name)' is not known"
                )
            }
            // A factor without a type, or angles by kind of layer.
            let keys = ConfigurationKeys(read: Set(CodingKeys.allCases.map(\.rawValue)).union(["type"]))
            try keys.check(decoder, in: "rope_scaling")
        }
    }

    /// Reads a Hugging Face `config.json`; missing keys take `LlamaConfig`'s defaults. Throws for another
    /// activation, rotary scaling, or biases.
    package static func decode(from decoder: any Decoder) throws -> DecoderConfiguration {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func refuse(_ key: CodingKeys, _ detail: String) -> DecodingError {
            .dataCorruptedError(forKey: key, in: values, debugDescription: "\(key.rawValue): \(detail)")
        }
        let read = Set(CodingKeys.allCases.map(\.rawValue)).union(["attention"])
        try ConfigurationKeys(read: read, harmless: ConfigurationKeys.ofModels).check(decoder)
        if let name = try values.decodeIfPresent(String.self, forKey: .hiddenActivation),
            !["silu", "swish"].contains(name)
        {
            throw refuse(.hiddenActivation, "'\(name)' is not known, only 'silu'")
        }
        for key in [CodingKeys.attentionBias, .feedForwardBias]
        where try values.decodeIfPresent(Bool.self, forKey: key) == true {
            throw refuse(key, "linear maps with biases are not read")
        }
        // Newer files keep θ and the scaling in `rope_parameters`, older ones θ above and `rope_scaling`.
        let rope = try values.decodeIfPresent(Rope.self, forKey: .ropeParameters)
        let scaling = try values.decodeIfPresent(Rope.self, forKey: .ropeScaling)
        let old = try values.decodeIfPresent(Double.self, forKey: .ropeTheta)
        let angles = [rope?.theta, scaling?.theta, old].compactMap { $0 }
        guard Set(angles).count < 2 else { throw refuse(.ropeTheta, "found \(angles), expected one") }
        let heads = try values.decode(Int.self, forKey: .headCount)
        return DecoderConfiguration(
            hiddenSize: try values.decode(Int.self, forKey: .hiddenSize),
            layerCount: try values.decode(Int.self, forKey: .layerCount),
            headCount: heads,
            keyValueHeadCount: try values.decodeIfPresent(Int.self, forKey: .keyValueHeadCount),
            headSize: try values.decodeIfPresent(Int.self, forKey: .headSize),
            intermediateSize: try values.decode(Int.self, forKey: .intermediateSize),
            vocabularySize: try values.decode(Int.self, forKey: .vocabularySize),
            normEpsilon: Float(try values.decodeIfPresent(Double.self, forKey: .normEpsilon) ?? 1e-6),
            ropeTheta: angles.first ?? 10_000,
            tiesEmbedding: try values.decodeIfPresent(Bool.self, forKey: .tiesEmbedding) ?? false,
            positionsMax: try values.decodeIfPresent(Int.self, forKey: .positionsMax) ?? 2048
        )
    }

    /// Writes a `config.json` that older and newer Hugging Face releases read.
    package static func encode(_ model: DecoderConfiguration, to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(["LlamaForCausalLM"], forKey: .architectures)
        try values.encode(modelType, forKey: .modelType)
        try values.encode("silu", forKey: .hiddenActivation)
        try values.encode(model.hiddenSize, forKey: .hiddenSize)
        try values.encode(model.layerCount, forKey: .layerCount)
        try values.encode(model.headCount, forKey: .headCount)
        try values.encode(model.keyValueHeadCount, forKey: .keyValueHeadCount)
        try values.encode(model.headSize, forKey: .headSize)
        try values.encode(model.intermediateSize, forKey: .intermediateSize)
        try values.encode(model.vocabularySize, forKey: .vocabularySize)
        try values.encode(model.normEpsilon, forKey: .normEpsilon)
        try values.encode(model.ropeTheta, forKey: .ropeTheta)
        try values.encode(Rope(theta: model.ropeTheta), forKey: .ropeParameters)
        try values.encode(model.tiesEmbedding, forKey: .tiesEmbedding)
        try values.encode(model.positionsMax, forKey: .positionsMax)
        try values.encode(false, forKey: .attentionBias)
        try values.encode(false, forKey: .feedForwardBias)
    }

    // MARK: - GGUF

    /// The decoder that the metadata describes; throws for rotary scaling.
    package static func configuration(
        of metadata: [String: GGUFValue],
        _ tensors: some TensorSource
    ) throws(CheckpointError) -> DecoderConfiguration {
        let path = tensors.path
        try GGUFKeys.check(metadata, family: "llama", file: path)
        guard tensors.shape(of: "rope_freqs.weight") == nil else {
            throw .badKey(file: path, key: "rope_freqs.weight", detail: "rotary scaling is not known")
        }
        let heads = try metadata.integer("llama.attention.head_count", file: path)
        let hidden = try metadata.integer("llama.embedding_length", file: path)
        guard let embedding = tensors.shape(of: "token_embd.weight"), embedding.count == 2 else {
            throw .missingTensor(file: path, name: "token_embd.weight")
        }
        let rows = try metadata.integer("llama.vocab_size", or: embedding[0], file: path)
        guard rows == embedding[0] else {
            throw .badKey(
                file: path,
                key: "llama.vocab_size",
                detail: "\(rows), but there are \(embedding[0]) rows"
            )
        }
        let headSize = try metadata.integer(
            "llama.attention.key_length",
            or: hidden / max(1, heads),
            file: path
        )
        for key in ["llama.attention.value_length", "llama.rope.dimension_count"] {
            let size = try metadata.integer(key, or: headSize, file: path)
            guard size == headSize else {
                throw .badKey(file: path, key: key, detail: "\(size), but heads have \(headSize)")
            }
        }
        let configuration = DecoderConfiguration(
            hiddenSize: hidden,
            layerCount: try metadata.integer("llama.block_count", file: path),
            headCount: heads,
            keyValueHeadCount: try metadata.integer("llama.attention.head_count_kv", or: heads, file: path),
            headSize: headSize,
            intermediateSize: try metadata.integer("llama.feed_forward_length", file: path),
            vocabularySize: embedding[0],
            normEpsilon: Float(try metadata.number("llama.attention.layer_norm_rms_epsilon", file: path)),
            ropeTheta: try metadata.number("llama.rope.freq_base", or: 10_000, file: path),
            tiesEmbedding: tensors.shape(of: "output.weight") == nil,
            positionsMax: try metadata.integer("llama.context_length", file: path)
        )
        try configuration.validate(file: path)
        return configuration
    }

    /// Under the same name in safetensors; in GGUF under its own, with the rows of queries and keys interleaved: GGUF's
    /// Llama turns the pairs (0, 1), (2, 3), … of a head where Hugging Face turns (i, i + D/2).
    package static func place(
        of name: String,
        _ configuration: DecoderConfiguration,
        in form: CheckpointForm
    ) -> TensorPlace {
        guard form == .gguf else { return TensorPlace(name) }
        let isTurned = name.hasSuffix("q_proj.weight") || name.hasSuffix("k_proj.weight")
        return TensorPlace(
            ggufTensor(of: name),
            interleavedHeadSize: isTurned ? configuration.headSize : nil
        )
    }

    /// The GGUF name of a tensor of a Hugging Face checkpoint.
    private static func ggufTensor(of name: String) -> String {
        switch name {
        case CheckpointNames.embedding: return "token_embd.weight"
        case CheckpointNames.head: return "output.weight"
        case CheckpointNames.finalNorm: return "output_norm.weight"
        default: break
        }
        // model.layers.N.<group>.<module>.weight, or model.layers.N.<norm>.weight
        let parts = name.split(separator: ".")
        guard parts.count >= 5, parts[0] == "model", parts[1] == "layers" else { return name }
        let part =
            switch parts[parts.count - 2] {
            case "input_layernorm": "attn_norm"
            case "post_attention_layernorm": "ffn_norm"
            case "q_proj": "attn_q"
            case "k_proj": "attn_k"
            case "v_proj": "attn_v"
            case "o_proj": "attn_output"
            case "gate_proj": "ffn_gate"
            case "up_proj": "ffn_up"
            case "down_proj": "ffn_down"
            default: String(parts[parts.count - 2])
            }
        return "blk.\(parts[2]).\(part).weight"
    }
}
