internal import Tensors

/// How alike two members' macrostates of the same states are (orthogonal Procrustes, Schönemann 1966).
/// The objective does not fix the frame: encoders that were trained apart may agree up to a rotation and yet not average.
struct Procrustes {
    /// How alike the two are after the best rotation and scale, 0 … 1: 1 where they differ by these alone.
    let similarity: Double
    /// The same without a rotation: below `similarity` where the frames have turned against each other.
    let unturned: Double

    /// Aligns points with their counterparts.
    ///
    /// - Parameters:
    ///   - points: `[N, m]`.
    ///   - others: `[N, m]`, the same states in the other frame.
    ///   - width: m.
    init(_ points: [Float], to others: [Float], width: Int) {
        precondition(points.count == others.count, "Procrustes: \(points.count) and \(others.count) values")
        var (from, to) = (points, others)
        MacrostateObjective.subtractMean(&from, width: width)
        MacrostateObjective.subtractMean(&to, width: width)
        let rows = points.count / width
        let (left, right) = (Procrustes.squares(from), Procrustes.squares(to))
        guard left > 0, right > 0, left.isFinite, right.isFinite else {
            (similarity, unturned) = (0, 0)
            return
        }
        // M = fromᵀ to = U S Vᵀ; the best rotation is U Vᵀ and explains (Σ S)² of |from|² |to|². S² are the eigenvalues of MᵀM.
        var product = [Double](repeating: 0, count: width * width)
        for row in 0..<rows {
            for a in 0..<width {
                let value = Double(from[row * width + a])
                for b in 0..<width { product[a * width + b] += value * Double(to[row * width + b]) }
            }
        }
        var gram = [Double](repeating: 0, count: width * width)
        for a in 0..<width {
            for b in 0..<width {
                for c in 0..<width { gram[a * width + b] += product[c * width + a] * product[c * width + b] }
            }
        }
        let singular = SymmetricEigen(gram, size: width).values.reduce(0) { $0 + max(0, $1).squareRoot() }
        let trace = (0..<width).reduce(0) { $0 + product[$1 * width + $1] }
        similarity = min(1, singular * singular / (left * right))
        unturned = trace > 0 ? min(1, trace * trace / (left * right)) : 0
    }

    private static func squares(_ values: [Float]) -> Double {
        values.reduce(0) { $0 + Double($1) * Double($1) }
    }
}
