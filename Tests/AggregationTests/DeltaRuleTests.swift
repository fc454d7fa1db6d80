import Contract
import Randomness
import Testing

@testable import Aggregation

@Suite("Delta rules")
struct DeltaRuleTests {
    let fixture = AdapterFixture()

    @Test("every rule is found by its name, and names are unique")
    func registry() {
        #expect(DeltaRules.names == ["factors", "product", "frozenA", "median"])
        for name in DeltaRules.names { #expect(DeltaRules.named(name) != nil) }
        #expect(DeltaRules.named("Factors") == nil)
        #expect(DeltaRules.all.allSatisfy { !$0.summary.isEmpty })
    }

    @Test("a name that is no rule's is refused with the names there are; so is product without pairs")
    func selection() throws {
        let pairs = fixture.adapter(1, "broadcast").layout
        let dense = try AdapterLayout([
            .init(name: "w", shape: [2]), .init(name: "n", shape: [1], part: .summed),
        ])

        for rule in DeltaRules.all {
            #expect(type(of: try DeltaRules.rule(named: rule.name, for: pairs)) == rule)
            if rule.needsLowRank {
                #expect(throws: DeltaRuleFault.needsLowRank(rule.name)) {
                    try DeltaRules.rule(named: rule.name, for: dense)
                }
            } else {
                #expect(type(of: try DeltaRules.rule(named: rule.name, for: dense)) == rule)
            }
        }
        #expect(DeltaRules.all.filter { $0.needsLowRank }.map { $0.name } == ["product", "frozenA"])
        #expect(throws: DeltaRuleFault.unknown("mean")) { try DeltaRules.rule(named: "mean", for: pairs) }
        #expect(
            "\(DeltaRuleFault.needsLowRank("product"))"
                == "'product' merges low-rank pairs; this trainer's adapter has none"
        )
        #expect("\(DeltaRuleFault.unknown("mean"))".hasSuffix("factors, product, frozenA, median"))
    }

    @Test("what is a low-rank pair is said by parts, never by names")
    func partsNotNames() throws {
        func contribution(_ client: String, _ values: [Float]) -> Contribution {
            Contribution(
                client: client,
                delta: AdapterWeights([
                    NamedArray(name: "x.lora_A.weight", shape: [1, 2], values: values),
                    NamedArray(name: "x.lora_B.weight", shape: [1, 2], values: values),
                ]),
                examples: 1
            )
        }
        let broadcast = AdapterWeights([
            NamedArray(name: "x.lora_A.weight", shape: [1, 2], values: [1, 2]),
            NamedArray(name: "x.lora_B.weight", shape: [1, 2], values: [3, 4]),
        ])

        let result = try Aggregate(
            of: [contribution("a", [2, 0]), contribution("b", [0, 2])],
            broadcast: broadcast,
            rule: FactorsRule(),
            weighting: .uniform
        )

        #expect(result.adapter.arrays.map(\.values) == [[2, 3], [4, 5]])
        #expect(result.diagnostics.factorGap == 0)
    }

    @Test("factors averages every array by itself", arguments: [Weighting.uniform, .examples])
    func factors(_ weighting: Weighting) throws {
        let broadcast = fixture.adapter(1, "broadcast")
        let contributions = fixture.contributions(2, 4)
        let weights = contributions.map { weighting == .uniform ? 1 : Double($0.examples) }

        let merged = try Aggregate(
            of: contributions,
            broadcast: broadcast,
            rule: FactorsRule(),
            weighting: weighting
        ).adapter

        for (index, array) in broadcast.arrays.enumerated() {
            let expected = mean(
                contributions.map { doubles($0.inMemory.arrays[index]) },
                weights: weights
            )
            for (element, value) in merged.arrays[index].values.enumerated() {
                #expect(abs(Double(value) - Double(array.values[element]) - expected[element]) < 1e-7)
            }
        }
    }

    @Test("the result does not depend on the order of arrival", arguments: DeltaRules.names)
    func orderIndependence(_ name: String) throws {
        let rule = try #require(DeltaRules.named(name))
        let broadcast = fixture.adapter(1, "broadcast")
        var contributions = fixture.contributions(3, 12)
        let first = try Aggregate(of: contributions, broadcast: broadcast, rule: rule, weighting: .examples)

        var stream = RandomStream(seed: 9, "order")
        for _ in 0..<5 {
            stream.shuffle(&contributions)
            let again = try Aggregate(
                of: contributions,
                broadcast: broadcast,
                rule: rule,
                weighting: .examples
            )
            #expect(again.adapter == first.adapter)
            #expect(again.diagnostics == first.diagnostics)
        }
    }

    @Test("identical clients give the client's own adapter, bit for bit", arguments: ["factors", "median"])
    func identicalClients(_ name: String) throws {
        let rule = try #require(DeltaRules.named(name))
        let broadcast = fixture.adapter(1, "broadcast")
        let delta = fixture.adapter(2, "delta", scale: 0.1)
        let contributions = (0..<3).map { Contribution(client: "c\($0)", delta: delta, examples: 5) }

        let result = try Aggregate(of: contributions, broadcast: broadcast, rule: rule, weighting: .uniform)

        #expect(result.adapter == broadcast.adding(delta))
        #expect(result.diagnostics.factorGap < 1e-12)
        #expect(result.diagnostics.meanCosine > 1 - 1e-9)
    }

    @Test("product is the exact mean of the products when it fits into rank r")
    func productExact() throws {
        // Two clients whose B differ but share A: the mean product has rank r.
        let broadcast = fixture.adapter(1, "broadcast", zeroB: true)
        let contributions = fixture.contributions(5, 3).map { contribution in
            var changed = contribution
            changed.delta = AdapterWeights(
                contribution.inMemory.arrays.map { array in
                    guard array.name == AdapterFixture.a else { return array }
                    return NamedArray(
                        name: array.name,
                        shape: array.shape,
                        values: array.values.map { _ in 0.25 }
                    )
                }
            )
            return changed
        }

        let merged = try Aggregate(
            of: contributions,
            broadcast: broadcast,
            rule: ProductRule(),
            weighting: .uniform
        ).adapter

        let expected = mean(
            contributions.map { product(of: broadcast.adding($0.inMemory)) },
            weights: [1, 1, 1]
        )
        #expect(norm(difference(product(of: merged), expected)) < 1e-6 * norm(expected))
    }

    @Test("product is never farther from the mean of the products than factors is")
    func productIsOptimal() throws {
        for seed in 0..<UInt64(25) {
            let broadcast = fixture.adapter(seed, "broadcast")
            let contributions = fixture.contributions(seed, 4, scale: 1)
            let expected = mean(
                contributions.map { product(of: broadcast.adding($0.inMemory)) },
                weights: contributions.map { Double($0.examples) }
            )
            func error(_ rule: any DeltaRule) throws -> Double {
                let merged = try Aggregate(
                    of: contributions,
                    broadcast: broadcast,
                    rule: rule,
                    weighting: .examples
                ).adapter
                return norm(difference(product(of: merged), expected))
            }

            let factors = try error(FactorsRule())
            let exact = try error(ProductRule())

            #expect(exact <= factors + 1e-6, "seed \(seed)")
            #expect(factors > 0.01, "the clients of seed \(seed) agree, so the case shows nothing")
        }
    }

    @Test("product leaves no direction dead: a zero product keeps A rows to learn with")
    func productOfNothing() throws {
        let broadcast = fixture.adapter(1, "broadcast", zeroB: true)
        let still = AdapterWeights(
            broadcast.arrays.map {
                NamedArray(name: $0.name, shape: $0.shape, values: $0.values.map { _ in 0 })
            }
        )
        let contributions = [Contribution(client: "one", delta: still, examples: 1)]

        let merged = try Aggregate(
            of: contributions,
            broadcast: broadcast,
            rule: ProductRule(),
            weighting: .uniform
        ).adapter

        #expect(norm(product(of: merged)) == 0)
        let a = try #require(merged[AdapterFixture.a])
        for k in 0..<fixture.rank {
            let row = a.values[(k * fixture.input)..<((k + 1) * fixture.input)].map(Double.init)
            #expect(norm(row) > 0.1)
        }
    }

    @Test("product works where clients times rank exceeds the matrix")
    func productOfManyClients() throws {
        let small = AdapterFixture(rank: 2, input: 5, output: 3, denseCount: 1)
        let broadcast = small.adapter(4, "broadcast")
        let contributions = small.contributions(4, 9)
        let weights = contributions.map { Double($0.examples) }
        let expected = mean(
            contributions.map { product(of: broadcast.adding($0.inMemory)) },
            weights: weights
        )

        let merged = try Aggregate(
            of: contributions,
            broadcast: broadcast,
            rule: ProductRule(),
            weighting: .examples
        ).adapter

        var matrix = ColumnMatrix(rows: 5, columns: 3)
        matrix.values = expected
        let tail = LowRank.jacobi(matrix).singularValues.dropFirst(2)
        let error = norm(difference(product(of: merged), expected))
        #expect(abs(error - norm(Array(tail))) < 1e-6)
    }

    @Test("frozenA keeps the broadcast A and averages the rest")
    func frozenA() throws {
        let broadcast = fixture.adapter(1, "broadcast")
        let contributions = fixture.contributions(2, 3)

        let frozen = try Aggregate(
            of: contributions,
            broadcast: broadcast,
            rule: FrozenARule(),
            weighting: .uniform
        ).adapter
        let averaged = try Aggregate(
            of: contributions,
            broadcast: broadcast,
            rule: FactorsRule(),
            weighting: .uniform
        ).adapter

        #expect(frozen[AdapterFixture.a] == broadcast[AdapterFixture.a])
        #expect(frozen[AdapterFixture.b] == averaged[AdapterFixture.b])
        #expect(frozen[AdapterFixture.dense] == averaged[AdapterFixture.dense])
    }

    @Test("with A frozen by all clients the mean of products is the product of means")
    func frozenAIsExact() throws {
        let broadcast = fixture.adapter(1, "broadcast")
        let contributions = fixture.contributions(2, 3).map { contribution in
            var changed = contribution
            changed.delta = AdapterWeights(
                contribution.inMemory.arrays.map { array in
                    guard array.name == AdapterFixture.a else { return array }
                    return NamedArray(
                        name: array.name,
                        shape: array.shape,
                        values: array.values.map { _ in 0 }
                    )
                }
            )
            return changed
        }

        let result = try Aggregate(
            of: contributions,
            broadcast: broadcast,
            rule: FrozenARule(),
            weighting: .uniform
        )

        #expect(result.diagnostics.factorGap < 1e-12)
        #expect(result.diagnostics.meanUpdateNorm > 0.1)
    }

    @Test("median is not moved by one absurd client")
    func median() throws {
        let broadcast = fixture.adapter(1, "broadcast")
        var contributions = fixture.contributions(2, 5, scale: 0.1)
        contributions[2].delta = fixture.adapter(6, "poison", scale: 1e6)

        let merged = try Aggregate(
            of: contributions,
            broadcast: broadcast,
            rule: MedianRule(),
            weighting: .uniform
        ).adapter

        for (index, array) in merged.arrays.enumerated() {
            for (element, value) in array.values.enumerated() {
                #expect(abs(value - broadcast.arrays[index].values[element]) <= 0.1001)
            }
        }
    }

    @Test(
        "no client counts for more than ten times the median, or than the topology's bound",
        arguments: [
            ([5, 1_000_000_000_000], nil, [5, 50]), ([5, 6, 7, 71], nil, [5, 6, 7, 60]),
            ([0, 0, 9], nil, [0, 0, 1]), ([3, 4, 5], 4, [3, 4, 4]),
            ([1 << 41, 1 << 41], nil, [1_099_511_627_776, 1_099_511_627_776]),
        ] as [([Int], Int?, [Double])]
    )
    func boundedExamples(reported: [Int], examplesMax: Int?, weights: [Double]) throws {
        var contributions = fixture.contributions(2, reported.count)
        for (index, examples) in reported.enumerated() { contributions[index].examples = examples }

        let merged = try Aggregate(
            of: contributions,
            broadcast: fixture.adapter(1, "broadcast"),
            rule: FactorsRule(),
            weighting: .examples,
            examplesMax: examplesMax
        )

        #expect(contributions.map { merged.weights[$0.client] } == weights)
    }

    @Test("nothing, a client twice, no examples at all and a foreign layout are errors")
    func errors() throws {
        let broadcast = fixture.adapter(1, "broadcast")
        let contributions = fixture.contributions(2, 2)
        func merge(_ list: [Contribution]) throws {
            _ = try Aggregate(of: list, broadcast: broadcast, rule: FactorsRule(), weighting: .examples)
        }

        #expect(throws: AggregationError.noContributions) { try merge([]) }
        #expect(throws: AggregationError.duplicateClient("client-0")) {
            try merge([contributions[0], contributions[0]])
        }
        var idle = contributions
        for index in idle.indices { idle[index].examples = 0 }
        #expect(throws: AggregationError.zeroTotalWeight(clients: ["client-0", "client-1"])) {
            try merge(idle)
        }
        var negative = contributions
        negative[1].examples = -1
        #expect(throws: AggregationError.self) { try merge(negative) }
        var foreign = contributions
        foreign[0].delta = AdapterFixture(rank: 2).adapter(1, "other")
        let fault = AdapterFault.wrongShape(AdapterFixture.a, expected: [3, 11], found: [2, 11])
        #expect(throws: AggregationError.layoutDiffers(client: "client-0", fault)) { try merge(foreign) }
        var infinite = contributions
        infinite[0].delta = fixture.adapter(1, "huge", scale: 3e38)
        infinite[0].examples = 1 << 30
        let huge = fixture.adapter(1, "huge", scale: 3e38)
        #expect(throws: AggregationError.self) {
            _ = try Aggregate(of: infinite, broadcast: huge, rule: FactorsRule(), weighting: .examples)
        }
    }

    @Test("a lone half of a pair is named")
    func loneHalf() {
        let adapter = AdapterWeights([
            NamedArray(name: "half", shape: [1, 2], values: [1, 2], part: .lowRank(.a, module: "x"))
        ])
        let contributions = [Contribution(client: "one", delta: adapter, examples: 1)]
        let fault = AdapterFault.badPair("half", reason: "the other half of 'x' is missing")
        for rule in DeltaRules.names.compactMap(DeltaRules.named) {
            #expect(throws: AggregationError.malformedPair(fault)) {
                _ = try Aggregate(of: contributions, broadcast: adapter, rule: rule, weighting: .uniform)
            }
            #expect(throws: fault) {
                try DeltaRules.rule(named: type(of: rule).name, for: adapter.layout)
            }
        }
    }
}
