import Aggregation
import Contract
import Foundation
import Testing
import Wire

@testable import Topology

/// The smallest file that is complete.
let minimal = """
    federation: demo
    model: {embedded: tiny-arithmetic}
    trainer: {name: rlvr}
    rounds: {count: 3, steps: 60}
    clients:
      - name: inc
      - name: dec
    """

@Suite("Topology files")
struct TopologyFileTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("topologies").path

    static let files =
        (try? FileManager.default.contentsOfDirectory(atPath: folder))?
        .filter { $0.hasSuffix(".yaml") }.sorted() ?? []

    @Test("the folder of ready files has at least five")
    func readyFiles() {
        #expect(Self.files.count >= 5)
    }

    @Test("every ready file loads, and so does its resolved form, as the same value", arguments: files)
    func everyFileLoads(name: String) throws {
        let topology = try Topology.load(Self.folder + "/" + name)

        let again = try Topology.parse(topology.resolvedYAML, file: "resolved.yaml", folder: "/elsewhere")

        #expect(again == topology)
        #expect(again.digest == topology.digest)
        #expect(again.folder == Self.folder)
        #expect(topology.clients.allSatisfy { !$0.data.isEmpty })
        #expect(!topology.publicData.isEmpty && !topology.evaluation.isEmpty)
    }

    @Test(
        "the default quorum is more than half of the clients",
        arguments: [(1, 1), (2, 2), (3, 2), (4, 3), (7, 4)]
    )
    func quorum(clients: Int, quorum: Int) throws {
        var topology = try Topology.parse(minimal, folder: "/here")
        topology.clients = (0..<clients).map { index in
            var client = topology.clients[0]
            client.name = "client-\(index)"
            return client
        }

        #expect(topology.quorum == quorum)
        topology.rounds.quorum = 1
        #expect(topology.quorum == 1)
    }

    @Test(
        "what bounds a merge is read, written out, and read again as the same",
        arguments: [
            "{normLimit: none, collapse: none}", "{normLimit: 5, examplesMax: 40, collapse: 0.5}", "{}",
        ]
    )
    func bounds(aggregation: String) throws {
        let topology = try Topology.parse(minimal + "\naggregation: \(aggregation)\n", folder: "/here")

        #expect(try Topology.parse(topology.resolvedYAML, folder: "/there") == topology)
    }

    @Test("a minimal file gets the defaults of the table in topologies/README.md")
    func defaults() throws {
        let topology = try Topology.parse(minimal, folder: "/here")

        #expect(topology.seed == 1)
        #expect(topology.coordinator.host == "127.0.0.1" && topology.coordinator.listen == "127.0.0.1")
        #expect(topology.coordinator.port == 7433)
        #expect(topology.rounds.localPerPublic == 2 && topology.rounds.quorum == nil)
        #expect(topology.rounds.publicSteps == 20)
        #expect(
            topology.rounds.deadlines
                == .init(
                    start: .seconds(120),
                    publicStep: .seconds(120),
                    update: .seconds(600),
                    heartbeat: .seconds(5),
                    idle: .seconds(20),
                    farewell: .seconds(60)
                )
        )
        #expect(
            topology.aggregation
                == .init(
                    delta: "factors",
                    weights: .uniform,
                    normLimit: .recent,
                    examplesMax: nil,
                    collapse: 0.1
                )
        )
        #expect(topology.pool == "balanced" && topology.encoding == .bf16)
        #expect(topology.clients.map(\.threads) == [1, 1])
        #expect(topology.clients.map(\.delay) == [.zero, .zero])
        #expect(topology.trainer.settings.isEmpty && topology.adapter.isEmpty && topology.publicData.isEmpty)
        #expect(topology.transforms == .init(client: [], coordinator: []))
        #expect(topology.objectives.isEmpty && topology.monitors.isEmpty && topology.guards.isEmpty)
    }

    @Test(
        "every key of the table in topologies/README.md is read, and every key that is written out is in it"
    )
    func documentedKeys() throws {
        let page = try String(contentsOfFile: Self.folder + "/README.md", encoding: .utf8)
        let keys = try #require(page.components(separatedBy: "## Keys\n").dropFirst().first)
        let table = try #require(keys.components(separatedBy: "\n### ").first)
        let rows = table.split(separator: "\n").filter {
            $0.hasPrefix("| `") && $0.split(separator: "|").count == 4
        }
        let documented = Set(rows.compactMap { $0.split(separator: "`").dropFirst().first.map(String.init) })
        let bare = minimal.replacingOccurrences(of: "{embedded: tiny-arithmetic}", with: "{}")
        let written = Set(try Topology.parse(bare, folder: "/here").resolvedKeys)

        let known: Set<String> = [
            "adapter.from", "compute.threads", "clients", "clients[].host", "data.clients", "data.members",
        ]
        #expect(documented == written.union(known))
    }

    @Test("`adapter.from` is the coordinator's: the trainer does not see it, and it is written out again")
    func adapterFrom() throws {
        let text = minimal + "\nadapter: {rank: 4, from: ../run/adapter}\n"
        let topology = try Topology.parse(text, folder: "/here")

        #expect(topology.startFolder == "../run/adapter")
        #expect(topology.adapter.members.map(\.key) == ["rank"])
        let again = try Topology.parse(topology.resolvedYAML, folder: "/there")
        #expect(again.startFolder == topology.startFolder)
        #expect(again.adapter.members.map(\.key) == ["rank"])
        let fault = #expect(throws: ConfigurationError.self) {
            try Topology.parse(minimal + "\nadapter: {from: [a]}\n", folder: "/here")
        }
        #expect(fault?.description.contains("'adapter.from'") == true, "\(String(describing: fault))")
    }

    @Test("a byte order mark at the start of a file changes nothing")
    func byteOrderMark() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data([0xEF, 0xBB, 0xBF] + Array(minimal.utf8)).write(to: file)

        #expect(try Topology.load(file.path).federation == "demo")
    }

    @Test("paths start from the file's folder")
    func paths() throws {
        let topology = try Topology.parse(minimal, folder: "/here")

        #expect(topology.absolutePath("a/b.jsonl") == "/here/a/b.jsonl")
        #expect(topology.absolutePath("/a/b.jsonl") == "/a/b.jsonl")
    }

    @Test("none as localPerPublic means a round without public steps")
    func noPublicSteps() throws {
        let yaml = minimal.replacingOccurrences(of: "steps: 60", with: "steps: 60, localPerPublic: none")

        #expect(try Topology.parse(yaml, folder: "/").rounds.publicSteps == 0)
    }

    @Test("clients without data of their own take data.clients")
    func sharedData() throws {
        let yaml = minimal + "\n    data: {path: own.jsonl}\ndata:\n  clients: {path: shared.jsonl}\n"
        let topology = try Topology.parse(yaml, folder: "/")

        #expect(topology.client(named: "inc")?.data.json == Array(#"{"path":"shared.jsonl"}"#.utf8))
        #expect(topology.client(named: "dec")?.data.json == Array(#"{"path":"own.jsonl"}"#.utf8))
    }

    @Test("the certificate covers the host and the further names once each")
    func certificateNames() throws {
        let yaml = minimal + "\ncoordinator: {host: a.example, names: [b.example, a.example]}\n"
        let topology = try Topology.parse(yaml, folder: "/")

        #expect(topology.coordinator.certificateNames == ["a.example", "b.example"])
        #expect(topology.coordinator.listen == "0.0.0.0")
    }
}

extension Topology {
    /// The dotted names of all scalars and lists that the resolved form writes, opaque ones as one.
    fileprivate var resolvedKeys: [String] {
        var names: [String] = []
        var stack: [(depth: Int, key: String)] = []
        for line in resolvedYAML.split(separator: "\n") {
            let depth = line.prefix { $0 == " " || $0 == "-" }.count
            let key = String(line.dropFirst(depth).prefix { $0 != ":" })
            stack.removeAll { $0.depth >= depth }
            let inList = depth > 0 && stack.last?.key == "clients"
            let path = stack.map(\.key).joined(separator: ".") + (inList ? "[]" : "")
            if !line.hasSuffix(":") { names.append(path.isEmpty ? key : path + "." + key) }
            stack.append((depth, key))
        }
        return names
    }
}
