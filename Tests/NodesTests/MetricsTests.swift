import Foundation
import Ledger
import Logging
import Rounds
import Testing
import Wire

@testable import Nodes

@Suite("Training metrics leave the program") struct MetricsTests {
    private let recipe = Recipe(clients: ["ash", "birch"], rounds: 2, steps: 6)

    @Test("a client's file has each of its steps once, with what was measured and where the time went")
    func client() async throws {
        let scratch = try Scratch()
        _ = try await runInMemory(recipe, in: scratch)

        let metrics = try Metrics(RunLayout(root: scratch.path).state(ofClient: "ash"))

        #expect(metrics.steps.map(\.step) == Array(1...12) && metrics.lines.count == 12)
        #expect(metrics.steps.map(\.round) == Array(repeating: 0, count: 6) + Array(repeating: 1, count: 6))
        let kinds = metrics.steps.prefix(6).map(\.kind)
        #expect(kinds == [.local, .local, .public, .local, .local, .public])
        for step in metrics.steps {
            #expect(step.metrics["loss"] != nil || step.metrics.count > 3)
            for part in ["sampling", "training", "waiting"] {
                #expect((step.metrics["seconds/" + part] ?? -1) >= 0)
            }
        }
    }

    @Test(
        "the coordinator's file has the base, each step that was reported, and each round with everybody's figures"
    )
    func coordinator() async throws {
        let scratch = try Scratch()
        _ = try await runInMemory(recipe, in: scratch)

        let metrics = try Metrics(RunLayout(root: scratch.path).coordinatorState)

        #expect(metrics.rounds == ["base", "round 0", "round 1"])
        #expect(metrics.steps(of: "ash") == Array(1...12) && metrics.steps(of: "birch") == Array(1...12))
        #expect(metrics.steps.filter { $0.kind == .public }.map(\.step).allSatisfy { $0 % 3 == 0 })
        let last = try #require(metrics.lines.last)
        #expect(last["step"] as? Int == 12 && last["bytes"] != nil && last["aggregation"] != nil)
        let clients = try #require(last["clients"] as? [String: [String: Double]])
        #expect(Set(clients.keys) == ["ash", "birch"])
        #expect(clients["ash"]?["examples"] != nil && clients["ash"]?["seconds/training"] != nil)
    }

    @Test("lines of steps that will be taken again are cut at a restart, and so is a torn one")
    func cut() async throws {
        let scratch = try Scratch()
        let file = MetricsFile(in: scratch.path)
        for step in 1...4 { file.append(try line(step).text()) }
        file.sync()
        let whole = try Data(contentsOf: URL(filePath: file.path))
        try Data(whole + Array(#"{"client":"ash","ki"#.utf8)).write(to: URL(filePath: file.path))

        let again = MetricsFile(in: scratch.path)
        again.cut { line in (StepLine(line)?.step ?? .max) <= 2 ? nil : false }
        again.append(try line(3).text())

        #expect(try Metrics(scratch.path).steps.map(\.step) == [1, 2, 3])
        #expect(again.takeFailure() == nil)
    }

    @Test("how many steps are done follows from where a client's record stands")
    func stepsDone() throws {
        let welcome = Welcome(
            session: 1,
            seed: 1,
            trainer: "vector",
            settings: [],
            rounds: 3,
            steps: 7,
            localPerPublic: 2,
            heartbeatMs: 1000,
            encoding: .f32
        )
        // Two local, one public, two local, one public, one local.
        let places: [(ClientRecord.Place, Int)] = [
            (.between(after: -1), 0), (.phase(round: 1, index: 0), 7), (.phase(round: 1, index: 1), 9),
            (.phase(round: 1, index: 2), 10), (.phase(round: 1, index: 5), 14), (.between(after: 1), 14),
        ]
        for (place, steps) in places {
            #expect(ClientRecord(terms: RunTerms(welcome), place: place).stepsDone == steps)
        }
        #expect(ClientRecord().stepsDone == 0)
    }

    @Test("lines of rounds that were lost are made again from the ledger, and those beyond it go")
    func completed() async throws {
        let scratch = try Scratch()
        let state = RunLayout(root: scratch.path).coordinatorState
        _ = try await runInMemory(recipe, in: scratch)
        let file = URL(filePath: state + "/metrics.jsonl")
        let all = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        let base = try #require(all.first)
        try Data("\(base)\n".utf8).write(to: file)

        _ = try await runInMemory(recipe, in: scratch)
        let made = try Metrics(state)
        let again = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        #expect(made.rounds == ["base", "round 0", "round 1"] && made.lines.count == 3)
        // The bytes of the last round have the farewells in them by now.
        #expect(again[1] == all.first { $0.contains("\"kind\":\"round\"") })

        _ = try CoordinatorMetrics(Ledger.inspect(state), completed: 1, steps: 6)
        #expect(try Metrics(state).rounds == ["base", "round 0"])
    }

    @Test("where metrics cannot be written the run ends with the same adapter")
    func unwritable() async throws {
        let scratch = try Scratch()
        let layout = RunLayout(root: scratch.path)
        for folder in [layout.coordinatorState, layout.state(ofClient: "ash")] {
            try FileManager.default.createDirectory(
                atPath: folder + "/metrics.jsonl",
                withIntermediateDirectories: true
            )
        }

        let result = try await runInMemory(recipe, in: scratch)

        #expect(try await result == runInMemory(recipe, in: Scratch()))
    }

    @Test("a trainer's figure that is named like a key of the line does not hide it")
    func names() throws {
        let text = try StepLine(
            kind: .local,
            client: "ash",
            round: 0,
            step: 3,
            metrics: ["step": 99, "reward": 0.5, "loss": .infinity]
        ).text()

        let read = try #require(StepLine(Array(text.utf8)))

        #expect(read.step == 3 && read.metrics == ["reward": 0.5])
        #expect(StepLine(Array("{}".utf8)) == nil && StepLine([0xFF]) == nil)
    }

    @Test("a round has about ten lines in the log, a slow one a line a minute")
    func pace() {
        var pace = StepPace()
        let start = ContinuousClock.now

        let quick = (1...200).filter { pace.isDue(round: 0, step: $0, of: 200, at: start) }
        let slow = (1...20).filter {
            pace.isDue(round: 1, step: $0, of: 1000, at: start + .seconds(30 * $0))
        }
        let few = (1...3).filter { pace.isDue(round: 2, step: $0, of: 3, at: start) }

        #expect(quick == [20, 40, 60, 80, 100, 120, 140, 160, 180, 200])
        #expect(slow.count == 9)
        #expect(few == [1, 2, 3])
        #expect(StepPace.rounded(0.000123456) == 0.0001235 && StepPace.rounded(-12345.6) == -12346)
    }

    private func line(_ step: Int) -> StepLine {
        StepLine(kind: .local, client: "ash", round: 0, step: step, metrics: ["reward": 0.5])
    }
}
