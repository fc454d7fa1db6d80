/// This program's own family: a Llama whose blocks have other attention kinds. `config.json` is Llama's with
/// `model_type: tributary` and the key `attention`, one kind for all blocks or a list with one for each:
///
///     "attention": {"kind": "hyperFeature", "order": 2}
///
/// Other programs refuse the model type, as they should: they would compute something else.
package enum InteractionDecoder: Architecture {
    package static let modelType = "tributary"
    package static let ggufName: String? = nil

    private enum CodingKeys: String, CodingKey {
        case architectures
        case modelType = "model_type"
        case attention
        case layerCount = "num_hidden_layers"
    }

    package static func decode(from decoder: any Decoder) throws -> DecoderConfiguration {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let kinds: [AnyAttention]
        if var list = try? values.nestedUnkeyedContainer(forKey: .attention) {
            var read: [AnyAttention] = []
            while !list.isAtEnd { read.append(try list.decode(AnyAttention.self)) }
            kinds = read
        } else {
            kinds = [try values.decode(AnyAttention.self, forKey: .attention)]
        }
        let plain = try Llama.decode(from: decoder)
        guard kinds.count == 1 || kinds.count == plain.layerCount else {
            throw DecodingError.dataCorruptedError(
                forKey: .attention,
                in: values,
                debugDescription: "found \(kinds.count) kinds, expected one or \(plain.layerCount)"
            )
        }
        return plain.with(attention: kinds.map(\.kind))
    }

    package static func encode(_ model: DecoderConfiguration, to encoder: any Encoder) throws {
        try Llama.encode(model, to: encoder)
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(["TributaryForCausalLM"], forKey: .architectures)
        try values.encode(modelType, forKey: .modelType)
        if model.attentionKinds.count == 1 {
            try values.encode(model.attentionKinds[0], forKey: .attention)
        } else {
            try values.encode(model.attentionKinds, forKey: .attention)
        }
    }

    package static func configuration(
        of metadata: [String: GGUFValue],
        _ tensors: some TensorSource
    ) throws(CheckpointError) -> DecoderConfiguration {
        throw .badKey(
            file: tensors.path,
            key: "general.architecture",
            detail: "'\(modelType)' has no GGUF form"
        )
    }

    package static func ggufDraft(
        of model: DecoderConfiguration,
        file: String
    ) throws(CheckpointError) -> GGUFDraft {
        throw .badKey(file: file, key: "model_type", detail: "'\(modelType)' has no GGUF form")
    }
}
