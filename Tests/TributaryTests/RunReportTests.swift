import Contract
import Foundation
import Ledger
import Nodes
import Report
import Testing
import Topology
import Trainers

@testable import TributaryKit
@testable import tributary

@Suite("The report of any folder of a run")
struct RunReportTests {
    private let scratch: Scratch
    private var coordinator: String { scratch.path + "/coordinator" }

    init() throws { scratch = try Scratch() }

    private func report(_ folder: String) throws -> RunReport {
        try RunReport(reading: folder, .shipped) { _ in }
    }

    private func reason(_ folder: String) -> String {
        do {
            _ = try report(folder)
            return ""
        } catch {
            return "\(error)"
        }
    }

    /// Steps as a client reports them.
    private func steps(of clients: [String], in folder: String) throws {
        let lines = (1...12).flatMap { step in
            clients.map { client in
                let kind = step % 3 == 0 ? "public" : "local"
                return #"{"client":"\#(client)","examples":4,"kind":"\#(kind)","loss":\#(1 / Double(step)),"#
                    + #""reward":0.\#(step),"round":\#((step - 1) / 6),"seconds/training":0.5,"step":\#(step)}"#
            }
        }
        try lines.joined(separator: "\n").appending("\n").write(
            toFile: folder + "/metrics.jsonl",
            atomically: true,
            encoding: .utf8
        )
    }

    @Test("a coordinator's state alone is enough: it keeps the topology")
    func coordinatorState() throws {
        let topology = try smallTopology()
        try SyntheticRun(topology: topology).write(to: scratch.path)
        try topology.resolvedYAML.write(
            toFile: coordinator + "/topology.yaml",
            atomically: true,
            encoding: .utf8
        )
        try steps(of: ["left", "right"], in: coordinator)

        let report = try report(coordinator)
        try report.write()

        let page = try scratch.read("coordinator/report.html")
        #expect(report.summary?.rounds == 2)
        #expect(page.contains("Training, step by step") && page.contains("reward by step"))
        #expect(page.contains("Figures of public steps (2)"))
        #expect(FileManager.default.fileExists(atPath: coordinator + "/summary.json"))
    }

    @Test("a client's report has its own steps and no word of the others")
    func clientState() throws {
        let topology = try smallTopology()
        let state = scratch.path + "/left"
        let identity = try Job(topology, .shipped).clientIdentity("left")
        _ = try ClientState.open(state, identity: identity)
        try topology.resolvedYAML.write(toFile: state + "/topology.yaml", atomically: true, encoding: .utf8)
        try steps(of: ["left"], in: state)

        let report = try report(state)
        try report.write()

        let page = try scratch.read("left/report.html")
        #expect(report.summary == nil && report.adapter == nil && report.next == nil)
        #expect(page.contains("left in small") && page.contains("reward by step"))
        #expect(!page.contains(">right<"))
        let data = Data(try scratch.read("left/summary.json").utf8)
        let summary = try JSONDecoder().decode(ClientSummary.self, from: data)
        #expect(summary.stepsTaken == 12 && summary.steps == 12 && summary.examples == 32)
        #expect(summary.history.map(\.round) == [1, 2] && summary.seconds == ["training": 6])
        #expect(summary.history[0].metrics["seconds/training"] == 3)
    }

    @Test("what is no run, and a state that an older version made, are refused with what to do")
    func refused() throws {
        #expect(reason(scratch.path + "/none").contains("does not exist"))
        #expect(reason(scratch.path).contains("is not the folder of a run; expected"))

        try SyntheticRun(topology: smallTopology()).write(to: scratch.path)

        let fault = reason(coordinator)
        #expect(fault.contains("has no topology.yaml") && fault.contains("copy the topology file"))
    }

    @Test("the line about what to do next can be pasted into a shell")
    func next() throws {
        let topology = try smallTopology()
        let run = scratch.path + "/a run"
        try SyntheticRun(topology: topology).write(to: run)
        let adapter = run + "/coordinator/adapter"
        try FileManager.default.createDirectory(atPath: adapter, withIntermediateDirectories: true)

        #expect(try report(run).next == "tributary inspect '\(adapter)'")
        try "{}".write(toFile: adapter + "/adapter_config.json", atomically: true, encoding: .utf8)

        #expect(
            try report(run).next
                == "tributary generate --model tiny-arithmetic --adapter '\(adapter)'"
        )
    }
}
