import Contract
import Randomness
import Testing

@testable import Tasks

@Suite struct NetworkTests {
    /// Distances by Floyd and Warshall.
    private func distances(_ network: Network, limit: Int) -> [UInt8] {
        let count = network.nodeCount
        var hops = [Int](repeating: limit, count: count * count)
        for node in 0..<count {
            hops[node * count + node] = 0
            for other in network.neighbours(of: node) { hops[node * count + Int(other)] = 1 }
        }
        for k in 0..<count {
            for i in 0..<count {
                for j in 0..<count {
                    hops[i * count + j] = min(hops[i * count + j], hops[i * count + k] + hops[k * count + j])
                }
            }
        }
        return hops.map { UInt8($0) }
    }

    @Test("edges in any order, direction and number give the same graph")
    func canonical() throws {
        let one = try Network(name: "a", nodes: 4, edges: [(0, 1), (2, 1), (3, 0)])
        let two = try Network(name: "a", nodes: 4, edges: [(0, 3), (1, 2), (1, 0), (0, 1), (2, 1)])

        #expect(one == two)
        #expect(one.offsets == [0, 2, 4, 5, 6])
        #expect(one.neighbours == [1, 3, 0, 2, 1, 0])
        #expect(one.edgeCount == 3)
        #expect(one.edges.map { [$0.0, $0.1] } == [[0, 1], [0, 3], [1, 2]])
    }

