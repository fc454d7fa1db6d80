import Contract
import Digest
import Foundation
import Ledger
import Nodes
import Report
import Testing
import Topology

@testable import TributaryKit
@testable import tributary

@Suite("Gathering a run's summary")
struct SummaryTests {
    private let scratch: Scratch
    private var layout: RunLayout { RunLayout(root: scratch.path) }

    init() throws { scratch = try Scratch() }

    private func summary(build: Double? = 60, parameters: Int? = 1_000) throws -> RunSummary {
        let run = try RunRecord.read(layout)
        return try SummaryBuilder(
            run: run,
            controls: Controls.read(layout, of: run),
            topologyName: "topology.yaml",
            modelParameters: parameters,
            buildSeconds: build
        ).summary()
    }

    private func localOnly(_ scores: [(client: String, round: Int, a: Double, b: Double)]) throws {
        let folder = scratch.path + "/local-only"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let results = try scores.map { score in
            let json = try evaluation(score.a, score.b)
            return "{\"client\":\"\(score.client)\",\"round\":\(score.round),\"evaluation\":\(json)}"
        }
        try scratch.write("[\(results.joined(separator: ","))]", to: "local-only/results.json")
    }

    @Test("a run without controls has its own figures and no others")
    func alone() throws {
        try SyntheticRun(topology: smallTopology()).write(to: scratch.path)

        let summary = try summary()

        #expect(summary.rounds == 2 && summary.clients == 2 && summary.seed == 1)
        #expect(summary.scores.base == score(0.1, 0.3))
        #expect(summary.scores.federated == score(0.3, 0.7))
        #expect(summary.scores.noSwap == nil && summary.scores.localOnly == nil)
        #expect(summary.seconds == Seconds(build: 60, training: 5, evaluation: 1.5))
        #expect(summary.bytes.up == 214 && summary.bytes.down == 600)
        #expect(summary.bytes.byKind.map(\.kind) == ["adapter", "update", "control"])
        #expect(summary.bytes.fullModelSync == 1_000 * 2 * 2 * 2 * 2)
    }

    @Test("each round's history is that round's alone")
    func history() throws {
        try SyntheticRun(topology: smallTopology()).write(to: scratch.path)

        let history = try summary().history

        #expect(history.map(\.round) == [1, 2])
        #expect(history.map(\.drift) == [1, 2])
        #expect(history.map(\.fedITGap) == [0.25, 0.25])
        #expect(history.map(\.silentBefore) == [0.5, 0.625])
        #expect(history.map(\.silentAfter) == [0.25, 0.25])
        #expect(history.map(\.swaps) == [6, 6])
        #expect(history.map { $0.federated?.bySlice["a"] } == [0.2, 0.3])
        #expect(history[1].bytes.reduce(0) { $0 + $1.up } == 107)
    }

    @Test("where the judge combines responses, its figures take the place of the swap's")
    func combined() throws {
        try SyntheticRun(topology: smallTopology(), combined: 0.5).write(to: scratch.path)

        let history = try summary().history

        #expect(history.map(\.combined) == [["merged": 4], ["merged": 4]])
        #expect(history.allSatisfy { $0.swaps == nil && $0.silentBefore == nil && $0.silentAfter == nil })
        let page = ReportPage(try summary()).html()
        #expect(page.contains("What public steps came to") && !page.contains("What the swap did"))
    }

    @Test("controls below the run's folder are compared with it, local-only as the mean over clients")
    func controls() throws {
        try SyntheticRun(topology: smallTopology()).write(to: scratch.path)
        try SyntheticRun(topology: smallTopology(pool: "none"), scores: [(0.1, 0.3), (0.2, 0.2), (0.3, 0.5)])
            .write(to: scratch.path + "/no-swap")
        try localOnly([
            ("left", 0, 0.1, 0.1), ("left", 1, 0.5, 0.1), ("right", 0, 0.3, 0.1), ("right", 1, 0.1, 0.5),
        ])

        let summary = try summary()

        #expect(summary.scores.noSwap == score(0.3, 0.5))
        let local = try #require(summary.scores.localOnly)
        #expect(abs(local.overall - 0.3) < 1e-12 && abs((local.bySlice["a"] ?? 0) - 0.3) < 1e-12)
        #expect(summary.history[0].noSwap?.overall == 0.2)
        #expect(abs((summary.history[0].localOnly?.bySlice["a"] ?? 0) - 0.2) < 1e-12)
    }

