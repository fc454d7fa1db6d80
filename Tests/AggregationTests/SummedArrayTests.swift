import Contract
import Testing

@testable import Aggregation

@Suite("Arrays of counts")
struct SummedArrayTests {
    let fixture = AdapterFixture()

    /// An adapter with counts before, between and after the other arrays by name.
    private func counting(_ adapter: AdapterWeights, _ counts: [Float]) -> AdapterWeights {
        AdapterWeights(
            adapter.arrays
                + ["a.count", "c.count", "z.count"].map {
                    NamedArray(name: $0, shape: [counts.count], values: counts, part: .summed)
                }
        )
    }

    private func contributions(_ counts: [[Float]]) -> [Contribution] {
        zip(fixture.contributions(2, counts.count), counts).map { contribution, counts in
            var contribution = contribution
            contribution.delta = counting(contribution.inMemory, counts)
            return contribution
        }
    }

    @Test(
        "counts add up unweighted under every rule and weighting, and change nothing else",
        arguments: DeltaRules.names,
        Weighting.allCases
    )
    func addsUp(_ name: String, _ weighting: Weighting) throws {
        let rule = try #require(DeltaRules.named(name))
        let plain = fixture.adapter(1, "broadcast")
        let broadcast = counting(plain, [10, 16_777_000])

        let merged = try Aggregate(
            of: contributions([[1, 100], [2, 200], [-7, -84]]),
            broadcast: broadcast,
            rule: rule,
            weighting: weighting
        )
        let without = try Aggregate(
            of: fixture.contributions(2, 3),
            broadcast: plain,
            rule: rule,
            weighting: weighting
        )

        #expect(merged.adapter.layout == broadcast.layout)
        for array in merged.adapter.arrays {
            if array.part == .summed {
                #expect(array.values == [6, 16_777_216])
            } else {
                #expect(array == without.adapter[array.name])
            }
        }
        #expect(merged.diagnostics == without.diagnostics)
    }

    @Test("an adapter of counts alone is merged too")
    func countsAlone() throws {
        func adapter(_ values: [Float]) -> AdapterWeights {
            AdapterWeights([NamedArray(name: "n", shape: [2], values: values, part: .summed)])
        }

        let result = try Aggregate(
            of: [
                Contribution(client: "a", delta: adapter([1, 2]), examples: 1),
                Contribution(client: "b", delta: adapter([3, 4]), examples: 9),
            ],
            broadcast: adapter([5, 5]),
            rule: FactorsRule(),
            weighting: .examples
        )

        #expect(result.adapter == adapter([9, 11]))
        #expect(result.diagnostics.meanUpdateNorm == 0)
    }

    @Test("a fractional or huge count is refused by name, and so is a sum that is too large")
    func refused() {
        func merge(_ counts: [[Float]], start: [Float] = [0]) throws {
            _ = try Aggregate(
                of: contributions(counts),
                broadcast: counting(fixture.adapter(1, "broadcast"), start),
                rule: MedianRule(),
                weighting: .uniform
            )
        }

        #expect(throws: AggregationError.notWhole(array: "a.count", index: 0, value: 0.5)) {
            try merge([[0.5], [0.5]])
        }
        #expect(throws: AggregationError.notWhole(array: "a.count", index: 0, value: 0x1p25)) {
            try merge([[1], [0x1p25]])
        }
        #expect(throws: AggregationError.notWhole(array: "a.count", index: 0, value: 16_777_217)) {
            try merge([[16_777_215], [2]])
        }
        #expect(throws: AggregationError.notWhole(array: "a.count", index: 0, value: 1.5)) {
            try merge([[1]], start: [0.5])
        }
        #expect(throws: Never.self) { try merge([[16_777_215], [1]]) }
        #expect(throws: Never.self) { try merge([[16_777_216], [16_777_216]], start: [-16_777_216]) }
    }
}
