internal import Digest
internal import Text

extension BaseModel {
    static func loadGGUF(_ path: String, source: ModelSource) throws -> BaseModel {
        let file = try ReadableFile(path: path)
        let gguf = try GGUFFile(file)
        let configuration = try gguf.decoderConfiguration()
        return try BaseModel(
            configuration: configuration,
            sha256: file.sha256(),
            source: source,
            weights: { name, shape in try gguf.checkpointValues(of: name, shape: shape, configuration) },
            makeTokenizer: { [metadata = gguf.metadata] in
                try GGUFTokenizer.make(metadata: metadata, file: path)
            }
        )
    }
}

extension GGUFFile {
    /// The decoder that the metadata describes; throws for an architecture other than `llama` and for rotary
    /// scaling.
    func decoderConfiguration() throws(CheckpointError) -> DecoderConfiguration {
        let architecture = try metadata.text("general.architecture", file: path)
        guard architecture == "llama" else {
            throw .badKey(file: path, key: "general.architecture", detail: "'\(architecture)' is not 'llama'")
        }
        if let scaling = metadata["llama.rope.scaling.type"], scaling != .string("none") {
            throw .badKey(file: path, key: "llama.rope.scaling.type", detail: "rotary scaling is not known")
        }
        guard entries["rope_freqs.weight"] == nil else {
            throw .badKey(file: path, key: "rope_freqs.weight", detail: "rotary scaling is not known")
        }
        let heads = try metadata.integer("llama.attention.head_count", file: path)
        let hidden = try metadata.integer("llama.embedding_length", file: path)
        guard let embedding = shape(of: "token_embd.weight"), embedding.count == 2 else {
            throw .missingTensor(file: path, name: "token_embd.weight")
        }
        let configuration = DecoderConfiguration(
            hiddenSize: hidden,
            layerCount: try metadata.integer("llama.block_count", file: path),
            headCount: heads,
            keyValueHeadCount: try metadata.integer("llama.attention.head_count_kv", or: heads, file: path),
            headSize: try metadata.integer(
                "llama.rope.dimension_count",
                or: hidden / max(1, heads),
                file: path
            ),
            intermediateSize: try metadata.integer("llama.feed_forward_length", file: path),
            vocabularySize: embedding[0],
            normEpsilon: Float(try metadata.number("llama.attention.layer_norm_rms_epsilon", file: path)),
            ropeTheta: try metadata.number("llama.rope.freq_base", or: 10_000, file: path),
            tiesEmbedding: entries["output.weight"] == nil,
            positionsMax: try metadata.integer("llama.context_length", file: path)
        )
        try configuration.validate(file: path)
        return configuration
    }

    /// A tensor by its Hugging Face name, with the rows of queries and keys put back into half-split order.
    ///
    /// GGUF's Llama turns the pairs (0, 1), (2, 3), … of a head where Hugging Face turns (i, i + D/2), so its
    /// converter interleaved the rows of both maps: row 2i + h of a head here is row h·D/2 + i there.
    func checkpointValues(
        of name: String,
        shape: [Int],
        _ configuration: DecoderConfiguration
    ) throws(CheckpointError) -> [Float] {
        let values = try values(of: Self.ggufName(of: name), shape: shape)
        guard name.hasSuffix("q_proj.weight") || name.hasSuffix("k_proj.weight") else { return values }
        let (rows, columns, half) = (shape[0], shape[1], configuration.headSize / 2)
        var result = [Float]()
        result.reserveCapacity(values.count)
        for row in 0..<rows {
            let (head, place) = row.quotientAndRemainder(dividingBy: configuration.headSize)
            let source = head * configuration.headSize + 2 * (place % half) + place / half
            result.append(contentsOf: values[source * columns..<(source + 1) * columns])
        }
        return result
    }

    /// The GGUF name of a tensor of a Hugging Face checkpoint.
    static func ggufName(of name: String) -> String {
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

extension [String: GGUFValue] {
    /// A text value; throws when the key is missing or holds something else.
    func text(_ key: String, file: String) throws(CheckpointError) -> String {
        guard case .string(let value)? = self[key] else { throw fault(key, "a text", file: file) }
        return value
    }

    /// An integer value; throws when the key is missing and there is no default, or holds something else.
    func integer(_ key: String, or standard: Int? = nil, file: String) throws(CheckpointError) -> Int {
        if let standard, self[key] == nil { return standard }
        guard case .integer(let value)? = self[key] else { throw fault(key, "an integer", file: file) }
        return Int(value)
    }

    /// A floating-point value; throws when the key is missing and there is no default.
    func number(_ key: String, or standard: Double? = nil, file: String) throws(CheckpointError) -> Double {
        if let standard, self[key] == nil { return standard }
        guard case .number(let value)? = self[key] else { throw fault(key, "a number", file: file) }
        return value
    }

    /// An array of texts; throws when the key is missing or holds something else.
    func texts(_ key: String, file: String) throws(CheckpointError) -> [String] {
        guard case .strings(let value)? = self[key] else { throw fault(key, "an array of texts", file: file) }
        return value
    }

    private func fault(_ key: String, _ expected: String, file: String) -> CheckpointError {
        .badKey(file: file, key: key, detail: self[key] == nil ? "is missing" : "is not \(expected)")
    }
}
