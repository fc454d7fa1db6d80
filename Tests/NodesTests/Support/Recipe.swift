import Contract
import Models
import Topology
import Trainers
import Testing
import TrainersTestSupport

@testable import Nodes

/// A topology for tests, small enough for debug builds.
struct Recipe: Sendable, CustomTestStringConvertible {
    var trainer = "vector"
    var settings = "{}"
    var clients = ["ash", "birch", "cedar"]
    var seed = 11
    var rounds = 2
    var steps = 6
    var localPerPublic = "2"
    var quorum: Int?
    var deadlines = "{publicStep: 60s, update: 60s, heartbeat: 500ms, idle: 20s}"
    var delta = "factors"
    var weights = "uniform"
    var normLimit = "none"
    /// Takes the place of the norm limit: `collapse: none`.
    var bounds: String?
    var pool = "balanced"
    var encoding = "bf16"
    var port = 0
    var host = "127.0.0.1"
    var model = RandomModel.directory
    var adapter = "{rank: 2, alpha: 4, targets: [q_proj, v_proj]}"
    /// More sections: `guards: [bounds: {}]`.
    var more = ""
    /// More keys of a client, by name: `delay: 50ms`.
    var extras: [String: String] = [:]

    static let rlvr = Recipe(
        trainer: "rlvr",
        settings: """
            {samplesPerPrompt: 4, promptsPerStep: 3, publicPromptsPerStep: 3, maxTokens: 3, \
            evaluation: {method: expected, itemsPerTopic: 4}}
            """,
        clients: ["ash", "birch"],
        rounds: 2,
        steps: 3
    )

    static let sft = Recipe(
        trainer: "sft",
        settings:
            "{maxTokens: 3, examplesPerStep: 3, publicPromptsPerStep: 3, evaluation: {method: expected, itemsPerTopic: 4}}",
        clients: ["ash", "birch"],
        rounds: 2,
        steps: 3
    )

    static let ret = Recipe(
        trainer: "ret",
        settings: """
            {layers: [1], groups: 3, publicTextsPerStep: 4, updatesPerStep: 2, \
            shape: {windows: [2], hidden: [8], outputs: 4, predictorHidden: [8]}, \
            learning: {horizon: {from: 1, to: 2}, batchSize: 16}}
            """,
        clients: ["ash", "birch"],
        rounds: 2,
        steps: 3,
        adapter: "{}"
    )

    static let action = Recipe(trainer: "action")

    /// The toys have no model and no data.
    private var usesModel: Bool { ["rlvr", "sft", "ret"].contains(trainer) }

    var yaml: String {
        let data =
            "{families: [max, cnt], clients: 2, privateCount: 12, ownFraction: 0.9, publicPerFamily: 6, heldOutPerFamily: 4}"
        let language = """
            model: {directory: \(model)}
            adapter: \(adapter)
            data: {clients: \(data), public: \(data), evaluation: \(data)}
            """
        let members = clients.map { name in "  - {name: \(name)\(extras[name].map { ", " + $0 } ?? "")}" }
        return """
            federation: test
            seed: \(seed)
            coordinator: {host: \(host), port: \(port)}
            trainer: {name: \(trainer), settings: \(settings)}
            \(usesModel ? language : "")
            rounds: {count: \(rounds), steps: \(steps), localPerPublic: \(localPerPublic)\
            \(quorum.map { ", quorum: \($0)" } ?? ""), deadlines: \(deadlines)}
            aggregation: {delta: \(delta), weights: \(weights), \(bounds ?? "normLimit: \(normLimit)")}
            pool: {rule: \(pool)}
            wire: {encoding: \(encoding)}
            \(more)
            clients:
            \(members.joined(separator: "\n"))
            """
    }

    var testDescription: String { "\(trainer), \(clients.count) clients, \(encoding)" }

    func topology() throws -> Topology { try Topology.parse(yaml, folder: "/tmp") }

    func job() throws -> Job {
        try Job(
            topology(),
            Registry.shipped.adding(Probes.registry)
        )
    }
}
