internal import Text

/// The tokenizer in a GGUF file's metadata.
enum GGUFTokenizer {
    /// Makes the byte-pair tokenizer that the metadata describes.
    ///
    /// - Throws: `CheckpointError` for a missing key or a kind that is not known, `TokenizerError` for a
    ///   vocabulary that contradicts itself.
    static func make(metadata: [String: GGUFValue], file: String) throws -> any Tokenizer {
        let model = try metadata.text("tokenizer.ggml.model", file: file)
        guard model == "gpt2" else {
            throw CheckpointError.badKey(
                file: file,
                key: "tokenizer.ggml.model",
                detail: "'\(model)' is not known, only byte-level BPE ('gpt2')"
            )
        }
        let pre = try metadata.text("tokenizer.ggml.pre", file: file)
        let preTokenizer: PreTokenizer
        switch pre {
        case "smollm": preTokenizer = .smolLM
        case "gpt-2", "gpt2": preTokenizer = .gpt2
        default:
            throw CheckpointError.badKey(
                file: file,
                key: "tokenizer.ggml.pre",
                detail: "'\(pre)' is not known, only 'smollm' and 'gpt-2'"
            )
        }
        return try BytePairTokenizer(
            tokens: metadata.texts("tokenizer.ggml.tokens", file: file),
            tokenTypes: types(metadata, file: file),
            merges: metadata.texts("tokenizer.ggml.merges", file: file),
            preTokenizer: preTokenizer,
            bos: id("bos", metadata, file: file),
            eos: id("eos", metadata, file: file),
            pad: id("padding", metadata, file: file),
            source: file
        )
    }

    private static func types(_ metadata: [String: GGUFValue], file: String) throws -> [Int32] {
        let key = "tokenizer.ggml.token_type"
        guard let value = metadata[key] else { return [] }
        guard case .integers(let types) = value else {
            throw CheckpointError.badKey(file: file, key: key, detail: "is not an array of integers")
        }
        return types.map { Int32(clamping: $0) }
    }

    private static func id(_ name: String, _ metadata: [String: GGUFValue], file: String) throws -> Int32? {
        let key = "tokenizer.ggml.\(name)_token_id"
        guard metadata[key] != nil else { return nil }
        let value = try metadata.integer(key, file: file)
        guard let id = Int32(exactly: value) else {
            throw CheckpointError.badKey(file: file, key: key, detail: "\(value) is not a token id")
        }
        return id
    }
}
