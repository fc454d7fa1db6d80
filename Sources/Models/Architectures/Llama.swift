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

    /// The keys of a GGUF file.
    package static func ggufKeys(
        of model: DecoderConfiguration,
        file: String
    ) throws(CheckpointError) -> [(key: String, value: GGUFFileWriter.Value)] {
        let sizes = [
            ("vocab_size", model.vocabularySize), ("context_length", model.positionsMax),
            ("embedding_length", model.hiddenSize), ("block_count", model.layerCount),
            ("feed_forward_length", model.intermediateSize), ("attention.head_count", model.headCount),
            ("attention.head_count_kv", model.keyValueHeadCount), ("attention.key_length", model.headSize),
            ("attention.value_length", model.headSize), ("rope.dimension_count", model.headSize),
        ]
        let theta = Float(model.ropeTheta)
        guard Double(theta) == model.ropeTheta else {
            throw .badKey(
                file: file,
                key: "rope.freq_base",
                detail: "\(model.ropeTheta) is no float32 number"
            )
        }
        return sizes.map { ($0.0, .unsigned(UInt32($0.1))) } + [
            ("rope.freq_base", .float(theta)),
            ("attention.layer_norm_rms_epsilon", .float(model.normEpsilon)),
        ]
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
