internal import ArgumentParser
internal import Models
internal import Randomness

/// The models, sizes and inputs that the benches of language models share with the peers' scripts.
enum LanguageBench {
    /// Where `deploy/fetch-model` puts the model that is measured unless another is named.
    static let standardModel = "models/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf"

    /// A decoder of 1.1 million values: vocabulary 512, four blocks of width 128 with four heads, tied.
    static let tiny = DecoderConfiguration(
        hiddenSize: 128,
        layerCount: 4,
        headCount: 4,
        intermediateSize: 512,
        vocabularySize: 512,
        normEpsilon: 1e-5,
        ropeTheta: 10_000,
        tiesEmbedding: true,
        positionsMax: 512
    )

    /// Sequences of random tokens; the first three of a vocabulary have a meaning in most models.
    static func sequences(_ count: Int, length: Int, vocabulary: Int, seed: UInt64 = 1) -> [[Int32]] {
        var stream = RandomStream(seed: seed, "bench-sequences", length)
        return (0..<count).map { _ in (0..<length).map { _ in Int32(3 + stream.below(vocabulary - 3)) } }
    }

    /// The values in the linear maps of all blocks, and in the output head.
    static func values(_ model: DecoderConfiguration) -> (blocks: Double, head: Double) {
        let blocks = (0..<model.layerCount).reduce(0) { sum, layer in
            sum + model.modules(layer: layer).reduce(0) { $0 + $1.rows * $1.columns }
        }
        return (Double(blocks), Double(model.vocabularySize * model.hiddenSize))
    }

    /// The operations of causal attention for one token, forwards, where so many tokens stand before it.
    static func attention(_ model: DecoderConfiguration, before: Double) -> Double {
        4 * before * Double(model.headCount * model.headSize * model.layerCount)
    }
}

/// Which model a bench of language models measures.
struct LanguageBenchOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A GGUF file, a folder or an embedded model's name.", valueName: "model"))
    var model = LanguageBench.standardModel

    /// The model's shape.
    func configuration() throws -> DecoderConfiguration {
        try BaseModel.configuration(of: NamedModel.source(model))
    }

    /// The model.
    func load() throws -> BaseModel { try BaseModel.load(NamedModel.source(model)) }
}
