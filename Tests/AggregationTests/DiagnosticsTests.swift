import Contract
import Randomness
import Testing

@testable import Aggregation

@Suite("Diagnostics of a round")
struct DiagnosticsTests {
    @Test("the Gram matrices give what the full products give", arguments: 0..<10)
    func agreesWithFullProducts(_ seed: Int) throws {
        let fixture = AdapterFixture()
        let broadcast = fixture.adapter(UInt64(seed), "broadcast")
        let contributions = fixture.contributions(UInt64(seed), 4)
        let weights = contributions.map { Double($0.examples) }
        let start = product(of: broadcast) + doubles(broadcast[AdapterFixture.dense])
        let moved = contributions.map { contribution in
            difference(
                product(of: broadcast.adding(contribution.inMemory))
                    + doubles(broadcast.adding(contribution.inMemory)[AdapterFixture.dense]),
                start
            )
        }
        let expectedMean = mean(moved, weights: weights)
        let factorMean = try Aggregate(
            of: contributions,
            broadcast: broadcast,
            rule: FactorsRule(),
            weighting: .examples
        )

        let found = factorMean.diagnostics

        #expect(abs(found.meanUpdateNorm - norm(expectedMean)) < 1e-5)
        let byFactors = difference(
            product(of: factorMean.adapter) + doubles(factorMean.adapter[AdapterFixture.dense]),
            start
        )
        let gap = norm(difference(expectedMean, byFactors)) / norm(expectedMean)
        #expect(abs(found.factorGap - gap) < 1e-5)
        #expect(gap > 1e-3)
        let drifts = moved.map { norm(difference($0, expectedMean)) }
        for (client, drift) in zip(found.clients, drifts) { #expect(abs(client.drift - drift) < 1e-5) }
        for (client, update) in zip(found.clients, moved) {
            #expect(abs(client.updateNorm - norm(update)) < 1e-5)
        }
        #expect(abs(found.clientDrift - drifts.reduce(0, +) / 4) < 1e-5)
        var cosines: [Double] = []
        for i in 0..<4 {
            for j in (i + 1)..<4 {
                let dot = zip(moved[i], moved[j]).reduce(0) { $0 + $1.0 * $1.1 }
                cosines.append(dot / (norm(moved[i]) * norm(moved[j])))
            }
        }
        #expect(abs(found.meanCosine - cosines.reduce(0, +) / 6) < 1e-5)
        #expect(abs(found.lowestCosine - (cosines.min() ?? 0)) < 1e-5)
    }

    @Test("an adapter of dense arrays alone has no factor gap")
    func denseOnly() throws {
        let broadcast = AdapterWeights([NamedArray(name: "w", shape: [2], values: [0, 0])])
        func client(_ name: String, _ values: [Float]) -> Contribution {
            Contribution(
                client: name,
                delta: AdapterWeights([NamedArray(name: "w", shape: [2], values: values)]),
                examples: 1
            )
        }

        let result = try Aggregate(
            of: [client("a", [3, 0]), client("b", [0, 4])],
            broadcast: broadcast,
            rule: FactorsRule(),
            weighting: .uniform
        )

        #expect(result.adapter.arrays[0].values == [1.5, 2])
        #expect(result.diagnostics.factorGap == 0)
        #expect(abs(result.diagnostics.meanUpdateNorm - 2.5) < 1e-12)
        #expect(abs(result.diagnostics.clientDrift - 2.5) < 1e-12)
        #expect(result.diagnostics.meanCosine == 0)
    }

    /// Twelve pairs and an array whose length is no multiple of four; the clients move partly alike.
    private func several(_ label: String, scale: Float, shared: Float = 0) -> AdapterWeights {
        func values(_ count: Int, _ name: String) -> [Float] {
            var own = RandomStream(seed: 3, label, name)
            var common = RandomStream(seed: 3, "common", name)
            return (0..<count).map { _ in
                scale * (Float(2 * own.uniform() - 1) + shared * Float(2 * common.uniform() - 1))
            }
        }
        let pairs = (0..<12).flatMap { index in
            let name = "m\(index).q_proj"
            return [
                NamedArray(
                    name: name + ".lora_A.weight",
                    shape: [4, 60 + index],
                    values: values(4 * (60 + index), name + "a"),
                    part: .lowRank(.a, module: name)
                ),
                NamedArray(
                    name: name + ".lora_B.weight",
                    shape: [47, 4],
                    values: values(188, name + "b"),
                    part: .lowRank(.b, module: name)
                ),
            ]
        }
        return AdapterWeights(pairs + [NamedArray(name: "bias", shape: [1023], values: values(1023, "bias"))])
    }

    @Test("sketches estimate what Gram matrices give, within a few standard errors")
    func sketches() throws {
        let broadcast = several("broadcast", scale: 1)
        let contributions = (0..<70).map { index in
            Contribution(
                client: "c\(100 + index)",
                delta: several("delta \(index)", scale: 0.3, shared: 0.5),
                examples: 10 + index
            )
        }
        let weighted = try WeightedContributions(contributions, weighting: .examples, broadcast: broadcast)
        let weights = weighted.weights.map { $0 / weighted.totalWeight }

        let exact = try measured(weighted, broadcast, GramMovements(weights: weights))
        let found = try measured(weighted, broadcast, MovementSketches(weights: weights))

        #expect(found.isEstimated && !exact.isEstimated)
        func isNear(_ estimate: Double, _ value: Double) -> Bool { abs(estimate / value - 1) < 0.12 }
        #expect(isNear(found.meanUpdateNorm, exact.meanUpdateNorm))
        #expect(isNear(found.factorGap, exact.factorGap))
        #expect(isNear(found.clientDrift, exact.clientDrift))
        #expect(abs(found.meanCosine - exact.meanCosine) < 0.03)
        #expect(exact.meanCosine > 0.1 && exact.factorGap > 0.01)
        for (estimate, client) in zip(found.clients, exact.clients) {
            #expect(estimate.client == client.client)
            #expect(isNear(estimate.updateNorm, client.updateNorm), "\(client.client)")
        }
    }

    private func measured(
        _ weighted: WeightedContributions,
        _ broadcast: AdapterWeights,
        _ meter: any MovementMeter
    ) throws -> AggregationDiagnostics {
        let reader = ContributionReader(weighted, meter)
        for place in try MergePlace.all(of: broadcast.layout) {
            _ = try reader.merge(place, of: broadcast, by: FactorsRule())
        }
        return AggregationDiagnostics(of: weighted, [reader.meter])
    }

    @Test("many clients with large ranks are estimated, a usual round is measured")
    func choice() throws {
        let large = AdapterFixture(rank: 32, input: 576, output: 576).adapter(1, "large").layout
        let place = try #require(MergePlace.all(of: large).first)
        let units = [GramMovements.Size](repeating: GramMovements.Size(of: place, in: large), count: 210)

        #expect(GramMovements.isAffordable(units, clients: 4))
        #expect(!GramMovements.isAffordable(units, clients: 64))
        // Of one unit alone the memory decides.
        #expect(GramMovements.isAffordable([units[0]], clients: 10))
        #expect(!GramMovements.isAffordable([units[0]], clients: 1000))
    }

    @Test(
        "the sketches of any number of clients take no more than 8 MiB",
        arguments: [1, 512, 513, 3000, 20_000]
    )
    func bounded(clients: Int) {
        let sketches = MovementSketches(weights: [Double](repeating: 1 / Double(clients), count: clients))

        #expect(sketches.length * clients <= MovementSketches.valuesMax)
        #expect((sketches.length == 4096) == (clients <= 512))
    }

    @Test("the cosines of sketches are those of all pairs of them")
    func cosines() throws {
        let broadcast = several("broadcast", scale: 1)
        let contributions = (0..<70).map { index in
            let scale: Float = index == 3 ? 0 : 0.3
            return Contribution(
                client: "c\(100 + index)",
                delta: several("delta \(index)", scale: scale, shared: Float(index % 5) / 4),
                examples: 10
            )
        }
        let weighted = try WeightedContributions(contributions, weighting: .uniform, broadcast: broadcast)
        let weights = weighted.weights.map { $0 / weighted.totalWeight }
        let all = try measured(weighted, broadcast, MovementSketches(weights: weights))
        // The same with each pair of clients alone.
        var cosines: [Double] = []
        for i in contributions.indices {
            for j in (i + 1)..<max(i + 1, contributions.count) where (i + j) % 23 == 0 || i == 3 {
                let pair = try WeightedContributions(
                    [contributions[i], contributions[j]],
                    weighting: .uniform,
                    broadcast: broadcast
                )
                let two = try measured(pair, broadcast, MovementSketches(weights: [0.5, 0.5]))
                #expect(abs(two.meanCosine - two.lowestCosine) < 1e-6)
                #expect(i != 3 || abs(two.meanCosine) < 1e-9)
                cosines.append(two.meanCosine)
            }
        }

        #expect(all.lowestCosine <= (cosines.min() ?? 0) + 1e-5)
        #expect(all.meanCosine > all.lowestCosine && all.meanCosine < cosines.max() ?? 0)
    }
}
