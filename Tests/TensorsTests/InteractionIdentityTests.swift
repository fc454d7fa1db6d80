import Foundation
import Testing

@testable import Tensors

/// What the notes on arXiv:2506.06179 derive, checked in Double on the plain formulas.
@Suite("Identities of interaction attention") struct InteractionIdentityTests {
    private let rows = 9
    private let heads = 2

    private func pattern(isCausal: Bool = true) -> AttentionPattern {
        AttentionPattern(
            segments: [AttentionSegment(rows: 0..<3), AttentionSegment(rows: 3..<9, prefix: 0..<3)],
            isCausal: isCausal
        )
    }

    private func expectEqual(_ a: Rows, _ b: Rows, sourceLocation: SourceLocation = #_sourceLocation) {
        let largest = a.values.reduce(1) { max($0, abs($1)) }
        let difference = zip(a.values, b.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
        #expect(a.values.count == b.values.count, sourceLocation: sourceLocation)
        #expect(difference <= 1e-9 * largest, sourceLocation: sourceLocation)
    }

    /// Head by head, all products of a value of x and one of y.
    private func kronecker(_ x: Rows, _ y: Rows) -> Rows {
        let (D, E) = (x.columns / heads, y.columns / heads)
        return Rows(rows, heads * D * E) { row, column in
            let (head, rest) = (column / (D * E), column % (D * E))
            return x[row, head * D + rest / E] * y[row, head * E + rest % E]
        }
    }

    @Test(
        "two factors are one with Kronecker queries and keys",
        arguments: [AttentionWeighting.softmax, .sum, .mean]
    )
    func kronecker(weighting: AttentionWeighting) {
        let (q1, k1) = (Rows(random: rows, 6, "q1"), Rows(random: rows, 6, "k1"))
        let (q2, k2) = (Rows(random: rows, 4, "q2"), Rows(random: rows, 4, "k2"))
        let v = Rows(random: rows, 6, "v")
        func attention(_ factors: [ReferenceFactor]) -> Rows {
            referenceAttention(
                factors,
                v,
                pattern(),
                heads: heads,
                keyValueHeads: heads,
                weighting: weighting
            )
        }
        expectEqual(
            attention([ReferenceFactor(q: q1, k: k1), ReferenceFactor(q: q2, k: k2)]),
            attention([ReferenceFactor(q: kronecker(q1, q2), k: kronecker(k1, k2))])
        )
    }

    private func hyper(_ order: Int, size: Int = 6) -> (q: Rows, keys: [Rows], values: [Rows]) {
        (
            Rows(random: rows, size, "q"), (1..<order).map { Rows(random: rows, size, "k\($0)") },
            (1..<order).map { Rows(random: rows, 4, "v\($0)") }
        )
    }

    @Test("products of sums are the sums over all tuples", arguments: [3, 4], [true, false])
    func fast(order: Int, isCausal: Bool) {
        let (q, keys, values) = hyper(order)
        let pattern = pattern(isCausal: isCausal)
        expectEqual(
            referenceHyperLinear(q, keys, values, pattern, heads: heads),
            referenceHyperStates(q, keys, values, pattern, heads: heads)
        )
    }

    @Test("a causal pass may carry the sums from row to row", arguments: [2, 3, 4])
    func prefixSums(order: Int) {
        let (q, keys, values) = hyper(order)
        let (R, size) = (q.columns / heads, values[0].columns / heads)
        var out = Rows(rows, heads * size)
        for head in 0..<heads {
            var sums = [Double](repeating: 0, count: keys.count * R * size)
            for row in 0..<rows {
                for r in 0..<R {
                    for c in 0..<size {
                        var product = q[row, head * R + r]
                        for m in keys.indices {
                            let at = (m * R + r) * size + c
                            sums[at] += keys[m][row, head * R + r] * values[m][row, head * size + c]
                            product *= sums[at]
                        }
                        out[row, head * size + c] += product
                    }
                }
            }
        }
        let whole = AttentionPattern(segments: [AttentionSegment(rows: 0..<rows)])
        expectEqual(out, referenceHyperLinear(q, keys, values, whole, heads: heads))
    }

    @Test("tuples of one key twice are dropped by one more sum")
    func dropEqual() {
        let (q, keys, values) = hyper(3)
        expectEqual(
            referenceHyperLinear(q, keys, values, pattern(), heads: heads) { $0[0] != $0[1] },
            referenceHyperStates(q, keys, values, pattern(), heads: heads, dropsEqual: true)
        )
    }

    @Test("positive features normalise: the quotient of sums is a mean over tuples", arguments: [2, 3, 4])
    func normalised(order: Int) {
        let (inputs, pattern) = (hyper(order), pattern())
        func positive(_ x: Rows) -> Rows { x.map { $0 > 0 ? $0 + 1 : exp($0) } }
        let (q, keys) = (positive(inputs.q), inputs.keys.map(positive))
        let ones = keys.map { _ in Rows(rows, heads) { _, _ in 1 } }
        let sums = referenceHyperStates(q, keys, inputs.values, pattern, heads: heads)
        let divisors = referenceHyperStates(q, keys, ones, pattern, heads: heads)
        let size = sums.columns / heads

        // The same from weights that are normalised first, tuple by tuple.
        var expected = Rows(rows, sums.columns)
        pattern.forEachRow { segment, own, row in
            let visible = pattern.visible(segment: segment, row: own).map(\.row)
            let all = tuples(keys.map { _ in visible })
            for head in 0..<heads {
                let width = q.columns / heads
                let weights = all.map { tuple in
                    (head * width..<(head + 1) * width).reduce(0.0) { sum, r in
                        sum + keys.indices.reduce(q[row, r]) { $0 * keys[$1][tuple[$1], r] }
                    }
                }
                let total = weights.reduce(0, +)
                for (weight, tuple) in zip(weights, all) {
                    for c in head * size..<(head + 1) * size {
                        expected[row, c] += keys.indices.reduce(weight / total) {
                            $0 * inputs.values[$1][tuple[$1], c]
                        }
                    }
                }
            }
        }
        expectEqual(Rows(rows, sums.columns) { sums[$0, $1] / divisors[$0, $1 / size] }, expected)
    }
}
