internal import Glibc
package import Randomness

/// A family of random graphs.
///
/// Graphs are connected: one that is not is drawn again, up to a limit. The grid is one graph for each n.
package enum NetworkFamily: Sendable, Hashable {
    /// Preferential attachment (Barabási and Albert 1999): each new node has m edges to different earlier
    /// nodes, drawn in proportion to their degrees. Starts as m isolated nodes joined by the next, for m = 2
    /// from one edge.
    case barabasiAlbert(edges: Int)
    /// A ring in which each node is joined to its k nearest, with each edge's far end redrawn with
    /// probability p (Watts and Strogatz 1998).
    case wattsStrogatz(neighbours: Int, rewiring: Double)
    /// Each pair is an edge with the same probability, meanDegree / (n − 1) (Gilbert 1959).
    case erdosRenyi(meanDegree: Double)
    /// A rectangle of r rows with r the largest divisor of n that is at most √n; edges to the nodes beside,
    /// above and below.
    case grid
    /// Blocks of equal size, the first ones larger by one: pairs inside a block are edges so that a node has
    /// `inside` expected neighbours there, and `between` in all others together (Holland et al. 1983).
    case stochasticBlock(blocks: Int, inside: Double, between: Double)

    /// How often a graph is drawn anew before giving up.
    package static let attemptsMax = 1000

    /// The families of the studies: m = 2; k = 4 and p = 0.1; mean degree 4; grid.
    package static var standard: [NetworkFamily] {
        [
            .barabasiAlbert(edges: 2), .wattsStrogatz(neighbours: 4, rewiring: 0.1),
            .erdosRenyi(meanDegree: 4), .grid,
        ]
    }

    /// The family's short name.
    package var name: String {
        switch self {
        case .barabasiAlbert: "barabasiAlbert"
        case .wattsStrogatz: "wattsStrogatz"
        case .erdosRenyi: "erdosRenyi"
        case .grid: "grid"
        case .stochasticBlock: "stochasticBlock"
        }
    }

    /// A connected graph of the family, named by family, size, seed and index.
    ///
    /// - Parameters:
    ///   - nodes: n.
    ///   - seed: The seed.
    ///   - index: Which of the seed's graphs.
    /// - Throws: `NetworkFault.invalid` if a parameter makes no sense, or if no connected graph was found.
    package func network(nodes: Int, seed: UInt64, index: Int = 0) throws(NetworkFault) -> Network {
        var stream = RandomStream(seed: seed, "network", name, nodes, index)
        return try network(nodes: nodes, name: "\(name)-\(nodes)-\(seed)-\(index)", from: &stream)
    }

    /// A connected graph of the family.
    ///
    /// - Throws: `NetworkFault.invalid` if a parameter makes no sense, or if no connected graph was found.
    package func network(
        nodes: Int,
        name: String,
        from stream: inout RandomStream
    ) throws(NetworkFault) -> Network {
        try validate(nodes: nodes, name: name)
        let lonely = expectedIsolatedNodes(nodes)
        guard lonely <= NetworkFamily.isolatedMax else {
            throw .invalid(
                network: name,
                field: "family",
                found: "graphs of which about \(Int(lonely.rounded())) of \(nodes) nodes have no edge",
                expected: "parameters with more edges, which leave some draws connected"
            )
        }
        for _ in 0..<NetworkFamily.attemptsMax {
            let network = try Network(
                name: name,
                family: self.name,
                nodes: nodes,
                edges: edges(nodes, &stream)
            )
            if network.isConnected { return network }
        }
        throw .invalid(
            network: name,
            field: "family",
            found: "no connected graph in \(NetworkFamily.attemptsMax) draws",
            expected: "parameters with more edges"
        )
    }

    /// How many nodes without an edge are expected at most: with 16 of them a draw in ten million is connected, so that
    /// looking for one would only take time.
    private static let isolatedMax = 16.0

    /// How many nodes a draw leaves without an edge, on the average.
    private func expectedIsolatedNodes(_ nodes: Int) -> Double {
        switch self {
        case .erdosRenyi(let meanDegree): Double(nodes) * exp(-meanDegree)
        case .stochasticBlock(_, let inside, let between): Double(nodes) * exp(-inside - between)
        default: 0
        }
    }

    private func edges(_ nodes: Int, _ stream: inout RandomStream) -> [(Int, Int)] {
        switch self {
        case .barabasiAlbert(let edges): NetworkFamily.attached(nodes, edges, &stream)
        case .wattsStrogatz(let neighbours, let rewiring):
            NetworkFamily.rewired(nodes, neighbours, rewiring, &stream)
        case .erdosRenyi(let meanDegree):
            NetworkFamily.drawn(0..<nodes, 0..<nodes, meanDegree / Double(max(1, nodes - 1)), &stream)
        case .grid: NetworkFamily.rectangle(nodes)
        case .stochasticBlock(let blocks, let inside, let between):
            NetworkFamily.blocked(nodes, blocks, inside, between, &stream)
        }
    }

    /// Node t ≥ max(2, m) draws m different ends of earlier edges, so in proportion to degrees.
    private static func attached(_ nodes: Int, _ edges: Int, _ stream: inout RandomStream) -> [(Int, Int)] {
        var result: [(Int, Int)] = []
        var ends: [Int] = []
        func join(_ first: Int, _ second: Int) {
            result.append((first, second))
            ends.append(first)
            ends.append(second)
        }
        if edges <= 2 { join(0, 1) } else { for node in 0..<edges { join(node, edges) } }
        for node in (edges <= 2 ? 2 : edges + 1)..<max(nodes, edges + 1) {
            var chosen: [Int] = []
            while chosen.count < edges {
                let other = ends[stream.below(ends.count)]
                if !chosen.contains(other) { chosen.append(other) }
            }
            for other in chosen { join(other, node) }
        }
        return result
    }

    private static func rewired(
        _ nodes: Int,
        _ neighbours: Int,
        _ rewiring: Double,
        _ stream: inout RandomStream
    ) -> [(Int, Int)] {
        var joined = [Set<Int>](repeating: [], count: nodes)
        func join(_ first: Int, _ second: Int) {
            joined[first].insert(second)
            joined[second].insert(first)
        }
        for distance in 1...neighbours / 2 {
            for node in 0..<nodes { join(node, (node + distance) % nodes) }
        }
        for distance in 1...neighbours / 2 {
            for node in 0..<nodes where stream.uniform() < rewiring {
                let old = (node + distance) % nodes
                guard joined[node].count < nodes - 1, joined[node].contains(old) else { continue }
                var new = stream.below(nodes)
                while new == node || joined[node].contains(new) { new = stream.below(nodes) }
                joined[node].remove(old)
                joined[old].remove(node)
                join(node, new)
            }
        }
        return joined.enumerated().flatMap { node, others in
            others.filter { $0 > node }.sorted().map { (node, $0) }
        }
    }

    /// The pairs first < second of two ranges, each with a probability. One number for each pair: O(n²).
    private static func drawn(
        _ first: Range<Int>,
        _ second: Range<Int>,
        _ probability: Double,
        _ stream: inout RandomStream
    ) -> [(Int, Int)] {
        var result: [(Int, Int)] = []
        for node in first {
            for other in max(node + 1, second.lowerBound)..<max(node + 1, second.upperBound)
            where stream.uniform() < probability {
                result.append((node, other))
            }
        }
        return result
    }

    private static func rectangle(_ nodes: Int) -> [(Int, Int)] {
        var rows = 1
        var candidate = 1
        while candidate * candidate <= nodes {
            if nodes % candidate == 0 { rows = candidate }
            candidate += 1
        }
        let columns = nodes / rows
        var result: [(Int, Int)] = []
        for node in 0..<nodes {
            if node % columns < columns - 1 { result.append((node, node + 1)) }
            if node + columns < nodes { result.append((node, node + columns)) }
        }
        return result
    }

    private static func blocked(
        _ nodes: Int,
        _ blocks: Int,
        _ inside: Double,
        _ between: Double,
        _ stream: inout RandomStream
    ) -> [(Int, Int)] {
        let bounds = (0...blocks).map { $0 * (nodes / blocks) + min($0, nodes % blocks) }
        let size = Double(nodes) / Double(blocks)
        let within = inside / max(1, size - 1)
        let across = between / max(1, Double(nodes) - size)
        var result: [(Int, Int)] = []
        for first in 0..<blocks {
            for second in first..<blocks {
                result += drawn(
                    bounds[first]..<bounds[first + 1],
                    bounds[second]..<bounds[second + 1],
                    first == second ? within : across,
                    &stream
                )
            }
        }
        return result
    }

    /// Checks the parameters for a size.
    ///
    /// - Throws: `NetworkFault.invalid` naming the field.
    package func validate(nodes: Int, name: String) throws(NetworkFault) {
        func require(_ isRight: Bool, _ field: String, _ found: String, _ expected: String)
            throws(NetworkFault)
        {
            guard !isRight else { return }
            throw .invalid(network: name, field: field, found: found, expected: expected)
        }
        try require(
            (2...Network.nodesMax).contains(nodes),
            "nodes",
            "\(nodes)",
            "2 to \(Network.nodesMax)"
        )
        let most = Double(nodes - 1)
        switch self {
        case .barabasiAlbert(let edges):
            try require((1..<nodes).contains(edges), "edges", "\(edges)", "1 to \(nodes - 1)")
        case .wattsStrogatz(let neighbours, let rewiring):
            try require(
                neighbours >= 2 && neighbours % 2 == 0 && neighbours < nodes,
                "neighbours",
                "\(neighbours)",
                "an even number from 2 to below \(nodes)"
            )
            try require(rewiring >= 0 && rewiring <= 1, "rewiring", "\(rewiring)", "0 to 1")
        case .erdosRenyi(let meanDegree):
            try require(
                meanDegree > 0 && meanDegree <= most,
                "meanDegree",
                "\(meanDegree)",
                "more than 0 to \(nodes - 1)"
            )
        case .grid: break
        case .stochasticBlock(let blocks, let inside, let between):
            try require((1...nodes).contains(blocks), "blocks", "\(blocks)", "1 to \(nodes)")
            let size = Double(nodes) / Double(blocks)
            try require(
                inside >= 0 && inside <= max(0, size - 1),
                "inside",
                "\(inside)",
                "0 to \(max(0, size - 1))"
            )
            try require(
                between >= 0 && between <= Double(nodes) - size,
                "between",
                "\(between)",
                "0 to \(Double(nodes) - size)"
            )
        }
    }
}
