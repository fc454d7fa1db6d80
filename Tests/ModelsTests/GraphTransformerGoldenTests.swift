import Contract
import Foundation
import Testing

@testable import Models
@testable import Tensors

/// What `Golden/make_graph_goldens.py` computed with PyTorch: case → name → numbers.
private let goldens: [String: [String: [Float]]] = {
    guard
        let url = Bundle.module.url(forResource: "files/graph_transformer", withExtension: "json"),
        let data = try? Data(contentsOf: url),
        let cases = try? JSONDecoder().decode([String: [String: [Float]]].self, from: data)
    else { return [:] }
    return cases
}()

@Suite("Graph transformer and PyTorch") struct GraphTransformerGoldenTests {
    struct Case {
        let name: String
        let graphs: [Int]
        var reach: Int?
        var own = 0
        var outputs = 1
        var pooling = GraphTransformerConfiguration.Pooling.none
    }

    static let cases: [Case] = [
        Case(name: "actor", graphs: [20, 20, 6], reach: 4, own: 3), Case(name: "critic", graphs: [20, 6]),
        Case(name: "pooled", graphs: [20, 6, 9], outputs: 2, pooling: .mean),
    ]

    /// `ramp` of make_graph_goldens.py.
    private func ramp(_ count: Int, salt: UInt32) -> [Float] {
        var state = salt
        return (0..<count).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(state >> 8) / 0x1p23 - 1
        }
    }

    private func expectClose(_ found: [Float], _ expected: [Float]?, _ what: String) {
        guard let expected, expected.count == found.count else {
            Issue.record("\(what): \(found.count) values, expected \(expected?.count ?? 0)")
            return
        }
        let largest = expected.reduce(1) { max($0, abs($1)) }
        for (index, (f, e)) in zip(found, expected).enumerated() where abs(f - e) > 5e-6 * largest {
            Issue.record("\(what)[\(index)] is \(f), expected \(e)")
            return
        }
    }

    @Test("outputs and gradients of every weight are PyTorch's", arguments: cases)
    func golden(_ wanted: Case) throws {
        let expected = try #require(goldens[wanted.name])
        var configuration = GraphSamples.actor(reach: wanted.reach)
        configuration.ownFeatures = wanted.own
        configuration.outputs = wanted.outputs
        configuration.pooling = wanted.pooling
        let model = try GraphTransformer(configuration, seed: 0)
        for (place, tensor) in model.parameters.enumerated() {
            for (index, value) in ramp(tensor.count, salt: 100 + UInt32(place)).enumerated() {
                tensor.values[index] = 0.5 * value
            }
        }
        let rows = wanted.graphs.reduce(0, +)
        // Each state with a structure of its own, but for those of the same size.
        let known = Dictionary(uniqueKeysWithValues: Set(wanted.graphs).map { ($0, GraphSamples.path($0)) })
        let batch = GraphBatch(
            structures: wanted.graphs.compactMap { known[$0] },
            features: ramp(rows * 5, salt: 1),
            own: ramp(rows * wanted.own, salt: 2)
        )

        let tape = Tape()
        let y = model.outputs(tape: tape, batch: batch)
        let found = y.toArray()
        tape.backward(from: y, seed: ramp(y.count, salt: 99))

        expectClose(found, expected["outputs"], "outputs")
        for (entry, tensor) in zip(model.layout.entries, model.parameters) {
            expectClose(Array(try #require(tensor.gradient)), expected[entry.name], entry.name)
        }
    }
}
