import Contract
import Randomness
import Testing

@testable import Aggregation

/// A public step with the scores of some clients; every payload says whose it is: client, item, index.
struct PoolCase: CustomTestStringConvertible {
    var batch: PublicBatch
    /// `scores[client][item][index]`; the clients are called `client-0` and so on.
    var scores: [[[Double]]]
    var label = "a case"

    var testDescription: String { label }

    init(batch: PublicBatch, scores: [[[Double]]]) {
        self.batch = batch
        self.scores = scores
    }

    /// N clients, some items, K responses each, binary scores, all random.
    init(seed: UInt64) {
        var stream = RandomStream(seed: seed, "pool case")
        let k = 1 + stream.below(8)
        let items = (0..<(1 + stream.below(5))).map {
            PublicItem(id: "item-\($0)", topic: "sums", payload: [UInt8($0)])
        }
        let count = 1 + stream.below(5)
        batch = PublicBatch(round: stream.below(9), step: stream.below(9), items: items, responsesPerItem: k)
        scores = []
        for _ in 0..<count {
            let ability = stream.uniform()
            scores.append(
                items.map { _ in (0..<k).map { _ in stream.uniform() < ability * ability ? 1 : 0 } }
            )
        }
        label = "seed \(seed)"
    }

    var names: [String] { scores.indices.map { "client-\($0)" } }

    /// All responses of a client.
    func responses(_ client: Int) -> [[Response]] {
        batch.items.indices.map { item in
            (0..<batch.responsesPerItem).map { index in
                Response(
                    itemID: batch.items[item].id,
                    index: index,
                    payload: [UInt8(client), UInt8(item), UInt8(index)]
                )
            }
        }
    }

    /// The step as the coordinator gathers it.
    var step: ScoredStep {
        ScoredStep(
            batch: batch,
            clients: Array(zip(names, scores)),
            merged: { AdapterWeights([]) },
            responses: { name in responses(names.firstIndex(of: name) ?? 0) }
        )
    }

    func outcome(
        _ rule: any PoolRule,
        seed: UInt64 = 77,
        acceptedScore: Double = 1
    ) throws -> PublicStepOutcome {
        try PublicStepOutcome(of: step, acceptedScore: acceptedScore, rule: rule, seed: seed)
    }

    /// The payloads and scores of each own group with its replacements put in.
    func mixed(_ pool: ResponsePool, of client: Int) -> [[(payload: [UInt8], score: Double)]] {
        zip(zip(responses(client), scores[client]), pool.groups).map { own, group in
            var mixed = zip(own.0.map(\.payload), own.1).map { (payload: $0, score: $1) }
            for replacement in group.replacements {
                mixed[replacement.index] = (replacement.payload, replacement.score)
            }
            return mixed
        }
    }

    static let all = (0..<300).map { PoolCase(seed: UInt64($0)) }
}

