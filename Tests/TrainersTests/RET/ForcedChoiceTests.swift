import Randomness
import Testing

@testable import Trainers

@Suite("Pairs of spans for a judge")
struct ForcedChoiceTests {
    /// Trajectories that change between three groups after two to seven tokens.
    private static let labels: [[Int32]] = {
        var stream = RandomStream(seed: 4, "pairs")
        return (0..<20).map { _ in
            (0..<15).flatMap { index in
                [Int32](repeating: Int32(index % 3), count: 2 + stream.below(6))
            }
        }
    }()

    @Test("each pair has a span of the group and one of another, as long, and no example")
    func pairs() {
        let examples = TypicalSpan.find(
            labels: Self.labels,
            distances: Self.labels.map { $0.map { _ in 0 } },
            groups: 3,
            count: 4
        )
        let pairs = ForcedChoice.pairs(labels: Self.labels, groups: 3, examples: examples, count: 20, seed: 1)

        #expect(pairs.count == 3)
        for (group, own) in pairs.enumerated() {
            #expect(own.count == 20)
            #expect(own.count { $0.isOwnFirst } == 10)
            for pair in own {
                #expect(pair.own.tokens.count == pair.other.tokens.count && pair.own.tokens.count >= 3)
                for (span, isOwn) in [(pair.own, true), (pair.other, false)] {
                    let found = Set(Self.labels[span.trajectory][span.tokens])
                    #expect(found.count == 1 && (found.first == Int32(group)) == isOwn)
                }
                #expect(
                    !examples[group].contains {
                        $0.trajectory == pair.own.trajectory && $0.tokens.overlaps(pair.own.tokens)
                    }
                )
            }
            #expect(Set(own.map { "\($0.own)" }).count == 20 && Set(own.map { "\($0.other)" }).count == 20)
        }
        #expect(
            ForcedChoice.pairs(labels: Self.labels, groups: 3, examples: [], count: 9, seed: 2)[0].count == 9
        )
    }

    @Test("a group of few stays gives few pairs or none, and one of short stays short ones")
    func scarce() {
        let labels: [[Int32]] = (0..<6).map { _ in [0, 0, 0, 0, 1, 0, 0, 0] } + [[2, 2, 0, 2]]
        let pairs = ForcedChoice.pairs(labels: labels, groups: 3, examples: [], count: 20, seed: 1)

        #expect(pairs.map(\.count) == [8, 6, 0])
        #expect(pairs[1].allSatisfy { $0.own.tokens.count == 1 })
    }

    @Test("as many right answers are needed as guessing seldom gives")
    func needed() {
        // The binomial distribution's, one-sided.
        #expect([5, 6, 10, 20, 100].map(ForcedChoice.rightMin) == [5, 6, 9, 15, 59])
    }
}
