package import Digest
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
