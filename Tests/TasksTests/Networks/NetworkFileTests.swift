import Contract
import Foundation
import Testing

@testable import Tasks

@Suite struct NetworkFileTests {
    private func read(_ name: String, _ text: String, largest: Bool = false) throws(NetworkFault) -> Network {
        try NetworkFile.parse(Array(text.utf8), name: name, largestComponent: largest)
    }

    private func message(_ name: String, _ text: String) -> String {
        do throws(NetworkFault) {
            _ = try read(name, text)
            return "none"
        } catch {
            return error.description
        }
    }

    private func pairs(_ network: Network) -> [[Int]] { network.edges.map { [$0.0, $0.1] } }

    @Test("an edge list takes numbers or names, weights, comments, blank lines and every line end")
    func edgeList() throws {
        let numbers = try read("x/net.edges", "# a net\n0 2 1.5\r\n\n1\t2 # two\n2 3\n3 2\n")
        let sparse = try read("net", "30 10\n10 20\n")
        let names = try read("net.txt", "b a\na c\n")

        #expect(numbers.name == "net")
        #expect(numbers.family == "file")
        #expect(pairs(numbers) == [[0, 2], [1, 2], [2, 3]])
        #expect(numbers.labels == [])
        #expect(sparse.labels == ["10", "20", "30"])
        #expect(pairs(sparse) == [[0, 1], [0, 2]])
        #expect(names.labels == ["b", "a", "c"])
    }

    @Test("a comment that says how many nodes there are is held to")
    func declared() throws {
        let network = try read("net", "# net n=3 m=2\n1 2\n0 2\n")

        #expect(network.nodeCount == 3)
        #expect(
            message("net", "# net n=3 m=2\n1 2\n0 3\n")
                == "net:3: found node '3', expected one of the 3 nodes 0 to 2"
        )
    }

    @Test("CSV takes its columns from the header, in any place and case, and quoted names")
    func csv() throws {
        let network = try read("net.csv", "weight,Target,source\n1,\"b, c\",a\n2,d,\"b, c\"\n")

        #expect(network.labels == ["a", "b, c", "d"])
        #expect(pairs(network) == [[0, 1], [1, 2]])
    }

    @Test("GML takes ids, labels and edges in any order, and passes over everything else")
    func gml() throws {
        let text = """
            Creator "someone [of us]"
            graph [
              directed 0
              # edges may come first
              edge [ source 7 target 3 LinkSpeed "10" ]
              node [ id 3 label "Bern" graphics [ x 1.0 y 2 center [ z 1 ] ] ]
              node [ id 7
                label "Aarau" ]
            ]
            """
        let network = try read("swiss.gml", text)

        #expect(network.labels == ["Bern", "Aarau"])
        #expect(pairs(network) == [[0, 1]])
    }

    @Test("what is wrong is named with file and line")
    func faults() {
        #expect(
            message("a.edges", "0 1\n1 1\n")
                == "a.edges:2: found a self-loop at '1', expected an edge between two nodes"
        )
        #expect(
            message("a.edges", "0 1\n1\n")
                == "a.edges:2: found '1', expected two nodes, perhaps with a weight"
        )
        #expect(
            message("a.edges", "0 1 x\n")
                == "a.edges:1: found '0 1 x', expected two nodes, perhaps with a weight"
        )
        #expect(message("a.edges", "# nothing\n") == "a.edges: found no edges, expected at least one")
        #expect(message("a.edges", "") == "a.edges: found no edges, expected at least one")
        #expect(
            message("a.csv", "x,y\n1,2\n")
                == "a.csv:1: found columns x, y, "
                + "expected a header with source and target, from and to, or u and v"
        )
        #expect(
            message("a.csv", "from,to\n1,2\n2,\n") == "a.csv:3: found an empty field, expected a node"
        )
        #expect(
            message("a.csv", "from,to\n1,2,3\n") == "a.csv:2: found 3 columns, expected 2, as in the header"
        )
        #expect(
            message("a.gml", "graph [\n node [ id 1 ]\n edge [ source 1 target 2 ]\n]")
                == "a.gml:3: found an edge to node 2, expected one of the 1 nodes of the file"
        )
        #expect(
            message("a.gml", "graph [\n node [ id 1 ]\n node [ id 1 ]\n]")
                == "a.gml:3: found node 1 again, expected each node once"
        )
        #expect(
            message("a.gml", "graph [\n node [ id 1 ]\n")
                == "a.gml:3: found the end of the file, expected ']'"
        )
        #expect(message("a.gml", "hello 1\n") == "a.gml: found no 'graph [ … ]', expected one")
        #expect(
            message("a.gml", "graph [ name \"x\n")
                == "a.gml:1: found a quotation mark without its end, expected a closed one"
        )
        #expect(
            message("a.gml", "graph [ x " + String(repeating: "[ y ", count: 100))
                == "a.gml:1: found lists within 32 lists, expected at most 32"
        )
    }

    @Test("a disconnected network is refused, or cut to its largest component where that is asked for")
    func disconnected() throws {
        let text = "0 1\n2 3\n3 4\n"

        #expect(
            message("a.edges", text)
                == "a.edges: found 2 components, the largest of 3 of 5 nodes, "
                + "expected a connected network, or 'largestComponent: true'"
        )
        #expect(try read("a.edges", text, largest: true).labels == [])
        #expect(try pairs(read("a.edges", text, largest: true)) == [[0, 1], [1, 2]])
    }

    @Test("a file that is not there is missing input")
    func missing() throws {
        let fault = #expect(throws: NetworkFault.self) { try NetworkFile.read(path: "/nowhere/a.edges") }

        #expect(fault?.faultKind == .missingInput)
        #expect(fault?.description == "/nowhere/a.edges: cannot be read: No such file or directory")
    }
}

