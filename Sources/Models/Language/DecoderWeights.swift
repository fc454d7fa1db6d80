internal import Tensors

/// All weights of a decoder in their places: frozen ones of a base model, or any.
struct DecoderWeights<Matrix, Vector> {
    /// One block's weights.
    struct Layer {
        /// Norms and biases, by the names of `DecoderConfiguration.vectors(layer:)`.
        let vectors: [String: Vector]
        /// `[out, in]`, by the names of `DecoderConfiguration.modules(layer:)`.
        let linears: [String: Matrix]
    }

    /// The token embeddings `[V, C]`.
    let embedding: Matrix
    /// The output head `[V, C]`; nil when it is the embedding.
    let head: Matrix?
    /// `[C]`, of the last norm.
    let finalNorm: Vector
    let layers: [Layer]

    /// Makes every weight that a configuration has, by name and shape.
    init(
        _ configuration: DecoderConfiguration,
        matrix: (_ name: String, _ rows: Int, _ columns: Int) throws -> Matrix,
        vector: (_ name: String, _ count: Int) throws -> Vector
    ) rethrows {
        let (hidden, vocabulary) = (configuration.hiddenSize, configuration.vocabularySize)
        embedding = try matrix(CheckpointNames.embedding, vocabulary, hidden)
        head = configuration.tiesEmbedding ? nil : try matrix(CheckpointNames.head, vocabulary, hidden)
        finalNorm = try vector(CheckpointNames.finalNorm, hidden)
        layers = try (0..<configuration.layerCount).map { layer in
            var linears: [String: Matrix] = [:]
            var vectors: [String: Vector] = [:]
            for part in configuration.vectors(layer: layer) {
                vectors[part.name] = try vector(part.path(layer: layer), part.count)
            }
            for module in configuration.modules(layer: layer) {
                let name = CheckpointNames.weight(module, layer: layer)
                linears[module.name] = try matrix(name, module.rows, module.columns)
            }
            return Layer(vectors: vectors, linears: linears)
        }
    }
}

extension DecoderWeights {
    /// Every weight with its name.
    func named(_ configuration: DecoderConfiguration) -> (
        matrices: [(String, Matrix)], vectors: [(String, Vector)]
    ) {
        var matrices = [(CheckpointNames.embedding, embedding)]
        var vectors = [(CheckpointNames.finalNorm, finalNorm)]
        if let head { matrices.append((CheckpointNames.head, head)) }
        for (index, layer) in layers.enumerated() {
            for part in configuration.vectors(layer: index) {
                guard let weight = layer.vectors[part.name] else { continue }
                vectors.append((part.path(layer: index), weight))
            }
            for module in configuration.modules(layer: index) {
                guard let weight = layer.linears[module.name] else { continue }
                matrices.append((CheckpointNames.weight(module, layer: index), weight))
            }
        }
        return (matrices, vectors)
    }
}

extension DecoderWeights.Layer: Sendable where Matrix: Sendable, Vector: Sendable {}
extension DecoderWeights: Sendable where Matrix: Sendable, Vector: Sendable {}

/// The weights of a base model, which threads share.
typealias FrozenWeights = DecoderWeights<any FrozenWeight, FrozenVector>

extension FrozenWeights {
    /// A copy of a weight's values by its name; nil when there is none.
    func values(of name: String, _ configuration: DecoderConfiguration) -> [Float]? {
        let named = named(configuration)
        if let matrix = named.matrices.first(where: { $0.0 == name }) { return matrix.1.toArray() }
        return named.vectors.first { $0.0 == name }?.1.toArray()
    }
}

/// The names of weights in this program: those of Hugging Face's Llama.
enum CheckpointNames {
    static let embedding = "model.embed_tokens.weight"
    static let head = "lm_head.weight"
    static let finalNorm = "model.norm.weight"

    static func weight(_ module: LinearModule, layer: Int) -> String { module.path(layer: layer) + ".weight" }
}

extension RopeTable {
    /// The positions that a table covers at first; longer inputs get a longer one.
    static let usualPositions = 2048

    /// The angles of a decoder's positions.
    ///
    /// - Parameters:
    ///   - configuration: The decoder.
    ///   - angles: Those of some blocks; nil for the model's.
    ///   - headSize: The width of heads where these have one of their own.
    ///   - count: How many positions are needed at least; a configuration may allow for millions.
    init(
        _ configuration: DecoderConfiguration,
        _ angles: RotaryPositions? = nil,
        headSize: Int? = nil,
        covering count: Int = usualPositions
    ) {
        var positions = Self.usualPositions
        while positions < count { positions *= 2 }
        let (angles, size) = (angles ?? configuration.rotary, headSize ?? configuration.headSize)
        self.init(
            headSize: size,
            frequencies: angles.frequencies(headSize: size),
            magnitude: angles.magnitude,
            positions: min(positions, configuration.positionsMax)
        )
    }
}
