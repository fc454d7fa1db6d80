import Testing

@testable import Trainers

@Suite("Typical spans and proposed names")
struct TypicalSpanTests {
    @Test("the stays nearest to a centre come first, one of each trajectory before a second")
    func nearest() {
        let labels: [[Int32]] = [[0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 1, 1], [1, 1, 1]]
        let distances: [[Float]] = [[4, 4, 9, 9, 1, 1], [2, 2, 8, 8, 8, 4], [5, 5, 5]]
        let found = TypicalSpan.find(labels: labels, distances: distances, groups: 3, count: 3)

        #expect(
            found[0] == [
                TypicalSpan(trajectory: 0, tokens: 4..<6, distance: 1),
                TypicalSpan(trajectory: 1, tokens: 0..<2, distance: 2),
                TypicalSpan(trajectory: 0, tokens: 0..<2, distance: 4),
            ]
        )
        // The stay of two is shorter than the median of 2, 3 and 4.
        #expect(found[1].map(\.trajectory) == [2, 1])
        #expect(found[2].isEmpty)
    }

    @Test("a state that is passed through is no example, however near it lies")
    func flicker() {
        let labels: [[Int32]] = [[0, 0, 0, 1, 0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0]]
        let distances: [[Float]] = [[1, 1, 1, 0, 1, 1, 1, 3, 3, 3], [3, 3, 3, 1, 1, 1]]
        let found = TypicalSpan.find(labels: labels, distances: distances, groups: 2, count: 2)

        #expect(found[1].allSatisfy { $0.tokens.count == 3 })
    }

    @Test("of a long stay the stretch nearest to the centre is shown")
    func stretch() {
        let distances: [Float] = [5, 5, 1, 1, 1, 5, 1, 1]
        let found = TypicalSpan.find(
            labels: [[Int32](repeating: 0, count: 8)],
            distances: [distances],
            groups: 1,
            count: 1,
            tokensMax: 3
        )

        #expect(found == [[TypicalSpan(trajectory: 0, tokens: 2..<5, distance: 1)]])
    }

    @Test("a name has the words that tell a group from the others, not those that are merely frequent")
    func names() {
        let words = [
            [" wait", " the", " hmm", " the", ".", " Wait", " the", " hmm", "."],
            [" so", " the", " so", " the", ".", "so", " the", " rare", "."],
        ]
        let labels = [words[0].map { _ in Int32(0) } + [0], words[1].map { _ in Int32(2) } + [2]]
        let longer = words.map { $0 + [" wait"] }
        let names = GroupNames.propose(labels: labels, words: longer, groups: 3)

        #expect(names == ["wait", "", "so"])
        let thrice = GroupNames.propose(
            labels: [labels[0] + labels[0]],
            words: [longer[0] + longer[0]],
            groups: 1
        )
        // A group that is all of the text has no word of its own.
        #expect(thrice == [""])
    }
}