@Suite struct NetworkSourceTests {
    private let run = RunContext(seed: 1, schedule: Schedule(stepsPerRound: 1, localPerPublic: nil))

    private func networks(_ json: String) throws -> [Network] {
        try sites(json).map(\.network)
    }

    private func sites(_ json: String) throws -> [NetworkSite] {
        try NetworkSite.sites(Mapping(json: Array(json.utf8)), run)
    }

    private func message(_ json: String) -> String {
        do {
            _ = try networks(json)
            return "none"
        } catch {
            return "\(error)"
        }
    }

    @Test("one source or a list of them gives networks in order, and parameters of the family are taken")
    func sources() throws {
        let drawn = try networks(
            #"{"networks": {"family": "barabasiAlbert", "edges": 3, "nodes": 20, "count": 2, "seed": 4}}"#
        )
        let listed = try networks(
            #"{"networks": [{"shipped": "karate"}, {"family": "grid", "nodes": 20, "seed": 4}]}"#
        )

        #expect(
            drawn
                == [0, 1].compactMap {
                    try? NetworkFamily.barabasiAlbert(edges: 3).network(nodes: 20, seed: 4, index: $0)
                }
        )
        #expect(listed.map(\.name) == ["karate", "grid-20-4-0"])
        #expect(listed.map(\.family) == ["karate", "grid"])
    }

    @Test("what does not make sense is an error that names the key")
    func faults() {
        #expect(
            message(#"{"networks": {"family": "grid", "nodes": 20}}"#)
                == "settings: key 'networks.seed': missing, expected a whole number"
        )
        #expect(
            message(#"{"networks": {"family": "grid", "nodes": 20, "seed": 1, "rewiring": 0.5}}"#)
                == "settings: key 'networks.rewiring': unknown key; "
                + "expected one of circumstances, count, family, name, nodes, seed"
        )
        #expect(
            message(#"{"networks": {"file": "a", "shipped": "karate"}}"#)
                == "settings: key 'networks': found 'file' and 'shipped' of 'family', 'file', 'files' and "
                + "'shipped', expected one"
        )
        #expect(
            message(#"{"networks": [{"shipped": "karate"}, {"family": "grid", "nodes": 0, "seed": 1}]}"#)
                == "settings: key 'networks[1].nodes': found 0, expected 2 to 100000"
        )
        #expect(
            message(#"{"networks": []}"#)
                == "settings: key 'networks': found an empty list, expected at least one"
        )
    }

    @Test("a source says what its networks are called together, and what is particular to them")
    func particular() throws {
        let found = try sites(
            #"""
            {"networks": [
              {"family": "grid", "nodes": 20, "seed": 4, "name": "west", "circumstances": {"cost": 0.2}},
              {"shipped": "karate"}]}
            """#
        )

        #expect(found.map(\.group) == ["west", "karate"])
        #expect(found.map(\.circumstances) == [Circumstances(["cost": 0.2]), Circumstances()])
        #expect(
            message(
                #"{"networks": {"family": "grid", "nodes": 20, "seed": 4, "circumstances": {"cost": "high"}}}"#
            ) == "settings: key 'networks.circumstances.cost': found 'high', expected a number"
        )
    }

    @Test("circumstances change the numbers that they name, and no others")
    func circumstances() throws {
        let usual = EpidemicDynamics.range
        var dear = usual
        dear.cost = 0.2

        #expect(try usual.under(Circumstances(text: "cost=0.2")) == dear)
        #expect(try usual.under(Circumstances(text: "")) == usual)
        #expect(try usual.with(particularNumbers: dear.particularNumbers) == dear)
        #expect(throws: SettingsFault(key: "cost", reason: "found -1.0, expected 0 or more")) {
            try usual.under(Circumstances(["cost": -1]))
        }
        let unknown = #expect(throws: SettingsFault.self) { try usual.under(Circumstances(["spreading": 1])) }
        #expect(
            unknown?.reason
                == "there is no such number, expected one of transmission, recovery, efficacy, cost, startShare"
        )
        #expect(throws: SettingsFault.self) { try Circumstances(text: "cost=high") }
        #expect(throws: SettingsFault.self) { try Circumstances(text: "cost=1,cost=2") }
    }

    @Test("a short text names a shipped network, a family, or a file")
    func texts() throws {
        #expect(try NetworkSource(text: "florentine") == .shipped(.florentine))
        #expect(
            try NetworkSource(text: "grid:80:1:3") == .generated(.grid, nodes: 80, count: 3, seed: 1)
        )
        #expect(try NetworkSource(text: "a/b.gml") == .files(["a/b.gml"], largestComponent: false))
        #expect(throws: NetworkFault.self) { try NetworkSource(text: "grid:80") }
    }
}
