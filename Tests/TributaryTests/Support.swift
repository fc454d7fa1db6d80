import Contract
import Digest
import Foundation
import Ledger
import Nodes
import Report
import Topology
import Wire

@testable import tributary

/// A folder of its own for one test; removed when the value goes.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/tributary-commands-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String) throws {
        try text.write(toFile: path + "/" + name, atomically: true, encoding: .utf8)
    }

    func read(_ name: String) throws -> String {
        try String(contentsOfFile: path + "/" + name, encoding: .utf8)
    }
}

/// Two clients, two topics, rounds that are over in no time.
func smallTopology(seed: UInt64 = 1, pool: String = "balanced") throws -> Topology {
    let yaml = """
        federation: small
        seed: \(seed)
        model:
          embedded: tiny-arithmetic
        trainer:
          name: rlvr
          settings:
            samplesPerPrompt: 2
            promptsPerStep: 2
            publicPromptsPerStep: 2
            maxTokens: 5
        data:
          clients: &draw
            families: [inc, dec]
            clients: 2
            privateCount: 10
            ownFraction: 1
            publicPerFamily: 4
            heldOutPerFamily: 5
          public: *draw
          evaluation: *draw
        rounds:
          count: 2
          steps: 6
        pool:
          rule: \(pool)
        clients:
          - name: left
          - name: right
        """
    return try Topology.parse(yaml, file: "small", folder: "/")
}

let baseModel = "2222"

/// The folder of a run whose coordinator measured what the arguments say.
struct SyntheticRun {
    var topology: Topology
    /// pass@1 of topics `a` and `b`, first the base's, then after each round.
    var scores: [(a: Double, b: Double)] = [(0.1, 0.3), (0.2, 0.4), (0.3, 0.7)]

    /// What the judge measured in each public step, where it combines responses itself.
    var combined: Double?

    func write(to root: String) throws {
        let layout = RunLayout(root: root)
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        try topology.resolvedYAML.write(toFile: layout.topologyFile, atomically: true, encoding: .utf8)
        let ledger = try Ledger.open(
            layout.coordinatorState,
            identity: FederationIdentity(
                federation: topology.federation,
                topology: topology.digest,
                seed: topology.seed,
                fingerprint: SHA256Digest(of: [2])
            )
        )
        _ = try ledger.recordInitialAdapter(blob(0, ledger))
        for round in scores.indices.dropLast() { try write(round, to: ledger) }
        for (index, score) in scores.enumerated() {
            try ledger.recordEvaluation(round: index - 1, Array(try evaluation(score.a, score.b).utf8))
            try note("evaluation", "{\"round\":\(index - 1),\"seconds\":0.5}", ledger)
        }
    }

    private func write(_ round: Int, to ledger: Ledger) throws {
        _ = try ledger.beginRound(round, atMs: 10_000 * Int64(round))
        for step in [2, 5] {
            try note(
                "publicStep",
                """
                {"round":\(round),"step":\(step),"groups":8,"silentBefore":\(4 + round),"silentAfter":2,"swaps":3,\
                "responses":16,"correct":6\(combined.map { ",\"metrics\":{\"merged\":\($0 + Double(step))}" } ?? "")}
                """,
                ledger
            )
        }
        _ = try ledger.finishRound(
            round,
            adapter: blob(Float(round + 1), ledger),
            evaluation: nil,
            atMs: 10_000 * Int64(round) + 2_500
        )
        try note(
            "aggregation",
            """
            {"round":\(round),"factorGap":0.25,"clientDrift":\(round + 1),"meanUpdateNorm":1,"meanCosine":0.5,\
            "clients":["left","right"]}
            """,
            ledger
        )
        try ledger.addTraffic([
            TrafficRecord(round: round, kind: "update", direction: .up, messages: 2, bytes: 100),
            TrafficRecord(round: round, kind: "adapter", direction: .down, messages: 2, bytes: 300),
            TrafficRecord(round: round, kind: "control", direction: .up, messages: 2, bytes: 7),
        ])
    }

    private func note(_ name: String, _ detail: String, _ ledger: Ledger) throws {
        _ = try ledger.log(EventRecord(atMs: 0, name: name, detail: Array(detail.utf8)))
    }

    private func blob(_ value: Float, _ ledger: Ledger) throws -> StoredBlob {
        let adapter = AdapterWeights([NamedArray(name: "w", shape: [2], values: [value, -value])])
        let blob = try BlobEncoder.encode(adapter, as: .adapter, encoding: .f32)
        _ = try ledger.store(blob.bytes)
        return try StoredBlob(blob)
    }
}

/// The JSON of an evaluation of topics `a` and `b`.
func evaluation(_ a: Double, _ b: Double) throws -> String {
    let evaluation = Evaluation(
        CellResult.measure,
        meanOf: [
            SliceEvaluation(name: "a", items: 5, value: a), SliceEvaluation(name: "b", items: 5, value: b),
        ]
    )
    return String(decoding: try JSONEncoder().encode(evaluation), as: UTF8.self)
}

/// The score that such an evaluation has.
func score(_ a: Double, _ b: Double) -> Score {
    Score(overall: (a + b) / 2, bySlice: ["a": a, "b": b], slice: "topic")
}

/// A plan of the small topology.
func smallPlan(
    steps: [Int]? = [3, 6],
    methods: [ReproductionMethod] = ReproductionMethod.allCases,
    seeds: [UInt64] = [1, 2]
) throws -> ReproductionPlan {
    ReproductionPlan(
        setups: [.init(name: "small", topology: try smallTopology(), baseModel: baseModel)],
        steps: steps,
        methods: methods,
        seeds: seeds,
        proximalWeight: 0.01
    )
}

/// A result that says how good a cell would be.
func result(of cell: ReproductionCell, _ passAt1: Double = 0.5) -> CellResult {
    CellResult(
        setup: cell.setup,
        method: cell.method,
        steps: cell.steps,
        seed: cell.seed,
        fingerprint: cell.fingerprint.description,
        passAt1: score(passAt1, passAt1),
        base: cell.method.isFederated ? score(0.1, 0.1) : nil,
        metrics: [:],
        adapterDigest: nil,
        seconds: 1
    )
}
