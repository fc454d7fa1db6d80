import Contract
import Foundation
import Ledger
import Testing
import Topology

@testable import Nodes

/// More rounds after the last one, and runs that start from an adapter.
@Suite("Going on")
struct GoingOnTests {
    @Test(
        "a finished run with more rounds ends as one that had them from the start, bit for bit",
        arguments: [Recipe(rounds: 3, steps: 6), .rlvr, .ret]
    )
    func moreRounds(recipe: Recipe) async throws {
        var short = recipe
        short.rounds = 1
        let (scratch, whole) = (try Scratch(), try Scratch())

        _ = try await runInMemory(short, in: scratch)
        let resumed = try await runInMemory(recipe, in: scratch)

        #expect(try await resumed == runInMemory(recipe, in: whole))
        let layout = RunLayout(root: scratch.path)
        #expect(RunStatus.read(from: layout.statusFile)?.phase == .finished)
        #expect(
            try Ledger.inspect(layout.coordinatorState).identity.parts.contains(
                "rounds.count: \(recipe.rounds)"
            ),
            "the state knows of the new count"
        )
    }

    @Test("fewer rounds than are done are refused; once more the run goes on as if nothing had been")
    func fewerRounds() async throws {
        let scratch = try Scratch()
        let long = Recipe(rounds: 3, steps: 1)
        var short = long
        short.rounds = 2
        let result = try await runInMemory(long, in: scratch)

        let refusal = await #expect(throws: NodeError.self) { try await runInMemory(short, in: scratch) }

        #expect(refusal?.description.contains("rounds.count is 2, and the run is in its round 3") == true)
        #expect(try await runInMemory(long, in: scratch) == result)
    }

    // MARK: - From an adapter

    /// A finished run's adapter, and a recipe that starts from it.
    private func trained(in scratch: Scratch, alpha: Int = 4) async throws -> (folder: String, next: Recipe) {
        var first = Recipe.rlvr
        first.rounds = 1
        _ = try await runInMemory(first, in: scratch)
        let folder = RunLayout(root: scratch.path).coordinatorState + "/adapter"
        var next = Recipe.rlvr
        next.adapter = "{rank: 2, alpha: \(alpha), targets: [q_proj, v_proj], from: \(folder)}"
        return (folder, next)
    }

    @Test("round 0 starts from the adapter of another run, and every client is sent it")
    func fromAdapter() async throws {
        let (first, second) = (try Scratch(), try Scratch())
        let (folder, next) = try await trained(in: first)
        _ = try await runInMemory(next, in: second)

        let given = try next.job().start()
        let ledger = try Ledger.inspect(RunLayout(root: second.path).coordinatorState)
        let layout = try #require(given?.adapter).layout
        #expect(try ledger.adapter(round: 0, layout: layout) == given?.adapter)
        #expect(try Ledger.inspect(ledger.directory).identity.parts.contains("adapter.from: "))
        #expect(try await runInMemory(next, in: second).values == runInMemory(next, in: Scratch()).values)

        // What the run began with is in its state: the folder may go, and may not become another.
        try FileManager.default.moveItem(atPath: folder, toPath: folder + "-moved")
        _ = try await runInMemory(next, in: second)
        var others = Recipe.rlvr
        others.seed = 12
        others.rounds = 1
        let other = try Scratch()
        _ = try await runInMemory(others, in: other)
        try FileManager.default.copyItem(
            atPath: RunLayout(root: other.path).coordinatorState + "/adapter",
            toPath: folder
        )
        let refusal = await #expect(throws: LedgerError.self) { try await runInMemory(next, in: second) }
        #expect(refusal?.description.contains("its adapter.from is ") == true)
    }

    @Test("an adapter of another scale, or none at all, is refused with both sides' values")
    func unfit() async throws {
        let scratch = try Scratch()
        let (folder, scaled) = try await trained(in: scratch, alpha: 8)
        let refusal = await #expect(throws: ConfigurationError.self) {
            try await runInMemory(scaled, in: Scratch())
        }
        #expect(refusal?.description.contains("alpha: 8") == true, "\(String(describing: refusal))")
        #expect(refusal?.description.contains("alpha: 4") == true)

        var missing = scaled
        missing.adapter = missing.adapter.replacing(folder, with: folder + "/nowhere")
        let gone = await #expect(throws: Job.MissingStart.self) {
            try await runInMemory(missing, in: Scratch())
        }
        #expect(gone?.description.contains("adapter.from") == true)
        #expect(gone?.description.contains("there is no folder") == true)
    }
}
