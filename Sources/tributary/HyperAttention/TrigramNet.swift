internal import Randomness
internal import Tensors

/// Embeddings, one attention layer for the last place, a residual and a linear read-out; about as many
/// parameters whatever the kind of attention.
struct TrigramNet {
    /// A kind of attention.
    enum Kind: Sendable, Equatable {
        /// Softmax over keys, scores of pairs.
        case softmax(heads: Int)
        /// The mean over keys of scores times values.
        case linear
        /// HyperFeatureAttention of order 2: the softmax of a product of two scores, the second with 1 added.
        case featureProduct
        /// HyperAttention of order 3: the softmax over all pairs of keys.
        case exactTriples
        /// Linear HyperAttention of order 3, divided by the number of pairs.
        case linearTriples

        var name: String {
            switch self {
            case .softmax(let heads): "softmax, \(heads) head\(heads == 1 ? "" : "s")"
            case .linear: "linear, 1 head"
            case .featureProduct: "HFA, A = 2, softmax"
            case .exactTriples: "HA order 3, exact"
            case .linearTriples: "HA order 3, linear"
            }
        }
    }

    /// d.
    static let width = 32
    /// R for which six maps of HyperAttention have about as many values as four of attention: 6·32·21 ≈
    /// 4·32².
    static let rank = 21

    let kind: Kind
    private let embedding: Tensor
    private let readOut: Tensor
    /// Queries' maps, keys' maps, values' maps and the output's, in this order.
    private let maps: [Tensor]

    var parameters: [Tensor] { [embedding, readOut] + maps }

    /// A net before training.
    init(_ kind: Kind, using stream: inout RandomStream) {
        self.kind = kind
        let d = Self.width
        let small = 1 / Double(d).squareRoot()
        embedding = .normal([TrigramTask.symbols, d], deviation: 1, using: &stream)
        readOut = .normal([TrigramTask.classes, d], deviation: small, using: &stream)
        let shapes: [[Int]] =
            switch kind {
            case .softmax, .linear: [[d, d], [d, d], [d, d], [d, d]]
            case .featureProduct: [[d / 2, d], [d / 2, d], [d / 2, d], [d / 2, d], [d, d], [d, d]]
            case .exactTriples, .linearTriples:
                [[Int]](repeating: [Self.rank, d], count: 5) + [[d, Self.rank]]
            }
        var maps: [Tensor] = []
        for shape in shapes { maps.append(.normal(shape, deviation: small, using: &stream)) }
        self.maps = maps
    }

    /// Logits `[B, classes]` for the last place of each sequence.
    func logits(_ symbols: [Int32], on tape: Tape) -> Tensor {
        let length = TrigramTask.length
        let count = symbols.count / length
        let x = tape.embedding(table: embedding, ids: symbols)
        // Only the last place asks; all others are there to be seen.
        let pattern = AttentionPattern(
            segments: (0..<count).map {
                let end = ($0 + 1) * length
                return AttentionSegment(rows: end - 1..<end, prefix: end - length..<end - 1)
            }
        )
        let last = (1...count).map { Int32($0 * length - 1) }
        let attended = tape.gatherRows(attend(x, pattern, tape), rows: last)
        let state = tape.add(tape.gatherRows(x, rows: last), tape.linear(attended, maps[maps.count - 1]))
        return tape.linear(state, readOut)
    }

    private func attend(_ x: Tensor, _ pattern: AttentionPattern, _ tape: Tape) -> Tensor {
        let mapped = maps.dropLast().map { tape.linear(x, $0) }
        switch kind {
        case .softmax(let heads):
            return tape.attention(
                factors: [ScoreFactor(q: mapped[0], k: mapped[1], heads: heads)],
                v: mapped[2],
                pattern: pattern,
                heads: heads,
                keyValueHeads: heads
            )
        case .linear:
            return tape.attention(
                factors: [ScoreFactor(q: mapped[0], k: mapped[1], heads: 1)],
                v: mapped[2],
                pattern: pattern,
                heads: 1,
                keyValueHeads: 1,
                weighting: .mean
            )
        case .featureProduct:
            return tape.attention(
                factors: [
                    ScoreFactor(q: mapped[0], k: mapped[1], heads: 1),
                    ScoreFactor(q: mapped[2], k: mapped[3], offset: 1, heads: 1),
                ],
                v: mapped[4],
                pattern: pattern,
                heads: 1,
                keyValueHeads: 1
            )
        case .exactTriples:
            return tape.hyperAttention(
                q: mapped[0],
                keys: [mapped[1], mapped[2]],
                values: [mapped[3], mapped[4]],
                pattern: pattern,
                heads: 1
            )
        case .linearTriples:
            return tape.hyperAttentionLinear(
                q: mapped[0],
                keys: [mapped[1], mapped[2]],
                values: [mapped[3], mapped[4]],
                pattern: pattern,
                heads: 1,
                divisor: .visible
            )
        }
    }
}
