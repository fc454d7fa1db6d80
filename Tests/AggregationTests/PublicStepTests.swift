import Contract
import Testing

@testable import Aggregation

/// A loader that notes who is asked for, and whether what it gave before is still held.
private final class Loader {
    let example: PoolCase
    var asked: [String] = []
    var stillHeld = 0
    private var given: [[Response]] = []

    init(_ example: PoolCase) { self.example = example }

    /// Writing to an array copies it if somebody else holds it, and its elements move.
    private func isHeld() -> Bool {
        guard !given.isEmpty else { return false }
        let before = given.withUnsafeBufferPointer { $0.baseAddress }
        given.swapAt(0, given.count - 1)
        given[0] = []
        return given.withUnsafeBufferPointer { $0.baseAddress } != before
    }

    func load(_ name: String) -> [[Response]] {
        if isHeld() { stillHeld += 1 }
        asked.append(name)
        given = example.responses(example.names.firstIndex(of: name) ?? 0)
        return given
    }
}

@Suite("A public step from scores")
struct PublicStepTests {
    @Test("responses are read once, one client after the other, and of exporting clients alone")
    func oneClientAtATime() throws {
        var loads = 0
        for example in PoolCase.all {
            for rule in PoolRules.names.compactMap(PoolRules.named) {
                let loader = Loader(example)
                let step = example.step
                let outcome = try PublicStepOutcome(
                    of: ScoredStep(
                        batch: step.batch,
                        clients: step.clients,
                        merged: step.merged,
                        responses: loader.load
                    ),
                    acceptedScore: 1,
                    rule: rule,
                    seed: 77
                )
                #expect(loader.asked == outcome.statistics.clients.filter { $0.exported > 0 }.map(\.client))
                #expect(loader.stillHeld == 0)
                loads += loader.asked.count
            }
        }
        #expect(loads > 1000)
        // The loader would notice.
        let loader = Loader(PoolCase.all[56])
        let held = loader.load("client-0")
        _ = loader.load("client-1")
        #expect(loader.stillHeld == 1)
        #expect(!held.isEmpty)
    }

    @Test("what reading the responses throws comes through")
    func unreadable() {
        struct Unreadable: Error {}
        let step = PoolCase.all[56].step
        #expect(throws: Unreadable.self) {
            try PublicStepOutcome(
                of: ScoredStep(
                    batch: step.batch,
                    clients: step.clients,
                    merged: step.merged,
                    responses: { _ in throw Unreadable() }
                ),
                acceptedScore: 1,
                rule: BalancedRule(),
                seed: 77
            )
        }
    }

    private let example = PoolCase(
        batch: PublicBatch(
            round: 1,
            step: 2,
            items: ["one", "two"].map { PublicItem(id: $0, topic: "t", payload: []) },
            responsesPerItem: 2
        ),
        scores: [[[1, 1], [0, 1]], [[0, 0], [0, 0]]]
    )

    private func combine(_ pools: [String: ResponsePool]) throws(CombinationFault) -> PublicStepOutcome {
        try PublicStepOutcome(pools: pools, metrics: ["agreement": 0.5], of: example.step, acceptedScore: 1)
    }

    private var sound: [String: ResponsePool] {
        var pools: [String: ResponsePool] = [:]
        for (name, scores) in zip(example.names, example.scores) {
            pools[name] = ResponsePool(
                round: 1,
                step: 2,
                groups: zip(example.batch.items, scores).map { PooledGroup(itemID: $0.id, scores: $1) },
                merged: [9]
            )
        }
        return pools
    }

    @Test("combined pools are taken as they are, with their figures, and scores are counted as ever")
    func combined() throws {
        let plain = try combine(sound)

        #expect(plain.pools.map(\.client) == example.names)
        #expect(plain.pools.map(\.pool) == example.names.compactMap { sound[$0] })
        #expect(plain.statistics.metrics == ["agreement": 0.5])
        var same = try example.outcome(NoPoolRule()).statistics
        same.metrics = ["agreement": 0.5]
        #expect(plain.statistics == same)

        var pools = sound
        pools["client-1"]?.groups[0].replacements = [Replacement(index: 1, score: 1, payload: [4])]
        let replaced = try combine(pools).statistics
        #expect(replaced.swapsPerItem == [1, 0])
        #expect(replaced.clients.map(\.imported) == [0, 1])
        #expect(replaced.clients.map(\.exported) == [0, 0])
        #expect(replaced.clients.map(\.correct) == [3, 0])
        #expect([replaced.silentBefore, replaced.silentAfter] == [3, 2])
    }

    @Test("combined pools that miss a client, name a stranger or do not fit the batch are refused")
    func refused() {
        var pools = sound
        pools["client-1"] = nil
        #expect(throws: CombinationFault.missing(client: "client-1")) { try combine(pools) }
        pools = sound
        pools["stranger"] = pools["client-0"]
        #expect(throws: CombinationFault.unexpected(client: "stranger")) { try combine(pools) }
        pools = sound
        pools["client-0"]?.groups.removeLast()
        #expect(throws: CombinationFault.unfit(client: "client-0", .wrongItems(expected: 2, found: 1))) {
            try combine(pools)
        }
        pools = sound
        pools["client-1"]?.groups[0].scores[0] = .nan
        let fault = PoolFault.wrongScores(item: "one", expected: 2, found: 2)
        #expect(throws: CombinationFault.unfit(client: "client-1", fault)) { try combine(pools) }
    }
}
