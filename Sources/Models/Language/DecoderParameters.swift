package import Contract
internal import Randomness
package import Tensors
package import Text

/// All weights of a decoder: those of a base model, frozen, or trainable tensors for pre-training and full
/// fine-tuning. Not Sendable, as tensors are not.
package struct DecoderParameters {
    /// The shape of the decoder.
    package let configuration: DecoderConfiguration
    /// The trainable tensors in a fixed order (embedding, blocks, last norm, head); empty when frozen.
    package let trainable: [Tensor]
    let weights: DecoderWeights<any Weight, any VectorWeight>
    let rope: RopeTable

    /// The frozen weights of a base model, shared with it.
    package init(_ base: BaseModel) {
        self.init(base.configuration, base.rope, matrix: { $0 }, vector: { $0 }, from: base)
    }

    /// A trainable copy of a base model.
    package init(trainable base: BaseModel) {
        self.init(
            base.configuration,
            base.rope,
            matrix: { weight in
                Tensor(shape: [weight.rows, weight.columns], values: weight.toArray(), trainable: true)
            },
            vector: { Tensor(shape: [$0.count], values: $0.toArray(), trainable: true) },
            from: base
        )
    }

    /// Fresh trainable weights: Gaussian with standard deviation 0.051 for embedding and untied head,
    /// 0.7/√in for linear maps, times their initial scale; norms 1, biases 0. Each tensor draws from the stream (seed,
    /// "pretrain", name).
    package init(random configuration: DecoderConfiguration, seed: UInt64) {
        var deviations = [CheckpointNames.embedding: 0.051, CheckpointNames.head: 0.051]
        var starts = [CheckpointNames.finalNorm: 1 - configuration.normOffset]
        for layer in 0..<configuration.layerCount {
            for part in configuration.vectors(layer: layer) { starts[part.path(layer: layer)] = part.start }
            for module in configuration.modules(layer: layer) {
                let name = CheckpointNames.weight(module, layer: layer)
                deviations[name] = module.initialScale * 0.7 / Double(module.columns).squareRoot()
            }
        }
        self.init(
            configuration,
            RopeTable(configuration),
            DecoderWeights(
                configuration,
                matrix: { name, rows, columns in
                    var source = GaussianSource(RandomStream(seed: seed, "pretrain", name))
                    let deviation = deviations[name] ?? 0
                    let values = (0..<rows * columns).map { _ in Float(source.next() * deviation) }
                    return Tensor(shape: [rows, columns], values: values, trainable: true)
                },
                vector: { name, count in
                    let values = [Float](repeating: starts[name] ?? 0, count: count)
                    return Tensor(shape: [count], values: values, trainable: true)
                }
            )
        )
    }

    private init(
        _ configuration: DecoderConfiguration,
        _ rope: RopeTable,
        matrix: (any FrozenWeight) -> any Weight,
        vector: (FrozenVector) -> any VectorWeight,
        from base: BaseModel
    ) {
        let named = base.weights.named(configuration)
        let matrices = Dictionary(uniqueKeysWithValues: named.matrices)
        let vectors = Dictionary(uniqueKeysWithValues: named.vectors)
        self.init(
            configuration,
            rope,
            DecoderWeights(
                configuration,
                matrix: { name, _, _ in
                    guard let weight = matrices[name] else { preconditionFailure("no weight '\(name)'") }
                    return matrix(weight)
                },
                vector: { name, _ in
                    guard let weight = vectors[name] else { preconditionFailure("no weight '\(name)'") }
                    return vector(weight)
                }
            )
        )
    }

    private init(
        _ configuration: DecoderConfiguration,
        _ rope: RopeTable,
        _ weights: DecoderWeights<any Weight, any VectorWeight>
    ) {
        self.configuration = configuration
        self.rope = rope
        self.weights = weights
        var tensors = [weights.embedding.differentiable]
        for (layer, block) in weights.layers.enumerated() {
            tensors += configuration.vectors(layer: layer).map { block.vectors[$0.name]?.differentiable }
            tensors += configuration.modules(layer: layer).map { block.linears[$0.name]?.differentiable }
        }
        tensors += [weights.finalNorm.differentiable, weights.head?.differentiable]
        trainable = tensors.compactMap { $0 }
    }

    /// A copy of all weights under their checkpoint names, vectors `[C]`, matrices `[out, in]`.
    package func arrays() -> [NamedArray] {
        let named = weights.named(configuration)
        return named.matrices.map { name, weight in
            NamedArray(name: name, shape: [weight.rows, weight.columns], values: weight.toArray())
        }
            + named.vectors.map { name, weight in
                NamedArray(name: name, shape: [weight.count], values: weight.toArray())
            }
    }

    /// Writes `model.safetensors` and `config.json` into a directory, which is made when missing; Hugging
    /// Face `transformers` and `ModelSource.directory` read them. The same weights give the same bytes.
    ///
    /// - Parameters:
    ///   - path: The directory.
    ///   - precision: How the weights are kept.
    ///   - tokenizer: Its files too, and its ids in `config.json`, so that the folder is all that one needs.
    package func write(
        toDirectory path: String,
        precision: SafetensorsWriter.Precision = .single,
        tokenizer: (any FileTokenizer)? = nil
    ) throws(CheckpointError) {
        try WritableFile.makeDirectory(path)
        try SafetensorsWriter.write(arrays(), precision: precision, to: "\(path)/model.safetensors")
        let file = "\(path)/config.json"
        guard let tokenizer else { return try configuration.write(to: file) }
        let described = ConfigurationFile(
            model: configuration,
            type: precision == .half ? "F16" : "F32",
            tokens: .init(bos: tokenizer.bos, eos: tokenizer.eos, pad: tokenizer.pad)
        )
        try WritableFile.write(JSONFault.encode(described, file: file), to: file)
        try WritableFile.write(tokenizer.fileBytes(), to: "\(path)/tokenizer.json")
        try WritableFile.write(tokenizer.configurationBytes(), to: "\(path)/tokenizer_config.json")
    }
}
