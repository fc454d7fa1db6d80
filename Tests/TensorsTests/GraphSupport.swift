@testable import Tensors

/// A graph of given edges, with distances.
func structure(_ nodes: Int, _ edges: [(Int, Int)]) -> GraphStructure {
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

/// A ring with a tail, a path, a lone node, a ring too large for its biases to be spread out.
let graphs = [
    structure(7, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (4, 5), (5, 6)]),
    structure(17, (1..<17).map { ($0 - 1, $0) }),
    structure(1, []),
    structure(300, (0..<300).map { ($0, ($0 + 1) % 300) }),
]
/// Two states on the first graph, one on the second, one on the third.
let states = [graphs[0], graphs[0], graphs[1], graphs[2]]
/// The nodes of all states.
let rows = 32