    @Test("a client missing among those who learn alone leaves the figure out")
    func incompleteLocalOnly() throws {
        try SyntheticRun(topology: smallTopology()).write(to: scratch.path)
        try localOnly([("left", 0, 0.1, 0.1), ("left", 1, 0.5, 0.1), ("right", 0, 0.3, 0.1)])

        let summary = try summary()

        #expect(summary.scores.localOnly == nil)
        #expect(summary.history[0].localOnly != nil)
    }

    @Test("a control of another seed or with swaps is refused")
    func foreignControls() throws {
        try SyntheticRun(topology: smallTopology()).write(to: scratch.path)
        let control = scratch.path + "/no-swap"

        try SyntheticRun(topology: smallTopology(seed: 2, pool: "none")).write(to: control)
        #expect(throws: NodeError(.data, "")) { try summary() }

        try FileManager.default.removeItem(atPath: control)
        try SyntheticRun(topology: smallTopology()).write(to: control)
        #expect(throws: NodeError(.data, "")) { try summary() }
    }

    @Test("a folder without a run and a run without a finished round are refused as missing input")
    func nothingThere() throws {
        #expect(throws: NodeError(.input, "")) { try summary() }

        try SyntheticRun(topology: smallTopology(), scores: [(0.1, 0.3)]).write(to: scratch.path)

        #expect(throws: NodeError(.input, "")) { try summary() }
    }

    @Test("the summary's JSON has the keys that others read")
    func keys() throws {
        try SyntheticRun(topology: smallTopology()).write(to: scratch.path)

        let json = try JSONSerialization.jsonObject(with: Data(summary().json()))

        let keys = try #require(json as? [String: Any])
        for key in [
            "passAt1", "bytes", "rounds", "clients", "seconds", "adapterDigest", "seed", "topology",
            "history",
        ] {
            #expect(keys[key] != nil, "\(key)")
        }
        let bytes = try #require(keys["bytes"] as? [String: Any])
        #expect(Set(bytes.keys).isSuperset(of: ["up", "down", "fullModelSync", "byKind"]))
        let seconds = try #require(keys["seconds"] as? [String: Any])
        #expect(Set(seconds.keys) == ["build", "training", "evaluation"])
    }

    @Test("what nobody measured is said to be so")
    func unmeasured() throws {
        try SyntheticRun(topology: smallTopology()).write(to: scratch.path)

        let summary = try summary(build: nil, parameters: nil)

        #expect(summary.bytes.fullModelSync == 0)
        #expect(summary.settings.contains(Setting("build seconds", "not measured")))
        #expect(!summary.settings.contains { $0.name == "full-model figure" })
    }

    @Test("the adapter's digest is SHA-256 of its values in little-endian binary32")
    func adapterDigest() throws {
        try SyntheticRun(topology: smallTopology()).write(to: scratch.path)

        let digest = try summary().adapterDigest

        // The last of two rounds ends with [2, -2].
        let values: [UInt8] = [0, 0, 0, 0x40, 0, 0, 0, 0xC0]
        #expect(digest == SHA256Digest(of: values).description)
    }

    @Test("the text has a line for each topic and the ratio to full models")
    func text() throws {
        try SyntheticRun(topology: smallTopology()).write(to: scratch.path)

        let text = SummaryText(summary: try summary()).text

        #expect(text.contains("a       0.100      0.300"))
        #expect(text.contains("all     0.200      0.500"))
        #expect(text.contains("814 in all; synchronising full models: 16000, 19.7 times as much"))
    }
}