    @Test("self-loops, unknown nodes, no nodes and labels that do not fit are refused by name")
    func refusals() {
        func message(_ nodes: Int, _ edges: [(Int, Int)], _ labels: [String] = []) -> String {
            do throws(NetworkFault) {
                _ = try Network(name: "net", nodes: nodes, edges: edges, labels: labels)
                return "none"
            } catch {
                return error.description
            }
        }

        #expect(
            message(3, [(0, 1), (2, 2)])
                == "network 'net': edges[1]: found a self-loop at 2, expected two different nodes"
        )
        #expect(message(3, [(0, 3)]) == "network 'net': edges[0]: found 0–3, expected nodes from 0 to 2")
        #expect(message(0, []) == "network 'net': nodes: found 0, expected 1 to 100000")
        #expect(
            message(3, [], ["a"])
                == "network 'net': labels: found 1, expected none, or one for each of 3 nodes"
        )
    }

    @Test("hops are shortest paths, clipped, and far away is as far as no path at all")
    func hops() throws {
        for index in 0..<5 {
            let network = try NetworkFamily.wattsStrogatz(neighbours: 2, rewiring: 0.2)
                .network(nodes: 40, seed: 3, index: index)

            #expect(network.hops() == distances(network, limit: 9))
            #expect(network.hops(limit: 3) == distances(network, limit: 3))
        }
        let two = try Network(name: "two", nodes: 3, edges: [(0, 1)])

        #expect(two.hops() == [0, 1, 9, 1, 0, 9, 9, 9, 0])
    }

    @Test("the largest component keeps the order of nodes, their labels and edges")
    func component() throws {
        let network = try Network(
            name: "n",
            nodes: 6,
            edges: [(0, 5), (1, 2), (2, 4)],
            labels: ["a", "b", "c", "d", "e", "f"]
        )
        let largest = network.largestComponent()

        #expect(network.components == [0, 1, 1, 2, 1, 0])
        #expect(!network.isConnected)
        #expect(largest.isConnected)
        #expect(largest.labels == ["b", "c", "e"])
        #expect(largest.edges.map { [$0.0, $0.1] } == [[0, 1], [1, 2]])
    }

    @Test(
        "every family gives connected graphs of the size asked for, the same for a seed and others for others"
    )
    func families() throws {
        let all = NetworkFamily.standard + [.stochasticBlock(blocks: 3, inside: 4, between: 1)]
        for family in all {
            for nodes in [20, 40, 81] {
                let network = try family.network(nodes: nodes, seed: 1)

                #expect(network.nodeCount == nodes)
                #expect(network.isConnected)
                #expect(network.family == family.name)
                #expect(try family.network(nodes: nodes, seed: 1) == network)
                if family == .grid { continue }
                #expect(try family.network(nodes: nodes, seed: 2).neighbours != network.neighbours)
                #expect(try family.network(nodes: nodes, seed: 1, index: 1).neighbours != network.neighbours)
            }
        }
    }

    @Test("numbers of edges are those of the families' definitions")
    func edgeCounts() throws {
        let attached = try NetworkFamily.barabasiAlbert(edges: 2).network(nodes: 40, seed: 5)
        let three = try NetworkFamily.barabasiAlbert(edges: 3).network(nodes: 40, seed: 5)
        let ring = try NetworkFamily.wattsStrogatz(neighbours: 4, rewiring: 0).network(nodes: 20, seed: 5)
        let rewired = try NetworkFamily.wattsStrogatz(neighbours: 4, rewiring: 0.5).network(
            nodes: 40,
            seed: 5
        )
        let random = try (0..<40).map {
            try NetworkFamily.erdosRenyi(meanDegree: 6).network(nodes: 40, seed: 5, index: $0).edgeCount
        }
        let grid = try NetworkFamily.grid.network(nodes: 40, seed: 5)

        #expect(attached.edgeCount == 1 + 2 * 38)
        #expect(three.edgeCount == 3 + 3 * 36)
        #expect((0..<20).allSatisfy { ring.degree($0) == 4 })
        #expect(rewired.edgeCount == 80)
        #expect(abs(Double(random.reduce(0, +)) / 40 - 120) < 5)
        #expect(grid.edgeCount == 5 * 7 + 4 * 8)
        #expect((0..<40).count { grid.degree($0) == 2 } == 4)
    }

    @Test("preferential attachment makes hubs that random graphs of as many edges do not have")
    func hubs() throws {
        let attached = try NetworkFamily.barabasiAlbert(edges: 2).network(nodes: 400, seed: 2)
        let random = try NetworkFamily.erdosRenyi(meanDegree: 6).network(nodes: 400, seed: 2)
        func highest(_ network: Network) -> Int { (0..<400).map(network.degree).max() ?? 0 }

        #expect(highest(attached) > 30)
        #expect(highest(random) < 20)
    }

    @Test("blocks have more neighbours inside than between")
    func blocks() throws {
        let network = try NetworkFamily.stochasticBlock(blocks: 2, inside: 8, between: 2)
            .network(nodes: 200, seed: 1)
        let inside = network.edges.count { $0.0 / 100 == $0.1 / 100 }

        #expect(abs(Double(inside) / 100 - 8) < 0.8)
        #expect(abs(Double(network.edgeCount - inside) / 100 - 2) < 0.5)
    }

    @Test("parameters that make no sense, and families that never connect, are refused by field")
    func badFamilies() {
        func field(_ family: NetworkFamily, _ nodes: Int = 20) -> String {
            do throws(NetworkFault) {
                _ = try family.network(nodes: nodes, seed: 1)
                return "none"
            } catch .invalid(_, let field, _, _) {
                return field
            } catch {
                return "\(error)"
            }
        }

        #expect(field(.barabasiAlbert(edges: 0)) == "edges")
        #expect(field(.barabasiAlbert(edges: 20)) == "edges")
        #expect(field(.wattsStrogatz(neighbours: 3, rewiring: 0.1)) == "neighbours")
        #expect(field(.wattsStrogatz(neighbours: 4, rewiring: 1.1)) == "rewiring")
        #expect(field(.erdosRenyi(meanDegree: .nan)) == "meanDegree")
        #expect(field(.erdosRenyi(meanDegree: 0.5)) == "family")
        // Hours of draws, if it were tried.
        #expect(field(.erdosRenyi(meanDegree: 4), 50_000) == "family")
        #expect(field(.stochasticBlock(blocks: 4, inside: 3.5, between: 0.5), 50_000) == "family")
        #expect(field(.stochasticBlock(blocks: 4, inside: 5, between: 1)) == "inside")
        #expect(field(.grid, 1) == "nodes")
    }

    @Test("the written-down networks have the published numbers of members, ties and highest degrees")
    func shipped() throws {
        let karate = try ShippedNetwork.karate.network()
        let florentine = try ShippedNetwork.florentine.network()
        let medici = try #require(florentine.labels.firstIndex(of: "Medici"))

        #expect((karate.nodeCount, karate.edgeCount) == (34, 78))
        #expect((karate.degree(33), karate.degree(0), karate.degree(32)) == (17, 16, 12))
        #expect((florentine.nodeCount, florentine.edgeCount) == (15, 20))
        #expect(florentine.degree(medici) == 6)
        #expect(karate.isConnected && florentine.isConnected)
    }
}
