/// One undirected graph as operations see it: neighbours and distances of its nodes. It is made once and shared by
/// all states on it; operations know runs of states on one graph by its identity.
package final class GraphStructure: Sendable {
    /// n.
    package let nodes: Int
    /// `[n + 1]`: the neighbours of node i are at offsets[i] ..< offsets[i + 1].
    package let offsets: [Int32]
    /// The neighbours, node after node, without the node itself.
    package let neighbours: [Int32]
    /// `[n, n]`: the hops between two nodes, at most ``hopsMax``, which also stands for nodes without a path. Empty
    /// where nothing asks for distances.
    package let hops: [UInt8]

    /// Distances from here on are the same.
    package static let hopsMax = 9
    /// How many different distances there are: 0 to ``hopsMax``.
    package static let buckets = hopsMax + 1

    /// A structure.
    ///
    /// - Parameters:
    ///   - nodes: n, at least 1.
    ///   - offsets: `[n + 1]`, ascending from 0 to the number of neighbours.
    ///   - neighbours: Each in 0 ..< n; both directions of every edge.
    ///   - hops: `[n, n]`, symmetric, 0 on the diagonal alone and at most 9; or empty for models that use neither
    ///     distances nor a limited reach, such as those of linear attention on large graphs.
    package init(nodes: Int, offsets: [Int32], neighbours: [Int32], hops: [UInt8]) {
        precondition(
            nodes > 0 && offsets.count == nodes + 1 && offsets.first == 0
                && offsets.last.map(Int.init) == neighbours.count
                && zip(offsets, offsets.dropFirst()).allSatisfy { $0 <= $1 },
            "GraphStructure: \(offsets.count) offsets and \(neighbours.count) neighbours for \(nodes) nodes"
        )
        precondition(
            neighbours.allSatisfy { $0 >= 0 && $0 < nodes },
            "GraphStructure: a neighbour is not in 0 ..< \(nodes)"
        )
        precondition(
            hops.isEmpty || hops.count == nodes * nodes && hops.allSatisfy { $0 <= Self.hopsMax },
            "GraphStructure: \(hops.count) distances for \(nodes) nodes, or one above \(Self.hopsMax)"
        )
        self.nodes = nodes
        self.offsets = offsets
        self.neighbours = neighbours
        self.hops = hops
    }

    /// How many weights attention to the node itself and its neighbours has, for one head.
    var links: Int { neighbours.count + nodes }
}

/// Consecutive states on one graph.
struct GraphRun {
    let structure: GraphStructure
    /// The first row of its first state.
    let row: Int
    let states: Int

    /// The runs of a batch: of states that lie one after the other, a row for each node.
    static func runs(_ structures: [GraphStructure]) -> [GraphRun] {
        var (runs, row, start) = ([GraphRun](), 0, 0)
        for (index, structure) in structures.enumerated() {
            if index + 1 < structures.count && structures[index + 1] === structure { continue }
            let states = index + 1 - start
            runs.append(GraphRun(structure: structure, row: row, states: states))
            row += states * structure.nodes
            start = index + 1
        }
        return runs
    }
}
