import Randomness
import Testing

@Suite("Random streams") struct RandomStreamTests {
    private func words(_ stream: RandomStream, _ count: Int = 8) -> [UInt32] {
        var stream = stream
        return (0..<count).map { _ in stream.nextWord() }
    }

    @Test("the same seed and path give the same numbers")
    func same() {
        #expect(words(RandomStream(seed: 7, "client", 3)) == words(RandomStream(seed: 7, "client", 3)))
    }

    @Test("streams of different seeds or paths differ")
    func different() {
        let streams = [
            RandomStream(seed: 7, "client", 3), RandomStream(seed: 8, "client", 3),
            RandomStream(seed: 7, "client", 4),
            RandomStream(seed: 7, "client"), RandomStream(seed: 7, 3, "client"),
            RandomStream(seed: 7, "clien", "t", 3),
            RandomStream(seed: 7, "", "client", 3), RandomStream(seed: 7, "client3"), RandomStream(seed: 7),
            RandomStream(seed: 7, "client", -3),
        ]
        #expect(Set(streams.map { words($0) }).count == streams.count)
    }

    @Test("the numbers of a stream are pinned: a change would break every recorded run")
    func pinned() {
        var stream = RandomStream(seed: 7, "client-a", "sample", 2, 5)
        #expect(
            words(stream, 6) == [
                0x4C4F_8380, 0xDF50_0E09, 0x0C24_4973, 0x09E3_0EE8, 0xBE34_4355, 0xBF30_C61E,
            ]
        )
        #expect(stream.choose(4, from: Array(0..<10)) == [0, 8, 7, 5])
        var deck = Array(0..<8)
        stream.shuffle(&deck)
        #expect(deck == [3, 1, 6, 7, 0, 2, 5, 4])
        #expect(stream.uniform() == 0x1.553d17d655af4p-1)
    }

    @Test("uniform numbers fill [0, 1) evenly")
    func uniform() {
        var stream = RandomStream(seed: 1, "uniform")
        var counts = [Int](repeating: 0, count: 10)
        for _ in 0..<20_000 { counts[Int(stream.uniform() * 10)] += 1 }
        // χ² with 9 degrees of freedom exceeds 27.9 with probability 0.001.
        #expect(counts.reduce(0.0) { $0 + Double(($1 - 2000) * ($1 - 2000)) / 2000 } < 27.9)
    }

    @Test(
        "below gives each value equally often",
        arguments: [1, 2, 3, 7]
    )
    func below(bound: Int) {
        var stream = RandomStream(seed: 1, "below", bound)
        var counts = [Int](repeating: 0, count: bound)
        for _ in 0..<3000 * bound { counts[stream.below(bound)] += 1 }
        #expect(counts.allSatisfy { abs($0 - 3000) < 250 })
    }

    @Test("below rejects the excess that would favour small values")
    func unbiased() {
        // With bound 3·2⁶¹, a plain remainder would give values below 2⁶² twice as often as the rest: 4/5 of all
        // draws instead of 2/3.
        let bound = 3 << 61
        var stream = RandomStream(seed: 1, "bias")
        let small = (0..<6000).count { _ in stream.below(bound) < 1 << 62 }
        #expect(abs(small - 4000) < 180)
    }

    @Test("shuffle keeps the elements, choose takes different ones, and both can take all or none")
    func permutations() {
        var stream = RandomStream(seed: 1, "permutation")
        var deck = Array(0..<50)
        stream.shuffle(&deck)
        #expect(deck != Array(0..<50) && deck.sorted() == Array(0..<50))
        #expect(Set(stream.choose(20, from: deck)).count == 20)
        #expect(stream.choose(50, from: deck).sorted() == Array(0..<50))
        #expect(stream.choose(0, from: deck).isEmpty)
    }
}
