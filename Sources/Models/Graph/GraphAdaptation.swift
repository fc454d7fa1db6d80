/// Which of a graph transformer's weights are trained, and travel in a federation.
package enum GraphAdaptation: Sendable, Hashable {
    /// All of them.
    case dense
    /// Low-rank factors of every linear map but the last, W + alpha / rank · B A (Hu et al., arXiv:2106.09685), and the
    /// last map whole: that of one output has fewer values than its factors would have, and carries the scale of a
    /// critic's values. Everything else stays as the seed made it.
    case lowRank(rank: Int, alpha: Double)

    /// What a product of factors is multiplied by.
    var scale: Float {
        switch self {
        case .dense: 1
        case .lowRank(let rank, let alpha): Float(alpha / Double(rank))
        }
    }
}
