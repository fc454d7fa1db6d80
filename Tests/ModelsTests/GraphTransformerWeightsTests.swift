import Contract
import Foundation
import Testing

@testable import Models
@testable import Tensors

@Suite("Weights of graph transformers") struct GraphTransformerWeightsTests {
    private let lowRank = GraphAdaptation.lowRank(rank: 2, alpha: 4)

    private func batch(_ model: GraphTransformer) -> GraphBatch {
        GraphSamples.batch([GraphSamples.path(12)], model.configuration)
    }

    @Test("low-rank factors start as the same function, and train beside frozen maps")
    func lowRankStart() throws {
        let configuration = GraphSamples.actor()
        let dense = try GraphTransformer(configuration, seed: 3)
        let model = try GraphTransformer(configuration, seed: 3, adaptation: lowRank)
        let states = batch(model)
        #expect(model.outputs(states) == dense.outputs(states))

        let frozen = model.arrays.filter { model.weights[$0.name] == nil }
        let tape = Tape()
        let y = model.outputs(tape: tape, batch: states)
        tape.backward(from: y, seed: [Float](repeating: 1, count: y.count))
        var optimiser = AdamW(learningRate: 0.1)
        optimiser.step(parameters: model.parameters)

        #expect(model.outputs(states) != dense.outputs(states))
        for array in frozen { #expect(model[array.name].toArray() == array.values) }
    }

    @Test("every linear map but the last has a pair of factors; the last map is whole")
    func lowRankLayout() throws {
        let model = try GraphTransformer(GraphSamples.actor(), seed: 3, adaptation: lowRank)
        let pairs = try model.layout.pairs()
        let maps = model.arrays.filter { $0.shape.count == 2 && $0.name.hasSuffix(".weight") }
            .filter { !$0.name.contains("lora") }
        #expect(pairs.count == maps.count - 1)
        #expect(pairs.allSatisfy { $0.rank == 2 })
        #expect(
            model.layout.indices(of: .averaged).map { model.layout.entries[$0].name } == [
                "head.1.bias", "head.1.weight",
            ]
        )
    }

    @Test("trained arrays go to another model and make it the same function", arguments: [true, false])
    func load(isDense: Bool) throws {
        let adaptation = isDense ? GraphAdaptation.dense : lowRank
        let model = try GraphTransformer(GraphSamples.actor(), seed: 3, adaptation: adaptation)
        model.shake()
        let other = try GraphTransformer(GraphSamples.actor(), seed: 3, adaptation: adaptation)

        try other.load(model.weights)

        #expect(other.outputs(batch(model)) == model.outputs(batch(model)))
        #expect(other.weights == model.weights)
    }

    @Test("arrays of another model are refused by name, and nothing changes")
    func loadOther() throws {
        let model = try GraphTransformer(GraphSamples.actor(), seed: 3)
        var wide = GraphSamples.actor()
        wide.inner = 13
        let weights = model.weights
        #expect(throws: AdapterFault.wrongShape("layers.0.feed_forward.0.bias", expected: [12], found: [13]))
        {
            try model.load(GraphTransformer(wide, seed: 3).weights)
        }
        #expect(model.weights == weights)
    }

    @Test("rescaled outputs are factor times the output plus offset", arguments: [true, false])
    func rescale(isDense: Bool) throws {
        let model = try GraphTransformer(
            GraphSamples.actor(),
            seed: 3,
            adaptation: isDense ? .dense : lowRank
        )
        model.shake()
        let before = model.outputs(batch(model))

        model.rescaleOutputs(by: 2.5, adding: -0.75)

        for (found, value) in zip(model.outputs(batch(model)), before) {
            #expect(abs(found - (2.5 * value - 0.75)) < 1e-5)
        }
    }

    @Test("the same seed gives the same weights, another seed others")
    func seeds() throws {
        let weights = try [1, 1, 2].map { try GraphTransformer(GraphSamples.actor(), seed: $0).weights }
        #expect(weights[0] == weights[1])
        #expect(weights[0] != weights[2])
    }

