import Randomness

@testable import Models
@testable import Tensors

/// Graphs, states and models of the graph transformer's tests.
enum GraphSamples {
    /// A graph of given edges, with distances.
    static func structure(_ nodes: Int, _ edges: [(Int, Int)]) -> GraphStructure {
        var adjacent = [Set<Int>](repeating: [], count: nodes)
        for (a, b) in edges {
            adjacent[a].insert(b)
            adjacent[b].insert(a)
        }
        var hops = [UInt8](repeating: UInt8(GraphStructure.hopsMax), count: nodes * nodes)
        for start in 0..<nodes {
            var (reached, wave, distance): (Set<Int>, Set<Int>, UInt8) = ([start], [start], 0)
            while !wave.isEmpty, distance < GraphStructure.hopsMax {
                for node in wave { hops[start * nodes + node] = distance }
                wave = Set(wave.flatMap { adjacent[$0] }).subtracting(reached)
                reached.formUnion(wave)
                distance += 1
            }
        }
        let lists = adjacent.map { $0.sorted() }
        return GraphStructure(
            nodes: nodes,
            offsets: lists.reduce(into: [0]) { $0.append($0[$0.count - 1] + Int32($1.count)) },
            neighbours: lists.flatMap { $0.map(Int32.init) },
            hops: hops
        )
    }

    /// A path, with chords from every fourth node to the one after next.
    static func path(_ nodes: Int) -> GraphStructure { structure(nodes, pathEdges(nodes)) }

    static func pathEdges(_ nodes: Int) -> [(Int, Int)] {
        (1..<nodes).map { ($0 - 1, $0) } + stride(from: 0, to: nodes - 2, by: 4).map { ($0, $0 + 2) }
    }

    static func numbers(_ count: Int, _ name: String) -> [Float] {
        var stream = RandomStream(seed: 3, name)
        return (0..<count).map { _ in Float(2 * stream.uniform() - 1) }
    }

    /// The actor of the tests: 5 features, 3 own ones, two layers of each kind.
    static func actor(_ attention: AnyAttention = .softmax, reach: Int? = 4) -> GraphTransformerConfiguration
    {
        var configuration = GraphTransformerConfiguration(features: 5, ownFeatures: 3)
        (configuration.width, configuration.heads, configuration.inner) = (8, 2, 12)
        configuration.attention = attention
        configuration.receptiveField = reach
        return configuration
    }

    /// Random states.
    static func batch(_ structures: [GraphStructure], _ configuration: GraphTransformerConfiguration)
        -> GraphBatch
    {
        let rows = structures.reduce(0) { $0 + $1.nodes }
        return GraphBatch(
            structures: structures,
            features: numbers(rows * configuration.features, "features"),
            own: numbers(rows * configuration.ownFeatures, "own")
        )
    }
}

extension GraphTransformer {
    /// The outputs, not differentiable.
    func outputs(_ batch: GraphBatch) -> [Float] {
        outputs(tape: Tape(recording: false), batch: batch).toArray()
    }

    /// Moves every trained value, so that nothing is as a fresh model has it.
    func shake() {
        for (index, tensor) in parameters.enumerated() {
            for (value, change) in zip(tensor.values.indices, GraphSamples.numbers(tensor.count, "\(index)"))
            {
                tensor.values[value] += 0.2 * change
            }
        }
    }
}
