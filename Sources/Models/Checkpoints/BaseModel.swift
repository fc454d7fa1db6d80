package import Digest
internal import Glibc
internal import Tensors
package import Text

/// A pretrained decoder with frozen weights, shared between threads and decoders.
package final class BaseModel: Sendable {
    /// One block's weights.
    struct Layer: Sendable {
        /// The weight `[1, C]` of the norm before attention.
        let attentionNorm: FrozenMatrix
        /// The weight `[1, C]` of the norm before the feed-forward layer.
        let feedForwardNorm: FrozenMatrix
        /// The seven matrices `[out, in]` in the order of `LinearModule.allCases`.
        let linears: [FrozenMatrix]
    }

    /// The shape of the model.
    package let configuration: DecoderConfiguration
    /// The digest of the weights file (`model.safetensors` or the GGUF file): what a federation agrees on.
    package let sha256: SHA256Digest
    /// Where it was loaded from.
    package let source: ModelSource

    /// The token embeddings `[V, C]`.
    let embedding: FrozenMatrix
    /// The output head `[V, C]`; nil when it is the embedding.
    let head: FrozenMatrix?
    /// The weight `[1, C]` of the last norm.
    let finalNorm: FrozenMatrix
    let layers: [Layer]
    /// The rotary angles of all positions.
    let rope: RopeTable
    private let makeTokenizer: @Sendable () throws -> any Tokenizer

    init(
        configuration: DecoderConfiguration,
        sha256: SHA256Digest,
        source: ModelSource,
        weights: (_ name: String, _ shape: [Int]) throws -> [Float],
        makeTokenizer: @escaping @Sendable () throws -> any Tokenizer
    ) throws {
        self.configuration = configuration
        self.sha256 = sha256
        self.source = source
        self.makeTokenizer = makeTokenizer
        let hidden = configuration.hiddenSize
        func matrix(_ name: String, _ rows: Int, _ columns: Int) throws -> FrozenMatrix {
            FrozenMatrix(rows: rows, columns: columns, values: try weights(name, [rows, columns]))
        }
        func vector(_ name: String) throws -> FrozenMatrix {
            FrozenMatrix(rows: 1, columns: hidden, values: try weights(name, [hidden]))
        }
        rope = RopeTable(configuration)
        embedding = try matrix(CheckpointNames.embedding, configuration.vocabularySize, hidden)
        head =
            configuration.tiesEmbedding
            ? nil : try matrix(CheckpointNames.head, configuration.vocabularySize, hidden)
        finalNorm = try vector(CheckpointNames.finalNorm)
        layers = try (0..<configuration.layerCount).map { layer in
            Layer(
                attentionNorm: try vector(CheckpointNames.attentionNorm(layer)),
                feedForwardNorm: try vector(CheckpointNames.feedForwardNorm(layer)),
                linears: try LinearModule.allCases.map { module in
                    let (rows, columns) = module.shape(configuration)
                    return try matrix(module.path(layer: layer) + ".weight", rows, columns)
                }
            )
        }
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

    /// Builds the model's tokenizer from `tokenizer.json` or from the GGUF metadata.
    ///
    /// - Throws: when there is none, or one of a kind that is not known.
    package func tokenizer() throws -> any Tokenizer {
        try makeTokenizer()
    }
}

/// Where a base model comes from.
package enum ModelSource: Sendable, Hashable, CustomStringConvertible {
    /// A model that ships with the program: `tiny-arithmetic` or `tiny-arithmetic-hard`.
    case embedded(String)
    /// A directory in Hugging Face's layout: `config.json`, `model.safetensors`, `tokenizer.json`.
    case directory(String)
    /// A GGUF file, which holds all three.
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
        if access(weightsPath, R_OK) != 0, access("\(weightsPath).index.json", F_OK) == 0 {
            throw CheckpointError.inaccessible(
                file: weightsPath,
                reason: "the checkpoint is split into several files; only a single file is read"
            )
        }
        let file = try ReadableFile(path: weightsPath)
        let tensors = try SafetensorsFile(file)
        return try BaseModel(
            configuration: configuration,
            sha256: file.sha256(),
            source: source,
            weights: { name, shape in try tensors.values(of: name, shape: shape) },
            makeTokenizer: { try TokenizerFile.load(path: "\(path)/tokenizer.json") }
        )
    }
}

/// The names of the tensors outside the linear maps, as Hugging Face's Llama writes them.
enum CheckpointNames {
    static let embedding = "model.embed_tokens.weight"
    static let head = "lm_head.weight"
    static let finalNorm = "model.norm.weight"

    static func attentionNorm(_ layer: Int) -> String { "model.layers.\(layer).input_layernorm.weight" }

    static func feedForwardNorm(_ layer: Int) -> String {
        "model.layers.\(layer).post_attention_layernorm.weight"
    }
}
