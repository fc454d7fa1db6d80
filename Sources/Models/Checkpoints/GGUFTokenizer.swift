internal import Text

/// The tokenizer in a GGUF file's metadata.
enum GGUFTokenizer {
    /// Makes the tokenizer that the metadata describes.
    ///
    /// - Throws: `CheckpointError` for a missing key or a value of another type, `TokenizerError` for a
    ///   kind that is not
    ///   known and for a vocabulary that contradicts itself.
    static func make(metadata: [String: GGUFValue], file: String) throws -> any Tokenizer {
        var vocabulary = GGUFVocabulary(
            model: try metadata.text("tokenizer.ggml.model", file: file),
            tokens: try metadata.texts("tokenizer.ggml.tokens", file: file)
        )
        if metadata["tokenizer.ggml.pre"] != nil {
            vocabulary.pre = try metadata.text("tokenizer.ggml.pre", file: file)
        }
        vocabulary.types = try integers("token_type", metadata, file: file)
        vocabulary.scores = try scores(metadata, file: file)
        if vocabulary.model == "gpt2" {
            vocabulary.merges = try metadata.texts("tokenizer.ggml.merges", file: file)
        }
        vocabulary.bos = try id("bos", metadata, file: file)
        vocabulary.eos = try id("eos", metadata, file: file)
        vocabulary.pad = try id("padding", metadata, file: file)
        vocabulary.unknown = try id("unknown", metadata, file: file)
        vocabulary.addsBOS = try flag("add_bos_token", metadata, file: file)
        vocabulary.addsEOS = try flag("add_eos_token", metadata, file: file)
        vocabulary.addsSpacePrefix = try flag("add_space_prefix", metadata, file: file)
        vocabulary.removesExtraWhitespace = try flag("remove_extra_whitespaces", metadata, file: file)
        vocabulary.precompiledCharacterMap = try integers("precompiled_charsmap", metadata, file: file)
            .map { UInt8(truncatingIfNeeded: $0) }
        return try vocabulary.tokenizer(source: file)
    }

    private static func integers(
        _ name: String,
        _ metadata: [String: GGUFValue],
        file: String
    ) throws -> [Int32] {
        let key = "tokenizer.ggml.\(name)"
        guard let value = metadata[key] else { return [] }
        guard case .integers(let integers) = value else {
            throw CheckpointError.badKey(file: file, key: key, detail: "is not an array of integers")
        }
        return integers.map { Int32(clamping: $0) }
    }

    private static func scores(_ metadata: [String: GGUFValue], file: String) throws -> [Double] {
        let key = "tokenizer.ggml.scores"
        guard let value = metadata[key] else { return [] }
        guard case .numbers(let scores) = value, scores.allSatisfy(\.isFinite) else {
            throw CheckpointError.badKey(file: file, key: key, detail: "is not an array of finite numbers")
        }
        return scores
    }

    private static func flag(
        _ name: String,
        _ metadata: [String: GGUFValue],
        file: String
    ) throws -> Bool? {
        let key = "tokenizer.ggml.\(name)"
        guard metadata[key] != nil else { return nil }
        return try metadata.integer(key, file: file) != 0
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
