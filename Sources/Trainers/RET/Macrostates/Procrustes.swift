internal import Glibc
internal import Tensors

/// The rotation that brings one member's macrostates closest to another's (orthogonal Procrustes, Schönemann 1966).
/// The objective does not fix the frame: encoders that were trained apart may agree up to a rotation and yet not average.
struct Procrustes {
    /// `[m, m]`: z R is in the other frame.
    let rotation: [Double]
    /// R² of the other's states by these ones as they are, both centred: 1 where the frames are the same.
    let agreement: Double
    /// The same after the rotation: what averaging apart, frames alone differ.
    let alignedAgreement: Double

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
        // M = fromᵀ to = U S Vᵀ and R = U Vᵀ = M V S⁻¹ Vᵀ, with V and S² from MᵀM.
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
        let eigen = SymmetricEigen(gram, size: width)
        let largest = eigen.values.last ?? 0
        var rotation = [Double](repeating: 0, count: width * width)
        for index in 0..<width where eigen.values[index] > 1e-18 * max(largest, 1e-300) {
            let v = eigen.vectors[index * width..<(index + 1) * width]
            let scale = 1 / eigen.values[index].squareRoot()
            for a in 0..<width {
                var sum = 0.0
                for c in 0..<width { sum += product[a * width + c] * v[v.startIndex + c] }
                for b in 0..<width { rotation[a * width + b] += sum * scale * v[v.startIndex + b] }
            }
        }
        self.rotation = rotation
        agreement = Closure.explained(from, of: to, width: width)
        alignedAgreement = Closure.explained(
            Procrustes.rotated(from, by: rotation, width: width),
            of: to,
            width: width
        )
    }

    private static func rotated(_ points: [Float], by rotation: [Double], width: Int) -> [Float] {
        var result = [Float](repeating: 0, count: points.count)
        for row in 0..<points.count / width {
            for b in 0..<width {
                var sum = 0.0
                for a in 0..<width { sum += Double(points[row * width + a]) * rotation[a * width + b] }
                result[row * width + b] = Float(sum)
            }
        }
        return result
    }
}
