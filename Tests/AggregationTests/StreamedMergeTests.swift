import Contract
import Randomness
import Synchronization
import Testing

@testable import Aggregation

/// An update whose readings are counted, and which can fail.
private final class CountedUpdate: UpdateSource {
    struct Damaged: Error {}

    private let adapter: AdapterWeights
    private let damaged: Int?
    private let readings: Mutex<[Int: Int]> = Mutex([:])

    init(_ adapter: AdapterWeights, damaged: Int? = nil) {
        self.adapter = adapter
        self.damaged = damaged
    }

    var layout: AdapterLayout { adapter.layout }
    var counts: [Int: Int] { readings.withLock { $0 } }

    func read(_ index: Int, into values: inout [Float]) throws {
        guard index != damaged else { throw Damaged() }
        readings.withLock { $0[index, default: 0] += 1 }
        // As a decoder does: into the memory that is there.
        if values.count != adapter.arrays[index].values.count { values = adapter.arrays[index].values }
        for place in values.indices { values[place] = adapter.arrays[index].values[place] }
    }
}

@Suite("A merge reads updates array by array")
struct StreamedMergeTests {
    let fixture = AdapterFixture()

    @Test(
        "every rule gives the same of updates that are read as of updates in memory",
        arguments: DeltaRules.names
    )
    func same(_ name: String) throws {
        let rule = try #require(DeltaRules.named(name))
        let broadcast = fixture.adapter(1, "broadcast")
        let inMemory = fixture.contributions(2, 5)
        let stored = inMemory.map { CountedUpdate($0.inMemory) }
        let read = zip(inMemory, stored).map {
            Contribution(client: $0.client, delta: $1, examples: $0.examples)
        }

        let expected = try Aggregate(of: inMemory, broadcast: broadcast, rule: rule, weighting: .examples)
        let found = try Aggregate(of: read, broadcast: broadcast, rule: rule, weighting: .examples)

        #expect(found.adapter == expected.adapter)
        #expect(found.diagnostics == expected.diagnostics)
        for update in stored { #expect(update.counts == [0: 1, 1: 1, 2: 1]) }
    }

    @Test("the median reads again what it may not hold, and is the same")
    func windows() throws {
        let broadcast = fixture.adapter(1, "broadcast")
        let stored = fixture.contributions(2, 5).map { CountedUpdate($0.inMemory) }
        let read = stored.enumerated().map { Contribution(client: "\($0)", delta: $1, examples: 1) }

        let whole = try Aggregate(of: read, broadcast: broadcast, rule: MedianRule(), weighting: .uniform)
        let pieces = try Aggregate(
            of: read,
            broadcast: broadcast,
            rule: MedianRule(heldMax: 50),
            weighting: .uniform
        )

        #expect(pieces.adapter == whole.adapter)
        // 33 values of A and 21 of B, ten at a time; 5 values alone.
        for update in stored { #expect(update.counts == [0: 1 + 6, 1: 1 + 6, 2: 1 + 1]) }
    }

    @Test("an update that cannot be read is no fault of the round's")
    func unreadable() throws {
        var contributions = fixture.contributions(2, 3)
        contributions[1].delta = CountedUpdate(contributions[1].inMemory, damaged: 2)

        #expect(throws: CountedUpdate.Damaged.self) {
            _ = try Aggregate(
                of: contributions,
                broadcast: fixture.adapter(1, "broadcast"),
                rule: FactorsRule(),
                weighting: .uniform
            )
        }
    }

    @Test("factors of more clients than the weight has columns are summed, and the product is as near")
    func manyProducts() throws {
        let broadcast = fixture.adapter(1, "broadcast")
        let contributions = fixture.contributions(2, 12)
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

        // The nearest of rank 3, by the singular values of the whole mean.
        var whole = ColumnMatrix(rows: 7, columns: 11)
        for row in 0..<7 {
            for column in 0..<11 { whole[row, column] = expected[row * 11 + column] }
        }
        let lost = LowRank.jacobi(whole.transposed).singularValues.dropFirst(3).reduce(0) { $0 + $1 * $1 }
        #expect(abs(norm(difference(product(of: merged), expected)) - lost.squareRoot()) < 1e-5)
        #expect(lost > 1e-6)
    }

    @Test("a chain of transforms changes what is read as it changes what is in memory")
    func transforms() throws {
        let chain = try TransformChain([
            Component("clip", try Mapping(json: Array("{\"norm\": 0.5}".utf8)))
        ])
        let place = UpdatePlace(seed: 1, round: 0, client: "a")
        let update = fixture.adapter(3, "update")
        let stored: any UpdateSource = CountedUpdate(update)

        let (expected, figures) = try chain.apply(update, at: place)
        let (changed, same) = try chain.apply(stored, at: place)

        #expect(same == figures && figures["update/clip/scale"] ?? 1 < 1)
        for (index, array) in expected.arrays.enumerated() {
            var values: [Float] = []
            try changed.read(index, into: &values)
            #expect(values == array.values)
        }
        #expect(try changed.norm() == expected.norm)
    }
}
