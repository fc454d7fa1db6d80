import Contract
import Foundation
import Testing

@testable import Models
@testable import Tensors

@Suite("Graph transformer") struct GraphTransformerTests {
    /// All kinds of attention that take a limited reach.
    static let kinds: [AnyAttention] = [
        AnyAttention.softmax, AnyAttention(HyperFeatureAttention()),
        AnyAttention(HyperAttention(order: 3, form: .exact)), AnyAttention(LinearAttention()),
        AnyAttention(HyperAttention(order: 3, form: .linear)),
    ]

    @Test("has as many parameters as the prototype")
    func count() throws {
        var actor = GraphTransformerConfiguration(features: 11, ownFeatures: 6)
        actor.receptiveField = 4
        let critic = GraphTransformerConfiguration(features: 11)
        #expect(try GraphTransformer(actor, seed: 1).weights.valueCount == 7193)
        #expect(try GraphTransformer(critic, seed: 1).weights.valueCount == 7049)
    }

    @Test("gradients of every parameter equal differences", arguments: [true, false])
    func gradients(pools: Bool) throws {
        var configuration = GraphSamples.actor(reach: pools ? nil : 3)
        configuration.pooling = pools ? .mean : .none
        if pools { configuration.ownFeatures = 0 }
        let model = try GraphTransformer(configuration, seed: 2)
        model.shake()
        let small = GraphSamples.structure(3, [(0, 1), (1, 2)])
        let batch = GraphSamples.batch([small, small, GraphSamples.path(5)], configuration)
        let tape = Tape()
        let y = model.outputs(tape: tape, batch: batch)
        let seed = GraphSamples.numbers(y.count, "seed")
        tape.backward(from: y, seed: seed)
        func loss() -> Double {
            zip(model.outputs(batch), seed).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }

        for (entry, tensor) in zip(model.layout.entries, model.parameters) {
            let gradient = Array(try #require(tensor.gradient))
            // One direction for each tensor: along its gradient, where a wrong one shows most.
            let length = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            #expect(length > 1e-5, "\(entry.name) has no gradient")
            let step = 2e-2 / max(length, 1e-3)
            let values = tensor.toArray()
            func moved(_ factor: Double) -> Double {
                for index in values.indices {
                    tensor.values[index] = values[index] + Float(factor * step * Double(gradient[index]))
                }
                return loss()
            }
            let difference = (moved(1) - moved(-1)) / (2 * step)
            _ = tensor.values.update(fromContentsOf: values)
            #expect(
                abs(difference - length * length) <= 2e-2 * length * length + 2e-5,
                "\(entry.name): \(difference), expected \(length * length)"
            )
        }
    }

