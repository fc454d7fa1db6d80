import Digest
import Foundation
import Nodes
import Synchronization
import Testing

@testable import tributary

@Suite("Results of a reproduction")
struct ResultsFileTests {
    private let scratch: Scratch
    private var path: String { scratch.path + "/results.jsonl" }

    init() throws { scratch = try Scratch() }

    private struct Stop: Error {}

    /// Runs the plan; fails at the cell of a number. Returns the names of the cells that were run.
    private func run(_ cells: [ReproductionCell], jobs: Int = 2, failingAt name: String? = nil) async throws
        -> [String]
    {
        let ran = Mutex<[String]>([])
        let reproduction = ReproductionRun(
            cells: cells,
            jobs: jobs,
            run: { cell in
                if cell.name == name { throw Stop() }
                ran.withLock { $0.append(cell.name) }
                return result(of: cell)
            },
            progress: { _, _, _ in }
        )
        do {
            let results = try await reproduction.complete(try ResultsFile(path))
            #expect(results.count == cells.count)
            #expect(zip(results, cells).allSatisfy { $0.belongs(to: $1) })
        } catch is Stop {
            #expect(name != nil)
        }
        return ran.withLock { $0 }
    }

    @Test("a stopped reproduction goes on with the cells that have no result")
    func resume() async throws {
        let cells = try smallPlan().cells()

        let first = try await run(cells, jobs: 1, failingAt: cells[11].name)
        let second = try await run(cells)
        let third = try await run(cells)

        #expect(first == cells[..<11].map(\.name))
        #expect(Set(second) == Set(cells[11...].map(\.name)) && second.count == cells.count - 11)
        #expect(third.isEmpty)
    }

    @Test("more seeds or methods run only what is new")
    func growth() async throws {
        let few = try smallPlan(methods: [.balanced], seeds: [1]).cells()
        let more = try smallPlan(methods: [.balanced, .none], seeds: [1, 2]).cells()

        _ = try await run(few)
        let ran = try await run(more)

        #expect(Set(ran) == Set(more.map(\.name)).subtracting(few.map(\.name)))
    }

    @Test("results of other settings are left alone and not taken")
    func otherSettings() async throws {
        var plan = try smallPlan(methods: [.balanced], seeds: [1])
        _ = try await run(try plan.cells())
        plan.setups[0].baseModel = "9"

        let ran = try await run(try plan.cells())

        #expect(ran.count == 2)
        #expect(try ResultsFile(path).results.count == 4)
    }

    @Test("a line that was not written to its end is removed and its cell run again")
    func tornLine() async throws {
        let cells = try smallPlan(methods: [.balanced]).cells()
        _ = try await run(cells)
        let text = try scratch.read("results.jsonl")
        try scratch.write(String(text.dropLast(20)), to: "results.jsonl")

        let ran = try await run(cells)

        #expect(ran.count == 1)
        #expect(try scratch.read("results.jsonl").split(separator: "\n").count == cells.count)
    }

    @Test("a whole line that is no result is an error with file and line")
    func brokenLine() throws {
        try scratch.write("{\"setup\":1}\n", to: "results.jsonl")

        let error = #expect(throws: NodeError.self) { try ResultsFile(path) }

        #expect(error?.kind == .data && error?.description.contains("results.jsonl:1:") == true)
    }

    @Test("a second process cannot have the file open")
    func locked() throws {
        let first = try ResultsFile(path)

        #expect(throws: NodeError(.unavailable, "")) { try ResultsFile(path) }

        withExtendedLifetime(first) {}
    }
}
