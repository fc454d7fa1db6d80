import Exchange
import Randomness
import Testing

@testable import Aggregation

/// A random public step: N clients, some items, K responses each, binary scores; every payload says
/// whose it is.
struct PoolCase: CustomTestStringConvertible {
    let seed: UInt64
    let batch: PublicBatch
    let clients: [ScoredClient]

    var testDescription: String { "seed \(seed)" }

    init(seed: UInt64) {
        self.seed = seed
        var stream = RandomStream(seed: seed, "pool case")
        let k = 1 + stream.below(8)
        let items = (0..<(1 + stream.below(5))).map {
            PublicItem(id: "item-\($0)", topic: "sums", payload: [UInt8($0)])
        }
        let count = 1 + stream.below(5)
        batch = PublicBatch(round: stream.below(9), step: stream.below(9), items: items, responsesPerItem: k)
        var clients: [ScoredClient] = []
        for client in 0..<count {
            let ability = stream.uniform()
            clients.append(
                ScoredClient(
                    client: "client-\(client)",
                    groups: items.indices.map { item in
                        (0..<k).map { index in
                            ScoredResponse(
                                payload: [UInt8(client), UInt8(item), UInt8(index)],
                                score: stream.uniform() < ability * ability ? 1 : 0
                            )
                        }
                    }
                )
            )
        }
        self.clients = clients
    }

    func outcome(_ rule: any PoolRule) -> PublicStepOutcome {
        PublicStepOutcome(of: clients, batch: batch, acceptedScore: 1, rule: rule, seed: 77)
    }

    /// Each own group with its replacements put in.
    func mixed(_ pool: ResponsePool, of client: Int) -> [[ScoredResponse]] {
        zip(clients[client].groups, pool.groups).map { own, group in
            var mixed = own
            for replacement in group.replacements {
                mixed[replacement.index] = ScoredResponse(
                    payload: replacement.payload,
                    score: replacement.score
                )
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
                let outcome = example.outcome(rule)
                #expect(outcome.pools.map(\.client) == example.clients.map(\.client))
                for (client, entry) in outcome.pools.enumerated() {
                    #expect(entry.pool.round == example.batch.round)
                    #expect(entry.pool.groups.map(\.itemID) == example.batch.items.map(\.id))
                    for (item, group) in entry.pool.groups.enumerated() {
                        #expect(group.scores == example.clients[client].groups[item].map(\.score))
                        let indices = group.replacements.map(\.index)
                        #expect(indices == Array(Set(indices)).sorted())
                        #expect(Set(group.replacements.map(\.payload)).count == indices.count)
                        for replacement in group.replacements {
                            let source = Int(replacement.payload[0])
                            #expect(source != client)
                            #expect(Int(replacement.payload[1]) == item)
                            let origin = example.clients[source].groups[item][Int(replacement.payload[2])]
                            #expect(origin.score == replacement.score)
                        }
                    }
                }
            }
        }
    }

