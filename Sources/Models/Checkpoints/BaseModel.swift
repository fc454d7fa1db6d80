package import Digest
internal import Glibc
internal import Tensors
package import Text

/// A pretrained decoder with frozen weights, shared between threads and decoders.
package final class BaseModel: Sendable {
    /// The shape of the model.
    package let configuration: DecoderConfiguration
    /// The digest of the weights, the same whichever form they came in (``WeightsIdentity``); computed when it is first
    /// asked for.
    package var sha256: SHA256Digest { identity.digest }
    /// The digest of what decides which ids a text gets: `tokenizer.json`, `tokenizer_config.json` and
    /// `chat_template.jinja`, or the GGUF file.
    package let tokenizerSHA256: SHA256Digest
    /// Where it was loaded from.
    package let source: ModelSource

    let weights: FrozenWeights
    private let identity: WeightsIdentity
    /// The rotary angles of the usual positions.
    let rope: RopeTable
    private let makeTokenizer: @Sendable () throws -> any Tokenizer

    init(
        configuration: DecoderConfiguration,
        tokenizerSHA256: SHA256Digest,
        source: ModelSource,
        form: CheckpointForm,
        tensors: some TensorSource,
        makeTokenizer: @escaping @Sendable () throws -> any Tokenizer
    ) throws {
        self.configuration = configuration
        self.tokenizerSHA256 = tokenizerSHA256
        self.source = source
        self.makeTokenizer = makeTokenizer
        rope = RopeTable(configuration)
        let architecture = configuration.architecture
        var known = architecture.otherTensors(in: form)
        var stored: [(name: String, shape: [Int], values: FrozenValues)] = []
        func values(_ name: String, _ shape: [Int]) throws(CheckpointError) -> FrozenValues {
            let place = architecture.place(of: name, configuration, in: form)
            known.insert(place.tensor)
            let values = try tensors.frozenValues(at: place, shape: shape)
            stored.append((name, shape, values))
            return values
        }
        self.weights = try FrozenWeights(
            configuration,
            matrix: { name, rows, columns in
                FrozenMatrix(rows: rows, columns: columns, values: try values(name, [rows, columns]))
            },
            vector: { name, count in FrozenVector(try values(name, [count])) }
        )
        identity = WeightsIdentity(stored)
        try Self.requireNoOther(tensors, known: known)
        try tensors.requireUnchanged()
    }

    /// Loads a model: the whole of its weights, widened to float32.
    ///
    /// - Throws: `CheckpointError`, which names the file and the tensor, key or offset.
    package static func load(_ source: ModelSource) throws -> BaseModel {
        switch source {
        case .embedded(let name):
            try loadDirectory(EmbeddedModels.directory(of: name), source: source)
        case .directory(let path):
            try loadDirectory(path, source: source)
        case .gguf(let path):
            try loadGGUF(path, source: source)
        }
    }

    /// Reads a model's shape alone, without its weights.
    ///
    /// - Throws: `CheckpointError`, as `load` does.
    package static func configuration(of source: ModelSource) throws -> DecoderConfiguration {
        switch source {
        case .embedded(let name):
            return try DecoderConfiguration.read(from: EmbeddedModels.directory(of: name) + "/config.json")
        case .directory(let path): return try DecoderConfiguration.read(from: "\(path)/config.json")
        case .gguf(let path):
            let file = try GGUFCheckpoint(path: path)
            return try Architectures.of(file.metadata, file: path).configuration(of: file.metadata, file)
        }
    }

    /// Builds the model's tokenizer from `tokenizer.json` or from the GGUF metadata.
    ///
    /// - Throws: when there is none, or one of a kind that is not known.
    package func tokenizer() throws -> any Tokenizer {
        let tokenizer = try makeTokenizer()
        try BaseModel.require(tokenizer.vocabularySize, fit: configuration, file: "\(source)")
        return tokenizer
    }

    /// Throws where a vocabulary has ids that the embedding has no row for.
    static func require(
        _ vocabulary: Int,
        fit configuration: DecoderConfiguration,
        file: String
    ) throws(CheckpointError) {
        guard vocabulary <= configuration.vocabularySize else {
            throw .badKey(
                file: file,
                key: "vocab_size",
                detail:
                    "the tokenizer has \(vocabulary) ids, the embedding \(configuration.vocabularySize) rows"
            )
        }
    }
}

/// Where a base model comes from.
package enum ModelSource: Sendable, Hashable, CustomStringConvertible {
    /// A model that ships with the program: `tiny-arithmetic`, `tiny-arithmetic-hard`, `tiny-phases` or
    /// `tiny-personas`.
    case embedded(String)
    /// A directory in Hugging Face's layout: `config.json`, `tokenizer.json`, and `model.safetensors` or several files with
    /// their index.
    case directory(String)
    /// A GGUF file, which holds all three, or the first part of a split one.
    case gguf(String)

    /// The source as it is shown and logged: `embedded:tiny-arithmetic`, or the path.
    package var description: String {
        switch self {
        case .embedded(let name): "embedded:\(name)"
        case .directory(let path), .gguf(let path): path
        }
    }
}

extension BaseModel {
    static func loadDirectory(_ path: String, source: ModelSource) throws -> BaseModel {
        let configuration = try DecoderConfiguration.read(from: "\(path)/config.json")
        let weightsPath = "\(path)/model.safetensors"
        if access(weightsPath, F_OK) != 0, access("\(path)/\(ShardedSafetensors.indexName)", F_OK) == 0 {
            return try load(
                ShardedSafetensors(directory: path),
                configuration,
                directory: path,
                source: source
            )
        }
        return try load(SafetensorsFile(path: weightsPath), configuration, directory: path, source: source)
    }

    private static func load(
        _ tensors: some TensorSource,
        _ configuration: DecoderConfiguration,
        directory path: String,
        source: ModelSource
    ) throws -> BaseModel {
        let model = try BaseModel(
            configuration: configuration,
            tokenizerSHA256: tokenizerDigest(inDirectory: path),
            source: source,
            form: .huggingFace,
            tensors: tensors,
            makeTokenizer: { try TokenizerFile.load(path: "\(path)/tokenizer.json") }
        )
        if configuration.tiesEmbedding, tensors.shape(of: CheckpointNames.head) != nil {
            let head = try tensors.values(of: CheckpointNames.head)
            guard head == model.weights.embedding.toArray() else {
                throw CheckpointError.badKey(
                    file: "\(path)/config.json",
                    key: "tie_word_embeddings",
                    detail: "true, but '\(CheckpointNames.head)' is another matrix than the embedding"
                )
            }
        }
        return model
    }

    private static func tokenizerDigest(inDirectory path: String) throws(CheckpointError) -> SHA256Digest {
        var bytes: [UInt8] = []
        for name in ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"] {
            let file = "\(path)/\(name)"
            guard access(file, F_OK) == 0 else { continue }
            let content = try ReadableFile.contents(of: file, limit: TokenizerFile.bytesMax)
            bytes += Array("\(name) \(content.count)\n".utf8) + content
        }
        return SHA256Digest(of: bytes)
    }

    /// Throws for a tensor that the model has no use for: it would be part of another model.
    private static func requireNoOther(
        _ tensors: some TensorSource,
        known: Set<String>
    ) throws(CheckpointError) {
        for name in tensors.names where !known.contains(name) {
            // Old checkpoints keep the rotary frequencies, which follow from θ.
            if name.hasSuffix(".rotary_emb.inv_freq") || name == CheckpointNames.head { continue }
            throw .malformed(
                file: tensors.path,
                offset: nil,
                detail: "tensor '\(name)' is no part of the configured model"
            )
        }
    }
}
