/// An undirected simple graph of at least one node: no self-loops, no edge twice.
package struct Network: Sendable, Hashable {
    /// The most nodes of a network.
    package static let nodesMax = 100_000
    /// The most edges of a network.
    package static let edgesMax = 10_000_000
    /// The largest distance that `hops` tells apart by default; everything farther counts as this far.
    package static let hopsMax: UInt8 = 9

    /// What it is called, in reports and errors.
    package let name: String
    /// What kind of graph it is, for means over networks of a kind: a family's name, `file`, or its own name.
    package let family: String
    /// `[n + 1]`: where the neighbours of each node begin in `neighbours`.
    package let offsets: [Int32]
    /// `[2 · edges]`: the neighbours of node 0 in rising order, then those of node 1, and so on.
    package let neighbours: [Int32]
    /// `[n]`: the nodes' names, or none at all.
    package let labels: [String]

    /// Makes a network of its edges.
    ///
    /// - Parameters:
    ///   - name: What it is called.
    ///   - family: What kind it is; the name if not given.
    ///   - nodes: How many nodes there are, n.
    ///   - edges: Pairs of nodes 0 ..< n, in any order and direction; a pair that comes again counts once.
    ///   - labels: The nodes' names; none, or one for each.
    /// - Throws: `NetworkFault.invalid` for too few or too many nodes, an edge to a node that does not exist,
    ///   a self-loop, or labels that do not fit.
    package init(
        name: String,
        family: String? = nil,
        nodes: Int,
        edges: [(Int, Int)],
        labels: [String] = []
    ) throws(NetworkFault) {
        func fault(_ field: String, _ found: String, _ expected: String) -> NetworkFault {
            .invalid(network: name, field: field, found: found, expected: expected)
        }
        guard (1...Network.nodesMax).contains(nodes) else {
            throw fault("nodes", "\(nodes)", "1 to \(Network.nodesMax)")
        }
        guard edges.count <= Network.edgesMax else {
            throw fault("edges", "\(edges.count)", "at most \(Network.edgesMax)")
        }
        guard labels.isEmpty || labels.count == nodes else {
            throw fault("labels", "\(labels.count)", "none, or one for each of \(nodes) nodes")
        }
        var pairs: [Int] = []
        pairs.reserveCapacity(2 * edges.count)
        for (index, (first, second)) in edges.enumerated() {
            guard (0..<nodes).contains(first), (0..<nodes).contains(second) else {
                throw fault("edges[\(index)]", "\(first)–\(second)", "nodes from 0 to \(nodes - 1)")
            }
            guard first != second else {
                throw fault("edges[\(index)]", "a self-loop at \(first)", "two different nodes")
            }
            pairs.append(first * nodes + second)
            pairs.append(second * nodes + first)
        }
        pairs.sort()
        var offsets = [Int32](repeating: 0, count: nodes + 1)
        var neighbours: [Int32] = []
        neighbours.reserveCapacity(pairs.count)
        var last = -1
        for pair in pairs where pair != last {
            last = pair
            neighbours.append(Int32(pair % nodes))
            offsets[pair / nodes + 1] += 1
        }
        for node in 0..<nodes { offsets[node + 1] += offsets[node] }
        self.name = name
        self.family = family ?? name
        self.offsets = offsets
        self.neighbours = neighbours
        self.labels = labels
    }

    /// How many nodes there are, n.
    package var nodeCount: Int { offsets.count - 1 }

    /// How many edges there are.
    package var edgeCount: Int { neighbours.count / 2 }

    /// How many neighbours a node has.
    package func degree(_ node: Int) -> Int { Int(offsets[node + 1] - offsets[node]) }

    /// The neighbours of a node, in rising order.
    package func neighbours(of node: Int) -> ArraySlice<Int32> {
        neighbours[Int(offsets[node])..<Int(offsets[node + 1])]
    }

    /// Every edge once, the smaller node first, in rising order.
    package var edges: [(Int, Int)] {
        (0..<nodeCount).flatMap { node in
            neighbours(of: node).filter { $0 > node }.map { (node, Int($0)) }
        }
    }

    /// Whether every node can be reached from every other.
    package var isConnected: Bool { components.allSatisfy { $0 == 0 } }

    /// `[n]`: the component of each node; components are numbered by their first node's rank.
    package var components: [Int] {
        var component = [Int](repeating: -1, count: nodeCount)
        var count = 0
        var open: [Int] = []
        for start in 0..<nodeCount where component[start] < 0 {
            component[start] = count
            open.append(start)
            while let node = open.popLast() {
                for next in neighbours(of: node) where component[Int(next)] < 0 {
                    component[Int(next)] = count
                    open.append(Int(next))
                }
            }
            count += 1
        }
        return component
    }

    /// The largest component as a network of its own, the first of equally large ones; nodes keep their
    /// order.
    package func largestComponent() -> Network {
        let component = components
        var sizes = [Int](repeating: 0, count: (component.max() ?? 0) + 1)
        for index in component { sizes[index] += 1 }
        guard sizes.count > 1, let largest = sizes.indices.max(by: { sizes[$0] < sizes[$1] }) else {
            return self
        }
        let first = sizes.firstIndex(of: sizes[largest]) ?? largest
        var number = [Int32](repeating: -1, count: nodeCount)
        var offsets: [Int32] = [0]
        let kept = (0..<nodeCount).filter { component[$0] == first }
        for (index, node) in kept.enumerated() { number[node] = Int32(index) }
        var neighbours: [Int32] = []
        for node in kept {
            neighbours += self.neighbours(of: node).map { number[Int($0)] }
            offsets.append(Int32(neighbours.count))
        }
        let labels = labels.isEmpty ? labels : kept.map { self.labels[$0] }
        return Network(self, offsets: offsets, neighbours: neighbours, labels: labels)
    }

    private init(_ whole: Network, offsets: [Int32], neighbours: [Int32], labels: [String]) {
        name = whole.name
        family = whole.family
        self.offsets = offsets
        self.neighbours = neighbours
        self.labels = labels
    }

    /// `[n, n]`, row by row: the number of edges on a shortest path, clipped; n² bytes and O(n · edges) time.
    ///
    /// - Parameter limit: What longer distances, and that between different components, count as.
    package func hops(limit: UInt8 = Network.hopsMax) -> [UInt8] {
        let count = nodeCount
        var hops = [UInt8](repeating: limit, count: count * count)
        var open = [Int32](repeating: 0, count: count)
        for start in 0..<count {
            let row = start * count
            hops[row + start] = 0
            open[0] = Int32(start)
            var (head, tail) = (0, 1)
            while head < tail {
                let node = Int(open[head])
                head += 1
                let next = hops[row + node] + 1
                guard next < limit else { continue }
                for neighbour in neighbours(of: node) where hops[row + Int(neighbour)] > next {
                    hops[row + Int(neighbour)] = next
                    open[tail] = neighbour
                    tail += 1
                }
            }
        }
        return hops
    }
}