@Suite("Pool rules")
struct PoolRuleTests {
    @Test("every rule is found by its name")
    func registry() {
        #expect(PoolRules.names == ["balanced", "none", "random", "replaceAll"])
        for name in PoolRules.names { #expect(PoolRules.named(name) != nil) }
        #expect(PoolRules.named("") == nil)
    }

    @Test("every rule: one group for each item, scores as given, ascending indices, sources others' own")
    func common() throws {
        for rule in PoolRules.names.compactMap(PoolRules.named) {
            for example in PoolCase.all {
                let outcome = try example.outcome(rule)
                #expect(outcome.pools.map(\.client) == example.names)
                for (client, entry) in outcome.pools.enumerated() {
                    #expect(entry.pool.round == example.batch.round)
                    #expect(entry.pool.groups.map(\.itemID) == example.batch.items.map(\.id))
                    for (item, group) in entry.pool.groups.enumerated() {
                        #expect(group.scores == example.scores[client][item])
                        let indices = group.replacements.map(\.index)
                        #expect(indices == Array(Set(indices)).sorted())
                        #expect(Set(group.replacements.map(\.payload)).count == indices.count)
                        for replacement in group.replacements {
                            let source = Int(replacement.payload[0])
                            #expect(source != client)
                            #expect(Int(replacement.payload[1]) == item)
                            let origin = example.scores[source][item][Int(replacement.payload[2])]
                            #expect(origin == replacement.score)
                        }
                    }
                }
            }
        }
    }

    @Test("balanced: size K, only wrong ones dropped, only correct foreign ones in, n = min(K/2 − c, |Q|)")
    func balanced() throws {
        var changed = 0
        for example in PoolCase.all {
            let k = example.batch.responsesPerItem
            let outcome = try example.outcome(BalancedRule())
            for (client, entry) in outcome.pools.enumerated() {
                for (item, group) in entry.pool.groups.enumerated() {
                    let own = example.scores[client][item]
                    let correct = own.count { $0 == 1 }
                    let elsewhere = example.scores.indices.filter { $0 != client }.reduce(0) {
                        $0 + example.scores[$1][item].count { $0 == 1 }
                    }
                    let expected = max(0, min(k / 2 - correct, elsewhere))
                    #expect(group.replacements.count == expected, "\(example.testDescription)")
                    #expect(group.replacements.allSatisfy { own[$0.index] == 0 && $0.score == 1 })
                    let mixed = example.mixed(entry.pool, of: client)[item]
                    #expect(mixed.count == k)
                    #expect(mixed.count { $0.score == 1 } == correct + expected)
                    #expect(mixed.count { Int($0.payload[0]) == client } >= k - k / 2)
                    changed += expected
                }
            }
        }
        #expect(changed > 100)
    }

    @Test("a single client and an unsolved item change nothing, whatever the rule")
    func nothingToExchange() throws {
        for rule in PoolRules.names.compactMap(PoolRules.named) {
            for example in PoolCase.all {
                let alone = try PoolCase(batch: example.batch, scores: [example.scores[0]]).outcome(rule)
                #expect(alone.pools[0].pool.groups.allSatisfy { $0.replacements.isEmpty })
                #expect(alone.statistics.swaps == 0)
                #expect(alone.statistics.silentBefore == alone.statistics.silentAfter)
            }
        }
        for rule in [BalancedRule() as any PoolRule, ReplaceAllRule(), NoPoolRule()] {
            let unsolved = try PoolCase.all[5].outcome(rule, acceptedScore: 2)
            #expect(unsolved.statistics.swaps == 0)
        }
    }

    @Test("the same seed gives the same pools, in any order of clients; another seed gives others")
    func determinism() throws {
        for rule in PoolRules.names.compactMap(PoolRules.named) {
            var differs = false
            for example in PoolCase.all {
                let first = try example.outcome(rule)
                let step = example.step
                let reversed = try PublicStepOutcome(
                    of: ScoredStep(
                        batch: step.batch,
                        clients: step.clients.reversed(),
                        merged: step.merged,
                        responses: step.responses
                    ),
                    acceptedScore: 1,
                    rule: rule,
                    seed: 77
                )
                #expect(reversed.pools == first.pools)
                #expect(reversed.statistics == first.statistics)
                let other = try example.outcome(rule, seed: 78)
                if other.pools != first.pools { differs = true }
            }
            #expect(differs == !(rule is NoPoolRule))
        }
    }

    @Test("replaceAll replaces every wrong response while the pool lasts")
    func replaceAll() throws {
        for example in PoolCase.all {
            let outcome = try example.outcome(ReplaceAllRule())
            for (client, entry) in outcome.pools.enumerated() {
                for (item, group) in entry.pool.groups.enumerated() {
                    let wrong = example.scores[client][item].count { $0 == 0 }
                    let elsewhere = example.scores.indices.filter { $0 != client }.reduce(0) {
                        $0 + example.scores[$1][item].count { $0 == 1 }
                    }
                    #expect(group.replacements.count == min(wrong, elsewhere))
                }
            }
        }
    }

    @Test("random draws each of the N·K responses equally often")
    func random() throws {
        let items = [PublicItem(id: "x", topic: "t", payload: [])]
        var counts = [Int](repeating: 0, count: 12)
        for step in 0..<4000 {
            let batch = PublicBatch(round: 0, step: step, items: items, responsesPerItem: 4)
            let example = PoolCase(batch: batch, scores: [[[Double]]](repeating: [[0, 0, 0, 0]], count: 3))
            let outcome = try example.outcome(RandomRule(), seed: 5)
            let mixed = example.mixed(outcome.pools[0].pool, of: 0)[0].map {
                Int($0.payload[0]) * 4 + Int($0.payload[2])
            }
            #expect(Set(mixed).count == 4)
            for response in mixed { counts[response] += 1 }
        }
        // Expected 4000 · 4 / 12 = 1333.3, standard deviation 29.8; five deviations.
        #expect(counts.allSatisfy { abs($0 - 1333) < 150 }, "\(counts)")
    }

    @Test("statistics count silent groups, swaps, imports, exports and correct responses")
    func statistics() throws {
        let items = [
            PublicItem(id: "one", topic: "t", payload: []), PublicItem(id: "two", topic: "t", payload: []),
        ]
        let statistics = try PoolCase(
            batch: PublicBatch(round: 1, step: 2, items: items, responsesPerItem: 4),
            scores: [[[1, 1, 1, 1], [0, 0, 0, 0]], [[0, 0, 0, 0], [0, 0, 0, 0]]]
        ).outcome(BalancedRule(), seed: 3).statistics

        #expect(statistics.groups == 4)
        #expect(statistics.responses == 16)
        #expect(statistics.silentBefore == 4)
        #expect(statistics.silentAfter == 3)
        #expect(statistics.swapsPerItem == [2, 0])
        #expect(statistics.clients.map(\.client) == ["client-0", "client-1"])
        #expect(statistics.clients.map(\.correct) == [4, 0])
        #expect(statistics.clients.map(\.imported) == [0, 2])
        #expect(statistics.clients.map(\.exported) == [2, 0])
        #expect(statistics.metrics.isEmpty)
    }
}
