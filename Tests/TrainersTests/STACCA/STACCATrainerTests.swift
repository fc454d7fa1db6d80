import Contract
import Foundation
import Models
import Randomness
import Tasks
import Testing
import TrainersTestSupport

@testable import Trainers

/// A federation small enough for tests.
enum NetworkFixture {
    static let settings = Array(
        """
        {"environment": {"kind": "epidemic", "epidemic": {"horizon": 6, "ramp": 2}},
         "learning": {"episodes": 2, "warmUp": 0, "epochs": 1, "minibatches": 2,
                      "advantage": {"horizon": 2, "flips": 3}},
         "publicEpisodes": 2, "evaluationEpisodes": 2}
        """.utf8
    )

    static func run(adapter: String = "{}") throws -> RunContext {
        RunContext(
            seed: 3,
            schedule: Schedule(stepsPerRound: 6, localPerPublic: 2),
            clients: ["a", "b", "c"],
            settings: try Mapping(json: settings),
            model: try Mapping(
                json: Array(#"{"width": 8, "heads": 2, "inner": 8, "receptiveField": 2}"#.utf8)
            ),
            adapter: try Mapping(json: Array(adapter.utf8))
        )
    }

    static func data(_ seed: Int) throws -> Mapping {
        let json = #"{"networks": {"family": "barabasiAlbert", "nodes": 8, "count": 2, "seed": \#(seed)}}"#
        return try Mapping(json: Array(json.utf8), file: "data")
    }

    static func client(_ name: String, adapter: String = "{}") throws -> ClientContext {
        ClientContext(run: try run(adapter: adapter), name: name, data: try data(name == "a" ? 1 : 2))
    }

    static func coordinator(adapter: String = "{}") throws -> CoordinatorContext {
        CoordinatorContext(
            run: try run(adapter: adapter),
            publicData: try data(8),
            evaluationData: try data(9)
        )
    }

    static func judge() throws -> STACCAJudge {
        let context = try coordinator()
        return try context.run.settings.read(STACCASettings.self) {
            try STACCAJudge(settings: $0, context: context)
        }
    }

    static func trainer(_ name: String, _ context: ClientContext? = nil) throws -> STACCATrainer {
        let context = try context ?? client(name)
        return try context.run.settings.read(STACCASettings.self) {
            try STACCATrainer(settings: $0, context: context)
        }
    }
}

@Suite("The stacca trainer")
struct STACCATrainerTests {
    @Test("stacca conforms, dense and with low-rank factors", arguments: ["{}", #"{"rank": 2, "alpha": 4}"#])
    func conforms(adapter: String) throws {
        let entry = try #require(Registry.shipped.trainers.first { $0.name == "stacca" })
        let contexts = try Dictionary(
            uniqueKeysWithValues: ["a", "b"].map { ($0, try NetworkFixture.client($0, adapter: adapter)) }
        )
        let fallback = try NetworkFixture.client("c", adapter: adapter)
        let subject = TrainerConformance(
            entry: entry,
            settings: NetworkFixture.settings,
            client: { contexts[$0] ?? fallback },
            coordinator: try NetworkFixture.coordinator(adapter: adapter),
            metrics: ["return", "critic/loss", "policy/entropy"]
        )

        #expect(try subject.check() == [])
    }

    @Test("stacca conforms with a critic whose last map stays at home, and its policy can be used")
    func localHead() throws {
        let entry = try #require(Registry.shipped.trainers.first { $0.name == "stacca" })
        let text = String(decoding: NetworkFixture.settings, as: UTF8.self)
        let json = Array((text.dropLast() + #", "localCriticHead": true}"#).utf8)
        let contexts = try Dictionary(
            uniqueKeysWithValues: ["a", "b"].map { ($0, try NetworkFixture.client($0)) }
        )
        let fallback = try NetworkFixture.client("c")
        let subject = TrainerConformance(
            entry: entry,
            settings: json,
            client: { contexts[$0] ?? fallback },
            coordinator: try NetworkFixture.coordinator()
        )
        #expect(try subject.check() == [])

        let run = try NetworkFixture.run()
        let settings = try STACCASettings(json: json)
        let whole = try STACCATask(settings, run).policy().adapter
        let folder = FileManager.default.temporaryDirectory.path + "/tributary-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try STACCATrainer.write(whole.travelling, to: folder, settings, run)
        let state = CodedState(
            view: try NetworkView(try NetworkFamily.grid.network(nodes: 6, seed: 1), EpidemicDynamics()),
            state: NodeStates(nodes: 6),
            time: 0
        )
        #expect(whole.arrays.count - whole.travelling.arrays.count == 2)
        #expect(
            try PolicyFolder(reading: folder).policy().logits([state])
                == STACCATask(settings, run).policy(whole).logits([state])
        )
    }

    @Test("the judge replays what a client did, and believes no actions that are none")
    func verified() throws {
        let judge = try NetworkFixture.judge()
        let batch = try judge.batch(round: 0, step: 2)
        let sender = Sender("a", merged: { AdapterWeights([]) }, adapter: { AdapterWeights([]) })
        let count = 6 * 8
        func responses(_ bytes: [UInt8]) -> [[Response]] {
            batch.items.map { item in (0..<2).map { Response(itemID: item.id, index: $0, payload: bytes) } }
        }
        let none = EpisodePayload.encode(actions: Array(repeating: 0, count: count))
        let all = EpisodePayload.encode(actions: Array(repeating: 1, count: count))

        let idle = try judge.score(responses(none), to: batch, from: sender)
        let busy = try judge.score(responses(all), to: batch, from: sender)

        for (one, other) in zip(idle.joined(), busy.joined()) { #expect(max(one, other) == 0) }
        #expect(throws: ResponseFault.self) {
            try judge.score(responses(Array(none.dropLast())), to: batch, from: sender)
        }
        #expect(throws: ResponseFault.self) {
            try judge.score(responses(none + [0]), to: batch, from: sender)
        }
        #expect(idle == (try judge.score(responses(none), to: batch, from: sender)))
    }

    @Test(
        "who does worse than most gets the best episode of all in place of its worst, and learns its actions"
    )
    func lessons() throws {
        let judge = try NetworkFixture.judge()
        let batch = try judge.batch(round: 0, step: 2)
        let count = 6 * 8
        let good = EpisodePayload.encode(actions: (0..<count).map { UInt8($0 % 2) })
        let bad = EpisodePayload.encode(actions: Array(repeating: 0, count: count))
        let step = ScoredStep(
            batch: batch,
            clients: [
                ("a", batch.items.map { _ in [-3, -2] }), ("b", batch.items.map { _ in [1, -1] }),
                ("c", batch.items.map { _ in [0, 0] }),
            ],
            merged: { AdapterWeights([]) },
            responses: { name in
                batch.items.map { item in
                    [name == "b" ? good : bad, bad].enumerated().map {
                        Response(itemID: item.id, index: $0, payload: $1)
                    }
                }
            }
        )

        guard case .pools(let pools, let metrics) = try judge.combine(step) else {
            Issue.record("expected pools")
            return
        }

        #expect(metrics["stacca/lessons"] == 2)
        #expect(
            pools["a"]?.groups.map(\.replacements)
                == batch.items.map { _ in
                    [Replacement(index: 0, score: 1, payload: good)]
                }
        )
        #expect(pools["b"]?.groups.allSatisfy { $0.replacements.isEmpty } == true)
        #expect(pools["c"]?.groups.allSatisfy { $0.replacements.isEmpty } == true)
        let trainer = try NetworkFixture.trainer("a")
        try trainer.beginRound(0, adapter: judge.initialAdapter())
        _ = try trainer.respond(to: batch)
        let before = trainer.adapter
        let report = try trainer.absorb(try #require(pools["a"]))
        #expect(report.metrics["lessons"] == 2 && report.metrics["imitation/loss"] ?? 0 > 0)
        #expect(trainer.adapter != before)
    }

    @Test("nothing that a client sends or keeps has a private network in it")
    func canary() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tributary-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let names = (0..<8).map { "canary\($0)" }
        let edges = (0..<7).map { "\(names[$0]) \(names[$0 + 1])" }.joined(separator: "\n")
        try Data(edges.utf8).write(to: folder.appending(path: "private.edges"))
        var context = try NetworkFixture.client("a")
        context.run.folder = folder.path()
        context.data = try Mapping(
            json: Array(#"{"networks": {"file": "private.edges"}}"#.utf8),
            file: "data"
        )
        let judge = try NetworkFixture.judge()
        let trainer = try NetworkFixture.trainer("a", context)
        try trainer.beginRound(0, adapter: judge.initialAdapter())
        var sent: [UInt8] = []

        let report = try trainer.adapt(StepPlan(round: 0, steps: 0..<2)) { sent += Array("\($0)".utf8) }
        let responses = try trainer.respond(to: judge.batch(round: 0, step: 2))
        sent += Array("\(report)\(try STACCATrainer.examine(STACCASettings(), context))".utf8)
        sent += responses.flatMap(\.payload) + (try trainer.snapshot())

        #expect(!String(decoding: sent, as: UTF8.self).contains("canary"))
        // A client of other networks can go on from the snapshot: it says nothing about the first one's.
        let other = try NetworkFixture.trainer("a", NetworkFixture.client("b"))
        try other.restore(trainer.snapshot())
        #expect(other.adapter == trainer.adapter)
    }

    @Test("an adapter has plain values whatever the critic counts in")
    func units() throws {
        let run = try NetworkFixture.run()
        let task = try run.settings.read(STACCASettings.self) { try STACCATask($0, run) }
        let policy = try task.policy()
        let network = try NetworkFamily.grid.network(nodes: 6, seed: 1)
        let state = CodedState(
            view: try NetworkView(network, EpidemicDynamics()),
            state: NodeStates(nodes: 6),
            time: 1
        )
        let (values, adapter) = (policy.values([state]), policy.adapter)

        policy.follow([-10, -20, -60, 4])
        let moved = policy.values([state])
        let plain = try task.policy(policy.adapter)

        #expect(policy.normaliser.deviation > 10)
        for (one, other) in zip(values, moved) { #expect(abs(one - other) < 1e-3) }
        for (one, other) in zip(values, plain.values([state])) { #expect(abs(one - other) < 1e-3) }
        #expect(plain.adapter == policy.adapter)
        for (one, other) in zip(adapter.arrays, policy.adapter.arrays) {
            for (left, right) in zip(one.values, other.values) { #expect(abs(left - right) < 1e-4) }
        }
    }

    @Test("a policy's folder gives back the policy, and says what is wrong with another")
    func folder() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/tributary-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = try NetworkFixture.run()
        let settings = try run.settings.read(STACCASettings.self) { $0 }
        let adapter = try STACCATask(settings, run).policy().adapter
        _ = try STACCATrainer.write(adapter, to: folder, settings, run)

        let files = try PolicyFolder(reading: folder)
        let state = CodedState(
            view: try NetworkView(try NetworkFamily.grid.network(nodes: 6, seed: 1), EpidemicDynamics()),
            state: NodeStates(nodes: 6),
            time: 0
        )

        #expect(files.environment == settings.environment)
        #expect(
            try files.policy().logits([state]) == STACCATask(settings, run).policy(adapter).logits([state])
        )
        let none = #expect(throws: PolicyFault.self) { try PolicyFolder(reading: folder + "/none") }
        #expect(none?.reason == "cannot be read; expected the folder of a policy on networks")
        try Data("{}".utf8).write(to: URL(filePath: folder + "/policy.json"))
        let wrong = #expect(throws: PolicyFault.self) { try PolicyFolder(reading: folder) }
        #expect(wrong?.reason == "does not describe a policy on networks")
    }

    @Test("public items and actions survive their bytes, and damaged ones are none")
    func payloads() throws {
        let network = try NetworkFamily.grid.network(nodes: 6, seed: 1)
        let item = EpisodePayload.Item(network: network, particulars: [0.1, -2e-9], seed: 1 << 40 | 5)
        let bytes = EpisodePayload.encode(item)
        let actions: [UInt8] = [1, 0, 0, 1, 1, 0, 0, 0, 1, 1]

        let decoded = EpisodePayload.decode(bytes, nodesMax: 6)
        #expect(decoded?.particulars == item.particulars)
        #expect(decoded?.seed == item.seed && decoded?.network.edges.count == network.edges.count)
        #expect(EpisodePayload.decode(bytes, nodesMax: 5) == nil)
        #expect(EpisodePayload.decode(Array(bytes.dropLast()), nodesMax: 6) == nil)
        let packed = EpisodePayload.encode(actions: actions)
        #expect(packed.count == 2 && EpisodePayload.decode(actions: packed, count: 10) == actions)
        #expect(EpisodePayload.decode(actions: packed, count: 9) == nil)
        #expect(EpisodePayload.decode(actions: packed, count: 17) == nil)
    }

    @Test(
        "public networks that no message can carry are refused where they are read",
        arguments: [
            (
                #"{"networks": {"family": "erdosRenyi", "meanDegree": 520, "nodes": 540, "seed": 1}}"#,
                "edges, expected at most 130944"
            ),
            (
                #"{"networks": {"family": "grid", "nodes": 20000, "seed": 1}}"#,
                "20000 nodes, expected at most 16384"
            ),
            (
                #"{"networks": {"family": "grid", "nodes": 4200, "seed": 1}}"#,
                "4200 nodes, expected at most 4096"
            ),
        ]
    )
    func tooLarge(json: String, says: String) throws {
        var context = try NetworkFixture.coordinator()
        context.publicData = try Mapping(json: Array(json.utf8), file: "data")

        let error = #expect(throws: ConfigurationError.self) {
            try STACCAJudge.examine(STACCASettings(), context)
        }

        #expect("\(error.map { "\($0)" } ?? "")".contains(says))
    }

    @Test("a public item whose numbers are none of the environment's is refused")
    func wrongItem() throws {
        let run = try NetworkFixture.run()
        let task = try run.settings.read(STACCASettings.self) { try STACCATask($0, run) }
        let network = try NetworkFamily.grid.network(nodes: 6, seed: 1)
        func item(_ numbers: [Double]) -> (view: NetworkView, seed: UInt64)? {
            task.item(EpisodePayload.encode(.init(network: network, particulars: numbers, seed: 1)))
        }

        #expect(item([0.5, 0.2, 1, 0.1, 0.05])?.view.dynamics.cost == 0.1)
        #expect(item([0.5, 0.2, 1, 0.1]) == nil)
        #expect(item([1.5, 0.2, 1, 0.1, 0.05]) == nil)
        #expect(item([.nan, 0.2, 1, 0.1, 0.05]) == nil)
    }
}
