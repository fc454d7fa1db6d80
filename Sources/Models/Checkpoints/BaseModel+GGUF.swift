internal import Digest
internal import Text

extension BaseModel {
    static func loadGGUF(_ path: String, source: ModelSource) throws -> BaseModel {
        let gguf = try GGUFCheckpoint(path: path)
        let architecture = try Architectures.of(gguf.metadata, file: path)
        let configuration = try architecture.configuration(of: gguf.metadata, gguf)
        if case .strings(let tokens)? = gguf.metadata["tokenizer.ggml.tokens"] {
            try require(tokens.count, fit: configuration, file: path)
        }
        return try BaseModel(
            configuration: configuration,
            tokenizerSHA256: tokenizerDigest(of: gguf.metadata),
            source: source,
            form: .gguf,
            tensors: gguf,
            makeTokenizer: { [metadata = gguf.metadata] in
                try GGUFTokenizer.make(metadata: metadata, file: path)
            }
        )
    }

    private static func tokenizerDigest(of metadata: [String: GGUFValue]) -> SHA256Digest {
        let hash = SHA256()
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) where key.hasPrefix("tokenizer.") {
            hash.update("\(key) \(value)\n".utf8)
        }
        return hash.finish()
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