    @Test("distance biases start as nested balls")
    func balls() throws {
        let model = try GraphTransformer(GraphSamples.actor(), seed: 1)
        let table = model["layers.0.attention.distance"].toArray()
        #expect(Array(table[..<10]) == [0, 0, -2, -4, -6, -8, -10, -12, -14, -16])
        #expect(Array(table[10...]) == [0, 0, 0, -2, -4, -6, -8, -10, -12, -14])
    }

    // MARK: - Files

    @Test("a written model is read as it was, and written again to the same bytes", arguments: [true, false])
    func file(isDense: Bool) throws {
        let folder = try Scratch()
        var configuration = GraphSamples.actor(AnyAttention(HyperFeatureAttention()), reach: nil)
        configuration.outputs = 2
        let model = try GraphTransformer(
            configuration,
            seed: 3,
            adaptation: isDense ? .dense : lowRank
        )
        model.shake()
        try model.write(to: "\(folder.path)/model.safetensors")

        let read = try GraphTransformer(path: "\(folder.path)/model.safetensors")
        try read.write(to: "\(folder.path)/again.safetensors")

        #expect(read.configuration == configuration && read.adaptation == model.adaptation)
        #expect(read.outputs(batch(model)) == model.outputs(batch(model)))
        #expect(
            try Data(contentsOf: URL(filePath: "\(folder.path)/model.safetensors"))
                == Data(contentsOf: URL(filePath: "\(folder.path)/again.safetensors"))
        )
    }

    @Test("a file that is no such model, or lacks a weight, is refused with its name")
    func badFiles() throws {
        let folder = try Scratch()
        let path = "\(folder.path)/model.safetensors"
        let model = try GraphTransformer(GraphSamples.actor(), seed: 3)
        let json = String(decoding: try model.configuration.json(), as: UTF8.self)
        func fault(_ arrays: [NamedArray], _ metadata: [String: String]) throws -> String {
            try SafetensorsWriter.write(arrays, metadata: metadata, to: path)
            let error = #expect(throws: CheckpointError.self) { try GraphTransformer(path: path) }
            return error?.description ?? ""
        }

        #expect(try fault(model.arrays, [:]).contains("graphTransformer: is missing in the metadata"))
        let metadata = ["graphTransformer": json]
        let lacking = try fault(model.arrays.filter { $0.name != "norm.bias" }, metadata)
        #expect(lacking == "\(path): tensor 'norm.bias' is missing")
        let extra = model.arrays + [NamedArray(name: "tail", shape: [1], values: [1])]
        #expect(try fault(extra, metadata).contains("'tail' is none of the configuration's weights"))
        let wrong = ["graphTransformer": json.replacing("\"heads\":2", with: "\"heads\":3")]
        #expect(try fault(model.arrays, wrong).contains("found 3, expected a divisor of the width 8"))
    }

    @Test("a configuration that cannot be built is refused by its key")
    func configurations() {
        func key(_ change: (inout GraphTransformerConfiguration) -> Void) -> String? {
            var configuration = GraphSamples.actor()
            change(&configuration)
            do throws(SettingsFault) {
                try configuration.validate()
                return nil
            } catch { return error.key }
        }
        #expect(key { _ in } == nil)
        #expect(key { $0.heads = 3 } == "heads")
        #expect(key { $0.features = 0 } == "features")
        #expect(key { $0.balls = [] } == "balls")
        #expect(key { $0.balls = [10] } == "balls")
        #expect(key { $0.pooling = .mean } == "pooling")
        #expect(key { $0.receptiveField = 0 } == "receptiveField")
        #expect(key { $0.receptiveField = 9 } == nil)
        #expect(key { $0.receptiveField = 10 } == "receptiveField")
        #expect(key { $0.outputScale = .nan } == "outputScale")
        #expect(key { $0.attention = AnyAttention(HyperAttention(order: 9)) } == "attention")
    }
}
