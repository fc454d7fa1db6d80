import Foundation
import Logging
import Report
import Testing
import Topology

@testable import tributary

@Suite("Tables of a reproduction")
struct ReproductionTablesTests {
    /// pass@1 that differs by method and seed.
    private func results(_ plan: ReproductionPlan) throws -> [CellResult] {
        try plan.cells().map { cell in
            let place = ReproductionMethod.allCases.firstIndex(of: cell.method) ?? 0
            return result(of: cell, 0.9 - 0.1 * Double(place) + 0.01 * Double(cell.seed))
        }
    }

    @Test("one setting has plain names, the base apart, and pairs at the same seeds")
    func oneSetting() throws {
        let plan = try smallPlan(steps: nil, seeds: [1, 2, 3])

        let reproduction = ReproductionTables(plan: plan, results: try results(plan).reversed())
            .reproduction()

        #expect(reproduction.methods.map(\.name) == ReproductionMethod.allCases.map(\.title))
        #expect(reproduction.methods.allSatisfy { $0.runs.map(\.seed) == [1, 2, 3] })
        #expect(abs((reproduction.base?.overall ?? 0) - 0.1) < 1e-12)
        let swap = reproduction.pairedDifferences.first {
            $0.comparison == .init("balanced swap", against: "no swap")
        }
        #expect(swap?.differences.count == 3 && swap?.wins == 3)
        #expect(abs((swap?.statistics.mean ?? 0) - 0.1) < 1e-12)
        #expect(reproduction.pairedDifferences.count == 9)
    }

    @Test("several settings and schedules are told apart, and compared only with their own kind")
    func severalSettings() throws {
        var plan = try smallPlan(methods: [.balanced, .none, .centralised])
        plan.setups.append(plan.setups[0])
        plan.setups[1].name = "other"

        let reproduction = ReproductionTables(plan: plan, results: try results(plan)).reproduction()

        #expect(
            reproduction.methods.map(\.name).prefix(6) == [
                "base, small", "balanced swap, small, S 3", "no swap, small, S 3",
                "balanced swap, small, S 6",
                "no swap, small, S 6", "centralised, small",
            ]
        )
        #expect(reproduction.base == nil)
        for difference in reproduction.pairedDifferences {
            let (left, right) = (difference.comparison.method, difference.comparison.against)
            #expect(left.contains("small") == right.contains("small"))
            if !left.hasPrefix("centralised") { #expect(left.suffix(3) == right.suffix(3)) }
        }
    }

    @Test("the page says what it cannot show")
    func honest() throws {
        let plan = try smallPlan()
        let page = ReproductionReport(
            ReproductionTables(plan: plan, results: try results(plan)).reproduction()
        ).html()

        #expect(page.contains("Any number of the paper (arXiv:2604.12160)"))
        #expect(page.contains("own gain to be small where clients synchronise often"))
    }
}

@Suite("Running a cell")
struct CellRunnerTests {
    @Test(
        "a cell gives the same figures each time and leaves nothing behind",
        arguments: [
            ReproductionMethod.balanced, .localOnly, .centralised,
        ]
    )
    func repeatable(method: ReproductionMethod) async throws {
        let scratch = try Scratch()
        let cell = try #require(try smallPlan(steps: [3], methods: [method], seeds: [1]).cells().first)
        let runner = CellRunner(
            folder: scratch.path + "/work",
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )

        var first = try await runner.run(cell), second = try await runner.run(cell)

        #expect(first.seconds > 0 && first.belongs(to: cell))
        first.seconds = 0
        second.seconds = 0
        #expect(first == second)
        #expect((0...1).contains(first.passAt1.overall) && Set(first.passAt1.bySlice.keys) == ["inc", "dec"])
        #expect(first.metrics["greedy"] != nil)
        #expect((first.metrics["silent left"] != nil) == (method == .balanced))
        #expect((first.base != nil) == method.isFederated)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/work").isEmpty)
    }
}
