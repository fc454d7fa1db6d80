/// `config.json` with what `transformers` wants to know beside the model's shape.
struct ConfigurationFile: Encodable {
    /// The shape.
    let model: DecoderConfiguration
    /// The type of the weights, as safetensors names it.
    let type: String
    /// The ids around texts.
    let tokens: Tokens

    /// The ids that begin, end and fill sequences.
    struct Tokens: Encodable {
        let bos: Int32?
        let eos: Int32?
        let pad: Int32?

        enum CodingKeys: String, CodingKey {
            case bos = "bos_token_id"
            case eos = "eos_token_id"
            case pad = "pad_token_id"
        }
    }

    private enum CodingKeys: String, CodingKey { case dtype }

    func encode(to encoder: any Encoder) throws {
        try model.encode(to: encoder)
        try tokens.encode(to: encoder)
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(["F32": "float32", "F16": "float16"][type] ?? "bfloat16", forKey: .dtype)
    }
}
