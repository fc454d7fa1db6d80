import Testing

@testable import Nodes

@Suite struct NoteBudgetTests {
    @Test("lines beyond a peer's budget are left out, counted, and told with the first of the next window")
    func budget() {
        var budget = NoteBudget()

        let said = (0..<1_000).compactMap { budget.spend("mallory turned away", at: $0) }

        #expect(said == [Int](repeating: 0, count: NoteBudget.linesMax))
        #expect(budget.spend("ash admitted", at: 1_000) == 0)
        #expect(budget.spend("mallory turned away", at: NoteBudget.windowMs) == 990)
        #expect(budget.spend("mallory turned away", at: NoteBudget.windowMs) == 0)
    }

    @Test("peers without number share one budget")
    func manyKeys() {
        var budget = NoteBudget()

        let said = (0..<2 * NoteBudget.keysMax).count { budget.spend("\($0)", at: 0) != nil }

        #expect(said == NoteBudget.keysMax + NoteBudget.linesMax)
    }
}