    @Test("balanced: size K, only wrong ones dropped, only correct foreign ones in, n = min(K/2 − c, |Q|)")
    func balanced() {
        var changed = 0
        for example in PoolCase.all {
            let k = example.batch.responsesPerItem
            let outcome = example.outcome(BalancedRule())
            for (client, entry) in outcome.pools.enumerated() {
                for (item, group) in entry.pool.groups.enumerated() {
                    let own = example.clients[client].groups[item]
                    let correct = own.count { $0.score == 1 }
                    let elsewhere = example.clients.indices.filter { $0 != client }.reduce(0) {
                        $0 + example.clients[$1].groups[item].count { $0.score == 1 }
                    }
                    let expected = max(0, min(k / 2 - correct, elsewhere))
                    #expect(group.replacements.count == expected, "\(example.testDescription)")
                    #expect(group.replacements.allSatisfy { own[$0.index].score == 0 && $0.score == 1 })
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
    func nothingToExchange() {
        for rule in PoolRules.names.compactMap(PoolRules.named) {
            for example in PoolCase.all {
                let alone = PublicStepOutcome(
                    of: [example.clients[0]],
                    batch: example.batch,
                    acceptedScore: 1,
                    rule: rule,
                    seed: 77
                )
                #expect(alone.pools[0].pool.groups.allSatisfy { $0.replacements.isEmpty })
                #expect(alone.statistics.swaps == 0)
                #expect(alone.statistics.silentBefore == alone.statistics.silentAfter)
            }
        }
        for rule in [BalancedRule() as any PoolRule, ReplaceAllRule(), NoPoolRule()] {
            let unsolved = PublicStepOutcome(
                of: PoolCase.all[5].clients,
                batch: PoolCase.all[5].batch,
                acceptedScore: 2,
                rule: rule,
                seed: 77
            )
            #expect(unsolved.statistics.swaps == 0)
        }
    }

    @Test("the same seed gives the same pools, in any order of clients; another seed gives others")
    func determinism() {
        for rule in PoolRules.names.compactMap(PoolRules.named) {
            var differs = false
            for example in PoolCase.all {
                let first = example.outcome(rule)
                let reversed = PublicStepOutcome(
                    of: example.clients.reversed(),
                    batch: example.batch,
                    acceptedScore: 1,
                    rule: rule,
                    seed: 77
                )
                #expect(reversed.pools == first.pools)
                #expect(reversed.statistics == first.statistics)
                let other = PublicStepOutcome(
                    of: example.clients,
                    batch: example.batch,
                    acceptedScore: 1,
                    rule: rule,
                    seed: 78
                )
                if other.pools != first.pools { differs = true }
            }
            #expect(differs == !(rule is NoPoolRule))
        }
    }

    @Test("replaceAll replaces every wrong response while the pool lasts")
    func replaceAll() {
        for example in PoolCase.all {
            let outcome = example.outcome(ReplaceAllRule())
            for (client, entry) in outcome.pools.enumerated() {
                for (item, group) in entry.pool.groups.enumerated() {
                    let wrong = example.clients[client].groups[item].count { $0.score == 0 }
                    let elsewhere = example.clients.indices.filter { $0 != client }.reduce(0) {
                        $0 + example.clients[$1].groups[item].count { $0.score == 1 }
                    }
                    #expect(group.replacements.count == min(wrong, elsewhere))
                }
            }
        }
    }

    @Test("random draws each of the N·K responses equally often")
    func random() {
        let items = [PublicItem(id: "x", topic: "t", payload: [])]
        var counts = [Int](repeating: 0, count: 12)
        for step in 0..<4000 {
            let batch = PublicBatch(round: 0, step: step, items: items, responsesPerItem: 4)
            let clients = (0..<3).map { client in
                ScoredClient(
                    client: "c\(client)",
                    groups: [(0..<4).map { ScoredResponse(payload: [UInt8(client * 4 + $0)], score: 0) }]
                )
            }
            let outcome = PublicStepOutcome(
                of: clients,
                batch: batch,
                acceptedScore: 1,
                rule: RandomRule(),
                seed: 5
            )
            var mixed = clients[0].groups[0].map { $0.payload[0] }
            for replacement in outcome.pools[0].pool.groups[0].replacements {
                mixed[replacement.index] = replacement.payload[0]
            }
            #expect(Set(mixed).count == 4)
            for payload in mixed { counts[Int(payload)] += 1 }
        }
        // Expected 4000 · 4 / 12 = 1333.3, standard deviation 29.8; five deviations.
        #expect(counts.allSatisfy { abs($0 - 1333) < 150 }, "\(counts)")
    }

    @Test("statistics count silent groups, swaps, imports, exports and correct responses")
    func statistics() {
        let items = [
            PublicItem(id: "one", topic: "t", payload: []), PublicItem(id: "two", topic: "t", payload: []),
        ]
        func group(_ scores: [Double]) -> [ScoredResponse] {
            scores.enumerated().map { ScoredResponse(payload: [UInt8($0.offset)], score: $0.element) }
        }
        let clients = [
            ScoredClient(client: "b", groups: [group([0, 0, 0, 0]), group([0, 0, 0, 0])]),
            ScoredClient(client: "a", groups: [group([1, 1, 1, 1]), group([0, 0, 0, 0])]),
        ]

        let statistics = PublicStepOutcome(
            of: clients,
            batch: PublicBatch(round: 1, step: 2, items: items, responsesPerItem: 4),
            acceptedScore: 1,
            rule: BalancedRule(),
            seed: 3
        ).statistics

        #expect(statistics.groups == 4)
        #expect(statistics.responses == 16)
        #expect(statistics.silentBefore == 4)
        #expect(statistics.silentAfter == 3)
        #expect(statistics.swapsPerItem == [2, 0])
        #expect(statistics.clients.map(\.client) == ["a", "b"])
        #expect(statistics.clients.map(\.correct) == [4, 0])
        #expect(statistics.clients.map(\.imported) == [0, 2])
        #expect(statistics.clients.map(\.exported) == [2, 0])
    }
}
