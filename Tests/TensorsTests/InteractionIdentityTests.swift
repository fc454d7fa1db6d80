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
}
