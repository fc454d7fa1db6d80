internal import ArgumentParser
internal import Foundation
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

    /// The tiny decoder with frozen random weights, by way of a folder, as a model comes.
    static func frozenTiny(_ form: WeightForm) throws -> BaseModel {
        let own = ProcessInfo.processInfo.processIdentifier
        let folder = FileManager.default.temporaryDirectory.appending(path: "tributary-bench-tiny-\(own)")
            .path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try DecoderParameters(random: tiny, seed: 1).write(toDirectory: folder)
        return try BaseModel.load(.directory(folder), weights: form)
    }

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

/// Which model a bench of language models measures, and in which forms.
struct LanguageBenchOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A GGUF file, a folder or an embedded model's name.", valueName: "model"))
    var model = LanguageBench.standardModel

    @OptionGroup var forms: BenchForms

    /// The model's shape.
    func configuration() throws -> DecoderConfiguration {
        try BaseModel.configuration(of: NamedModel.source(model))
    }

    /// The form of a process that measures one.
    var form: WeightForm { forms.weights[0] }

    /// The model in that form.
    func load() throws -> BaseModel { try BaseModel.load(NamedModel.source(model), weights: form) }

    /// The bytes of a matrix's value in a form; the blocks of a file, where it has some, have those of the file.
    func bytes(of form: WeightForm) throws -> Double {
        switch form {
        case .float32: return 4
        case .bfloat16: return 2
        case .int8:
            guard model.hasSuffix(".gguf") else { return 1.125 }
            let values = LanguageBench.values(try configuration())
            let size = try FileManager.default.attributesOfItem(atPath: model)[.size] as? Int ?? 0
            return Double(size) / (values.blocks + values.head)
        }
    }
}
