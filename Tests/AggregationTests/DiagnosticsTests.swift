import Contract
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
                product(of: broadcast.adding(contribution.delta))
                    + doubles(broadcast.adding(contribution.delta)[AdapterFixture.dense]),
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
}