    @Test("outputs follow a permutation of the nodes", arguments: kinds)
    func permutation(_ kind: AnyAttention) throws {
        let configuration = GraphSamples.actor(kind)
        let model = try GraphTransformer(configuration, seed: 4)
        model.shake()
        let nodes = 21
        let order = (0..<nodes).map { ($0 * 8 + 5) % nodes }
        let batch = GraphSamples.batch([GraphSamples.path(nodes)], configuration)
        func permuted(_ values: [Float]) -> [Float] {
            let width = values.count / nodes
            var result = values
            for node in 0..<nodes {
                for column in 0..<width {
                    result[order[node] * width + column] = values[node * width + column]
                }
            }
            return result
        }
        let edges = GraphSamples.pathEdges(nodes).map { (order[$0.0], order[$0.1]) }
        let other = GraphBatch(
            structures: [GraphSamples.structure(nodes, edges)],
            features: permuted(batch.features),
            own: permuted(batch.own)
        )

        let expected = permuted(model.outputs(batch))

        for (found, wanted) in zip(model.outputs(other), expected) { #expect(abs(found - wanted) < 1e-5) }
    }

    @Test(
        "an output does not change by a bit with what is beyond the receptive field",
        arguments: kinds,
        [1, 3, 5]
    )
    func locality(_ kind: AnyAttention, reach: Int) throws {
        let configuration = GraphSamples.actor(kind, reach: reach)
        let model = try GraphTransformer(configuration, seed: 5)
        model.shake()
        // One state goes by queries, sixteen go together.
        let graph = GraphSamples.path(23)
        for states in [1, 16] {
            let batch = GraphSamples.batch([GraphStructure](repeating: graph, count: states), configuration)
            var features = batch.features
            for state in 0..<states {
                for node in 0..<graph.nodes where Int(graph.hops[node]) > reach {
                    for column in 0..<5 { features[(state * graph.nodes + node) * 5 + column] += 3 }
                }
            }
            let changed = GraphBatch(structures: batch.structures, features: features, own: batch.own)

            let (before, after) = (model.outputs(batch), model.outputs(changed))

            for state in 0..<states { #expect(before[state * 23] == after[state * 23]) }
            // A node at the border does change.
            let border = (0..<23).first { Int(graph.hops[$0]) == reach + 1 }
            #expect(before[try #require(border)] != after[try #require(border)])
        }
    }

    @Test("an output sees nodes as far as the receptive field reaches")
    func reaches() throws {
        for reach in [1, 2, 4] {
            let configuration = GraphSamples.actor(reach: reach)
            let model = try GraphTransformer(configuration, seed: 5)
            let graph = GraphSamples.structure(8, (1..<8).map { ($0 - 1, $0) })
            let batch = GraphSamples.batch([graph], configuration)
            var features = batch.features
            for column in 0..<5 { features[reach * 5 + column] += 3 }

            let changed = GraphBatch(structures: [graph], features: features, own: batch.own)

            #expect(model.outputs(batch)[0] != model.outputs(changed)[0])
        }
    }

    @Test("own features reach nobody else")
    func ownFeatures() throws {
        let configuration = GraphSamples.actor(reach: nil)
        let model = try GraphTransformer(configuration, seed: 6)
        let batch = GraphSamples.batch([GraphSamples.path(9)], configuration)
        var own = batch.own
        for column in 0..<3 { own[4 * 3 + column] += 2 }

        let before = model.outputs(batch)
        let after = model.outputs(
            GraphBatch(structures: batch.structures, features: batch.features, own: own)
        )

        for node in 0..<9 { #expect((before[node] == after[node]) == (node != 4)) }
    }

    @Test("states in one pass and one by one give the same outputs", arguments: kinds)
    func batches(_ kind: AnyAttention) throws {
        let configuration = GraphSamples.actor(kind)
        let model = try GraphTransformer(configuration, seed: 7)
        model.shake()
        let (first, second) = (GraphSamples.path(20), GraphSamples.path(6))
        let structures = [GraphStructure](repeating: first, count: 7) + [second, first, second]
        let batch = GraphSamples.batch(structures, configuration)

        let together = model.outputs(batch)

        var row = 0
        for structure in structures {
            let rows = row..<row + structure.nodes
            let single = GraphBatch(
                structures: [structure],
                features: Array(batch.features[rows.lowerBound * 5..<rows.upperBound * 5]),
                own: Array(batch.own[rows.lowerBound * 3..<rows.upperBound * 3])
            )
            for (found, expected) in zip(model.outputs(single), together[rows]) {
                #expect(abs(found - expected) < 1e-5)
            }
            row = rows.upperBound
        }
    }

    @Test("a pooled output is that of the graph, whatever the order of its states")
    func pooled() throws {
        var configuration = GraphTransformerConfiguration(features: 5)
        configuration.pooling = .mean
        configuration.outputs = 2
        let model = try GraphTransformer(configuration, seed: 8)
        let structures = [GraphSamples.path(20), GraphSamples.path(4)]
        let batch = GraphSamples.batch(structures, configuration)
        let turned = GraphBatch(
            structures: structures.reversed(),
            features: Array(batch.features[20 * 5..<24 * 5] + batch.features[0..<20 * 5])
        )

        let (first, second) = (model.outputs(batch), model.outputs(turned))

        #expect(first.count == 4)
        for index in 0..<4 { #expect(abs(first[index] - second[(index + 2) % 4]) < 1e-5) }
    }

    @Test("a graph of 2,000 nodes without distances goes through linear attention")
    func large() throws {
        var configuration = GraphTransformerConfiguration(features: 5)
        configuration.attention = AnyAttention(HyperAttention(order: 3, form: .linear))
        #expect(!configuration.usesHops)
        let model = try GraphTransformer(configuration, seed: 9)
        let small = GraphSamples.path(2)
        var (offsets, neighbours): ([Int32], [Int32]) = ([0], [])
        for node in Int32(0)..<2000 {
            neighbours += [(node + 1999) % 2000, (node + 1) % 2000]
            offsets.append(2 * node + 2)
        }
        let ring = GraphStructure(nodes: 2000, offsets: offsets, neighbours: neighbours, hops: [])
        let workspace = Workspace()
        let tape = Tape(workspace: workspace)

        let y = model.outputs(tape: tape, batch: GraphSamples.batch([ring, small], configuration))
        tape.backward(from: y, seed: [Float](repeating: 1, count: y.count))

        #expect(y.values.allSatisfy { $0.isFinite })
        #expect(workspace.bytesReserved < 40_000_000)
    }
}
