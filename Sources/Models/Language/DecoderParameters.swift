package import Contract
internal import Randomness
package import Tensors

/// All weights of a decoder: those of a base model, frozen, or trainable tensors for pre-training and full
/// fine-tuning. Not Sendable, as tensors are not.
package struct DecoderParameters {
    struct Layer {
        let attentionNorm: Weight
        let feedForwardNorm: Weight
        /// In the order of `LinearModule.allCases`.
        let linears: [Weight]
    }

    /// The shape of the decoder.
    package let configuration: DecoderConfiguration
    /// The trainable tensors in a fixed order (embedding, blocks, last norm, head); empty when frozen.
    package let trainable: [Tensor]
    let embedding: Weight
    /// The embedding itself when the head is tied.
    let head: Weight
    let finalNorm: Weight
    let layers: [Layer]
    let rope: RopeTable

    /// The frozen weights of a base model, shared with it.
    package init(_ base: BaseModel) {
        self.init(base.configuration, rope: base.rope) { .frozen($0(base)) }
    }

    /// A trainable copy of a base model.
    package init(trainable base: BaseModel) {
        self.init(base.configuration, rope: base.rope) { pick in
            let matrix = pick(base)
            return .trainable(
                Tensor(shape: [matrix.rows, matrix.columns], values: matrix.toArray(), trainable: true)
            )
        }
    }

    /// Fresh trainable weights: Gaussian with standard deviation 0.051 for embedding and untied head,
    /// 0.7/√in for linear maps; norms 1. Each tensor draws from the stream (seed, "pretrain", name).
    package init(random configuration: DecoderConfiguration, seed: UInt64) {
        func gaussian(_ name: String, _ rows: Int, _ columns: Int, _ deviation: Double) -> Weight {
            var source = GaussianSource(RandomStream(seed: seed, "pretrain", name))
            let values = (0..<rows * columns).map { _ in Float(source.next() * deviation) }
            return .trainable(Tensor(shape: [rows, columns], values: values, trainable: true))
        }
        let hidden = configuration.hiddenSize
        func ones() -> Weight {
            let values = [Float](repeating: 1, count: hidden)
            return .trainable(Tensor(shape: [1, hidden], values: values, trainable: true))
        }
        let vocabulary = configuration.vocabularySize
        self.init(
            configuration: configuration,
            rope: RopeTable(configuration),
            embedding: gaussian(CheckpointNames.embedding, vocabulary, hidden, 0.051),
            head: configuration.tiesEmbedding
                ? nil : gaussian(CheckpointNames.head, vocabulary, hidden, 0.051),
            finalNorm: ones(),
            layers: (0..<configuration.layerCount).map { layer in
                Layer(
                    attentionNorm: ones(),
                    feedForwardNorm: ones(),
                    linears: LinearModule.allCases.map { module in
                        let (rows, columns) = module.shape(configuration)
                        let deviation = 0.7 / Double(columns).squareRoot()
                        return gaussian(module.path(layer: layer) + ".weight", rows, columns, deviation)
                    }
                )
            }
        )
    }

    private init(
        _ configuration: DecoderConfiguration,
        rope: RopeTable,
        _ weight: ((BaseModel) -> FrozenMatrix) -> Weight
    ) {
        self.init(
            configuration: configuration,
            rope: rope,
            embedding: weight { $0.embedding },
            head: configuration.tiesEmbedding ? nil : weight { $0.head ?? $0.embedding },
            finalNorm: weight { $0.finalNorm },
            layers: (0..<configuration.layerCount).map { layer in
                Layer(
                    attentionNorm: weight { $0.layers[layer].attentionNorm },
                    feedForwardNorm: weight { $0.layers[layer].feedForwardNorm },
                    linears: LinearModule.allCases.map { module in
                        weight { $0.layers[layer].linears[module.ordinal] }
                    }
                )
            }
        )
    }

    private init(
        configuration: DecoderConfiguration,
        rope: RopeTable,
        embedding: Weight,
        head: Weight?,
        finalNorm: Weight,
        layers: [Layer]
    ) {
        self.configuration = configuration
        self.rope = rope
        self.embedding = embedding
        self.head = head ?? embedding
        self.finalNorm = finalNorm
        self.layers = layers
        let blocks = layers.flatMap { [$0.attentionNorm, $0.feedForwardNorm] + $0.linears }
        trainable = ([embedding] + blocks + [finalNorm] + (head.map { [$0] } ?? [])).compactMap(\.tensor)
    }

    /// A copy of all weights under their Hugging Face names, vectors `[C]`, matrices `[out, in]`.
    package func arrays() -> [NamedArray] {
        let hidden = configuration.hiddenSize
        let table = [configuration.vocabularySize, hidden]
        var arrays = [
            NamedArray(name: CheckpointNames.embedding, shape: table, values: embedding.toArray()),
            NamedArray(name: CheckpointNames.finalNorm, shape: [hidden], values: finalNorm.toArray()),
        ]
        if !configuration.tiesEmbedding {
            arrays.append(NamedArray(name: CheckpointNames.head, shape: table, values: head.toArray()))
        }
        for (index, layer) in layers.enumerated() {
            let norms = [
                (CheckpointNames.attentionNorm(index), layer.attentionNorm),
                (CheckpointNames.feedForwardNorm(index), layer.feedForwardNorm),
            ]
            for (name, weight) in norms {
                arrays.append(NamedArray(name: name, shape: [hidden], values: weight.toArray()))
            }
            for (module, weight) in zip(LinearModule.allCases, layer.linears) {
                let (rows, columns) = module.shape(configuration)
                let name = module.path(layer: index) + ".weight"
                arrays.append(NamedArray(name: name, shape: [rows, columns], values: weight.toArray()))
            }
        }
        return arrays
    }

    /// Writes `model.safetensors` and `config.json` into a directory, which is made when missing; Hugging
    /// Face `transformers` and `ModelSource.directory` read them. The same weights give the same bytes.
    package func write(toDirectory path: String) throws(CheckpointError) {
        try WritableFile.makeDirectory(path)
        try SafetensorsWriter.write(arrays(), to: "\(path)/model.safetensors")
        try configuration.write(to: "\(path)/config.json")
    }
}
