import Foundation
import Testing

/// A coordinator and its clients as processes that a test starts, kills and starts again one by one.
final class Federation {
    static let coordinator = "coordinator"
    static let everyone = [coordinator] + SmallTopology.clients

    let bench: Bench
    let topologyFile: String
    private(set) var running: [String: Child] = [:]

    /// Writes the topology and makes the identities.
    init(_ topology: SmallTopology, in bench: Bench) async throws {
        self.bench = bench
        topologyFile = try bench.write("topology.yaml", topology.text)
        try await bench.succeed("tributary", ["provision", topologyFile, "--out", bench.path("identities")])
    }

    /// What nodes that start from now on read.
    func rewrite(_ topology: SmallTopology) throws { _ = try bench.write("topology.yaml", topology.text) }

    func identity(_ node: String) -> String {
        bench.path("identities/" + (node == Self.coordinator ? node : "clients/" + node))
    }

    func state(_ node: String) -> String { bench.path("state/" + node) }

    /// The arguments of a node's program.
    func arguments(_ node: String) -> [String] {
        (node == Self.coordinator ? [] : ["--name", node])
            + ["--topology", topologyFile, "--identity", identity(node), "--state", state(node)]
            + ["--log-level", "debug"]
    }

    func start(_ nodes: String...) throws { try start(nodes) }

    func start(_ nodes: [String]) throws {
        for node in nodes {
            let program = node == Self.coordinator ? "coordinator" : "client"
            running[node] = try bench.start(program, arguments(node), log: node)
        }
    }

    /// `kill -9`.
    func kill(_ node: String) async { await running[node]?.killNow() }

    /// What a node has logged since its first start.
    func log(_ node: String) -> String { running[node]?.output ?? "" }

    /// What the coordinator's status file says.
    var status: Status? {
        guard let data = FileManager.default.contents(atPath: state(Self.coordinator) + "/status.json") else {
            return nil
        }
        return try? JSONDecoder().decode(Status.self, from: data)
    }

    struct Status: Decodable {
        struct Client: Decodable {
            var name: String
            var connected: Bool
            var step: Int?
        }

        var phase: String
        var round: Int
        var passAt1: [Double]
        var clients: [Client]
        var waitingFor: [String]
    }

    /// Waits until every process has ended with exit code 0, and gives the merged adapter.
    func finish(sourceLocation: SourceLocation = #_sourceLocation) async throws -> Data {
        for node in Self.everyone {
            let child = try #require(running[node], sourceLocation: sourceLocation)
            let code = await child.exit()
            try #require(
                code == 0,
                "\(node) ended with \(code): \(child.output.suffix(1500))",
                sourceLocation: sourceLocation
            )
        }
        return try Self.adapter(below: state(Self.coordinator))
    }

    /// The adapter file below a coordinator's state.
    static func adapter(below state: String) throws -> Data {
        let names = ["adapter_model.safetensors", "macrostates.safetensors"].map { state + "/adapter/" + $0 }
        let there = names.first { FileManager.default.fileExists(atPath: $0) } ?? names[0]
        return try Data(contentsOf: URL(fileURLWithPath: there))
    }

    /// What the undisturbed federation ends with, from `tributary simulate`; worked out once.
    static func undisturbed() async throws -> Data { try await reference.value }

    private static let reference = Task {
        try await Bench.with { bench in
            let file = try bench.write("topology.yaml", SmallTopology().text)
            try await bench.succeed("tributary", ["simulate", file, "--out", bench.path("run")])
            return try adapter(below: bench.path("run/coordinator"))
        }
    }
}
