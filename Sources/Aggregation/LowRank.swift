/// The truncated singular value decomposition of a product of two thin matrices, without the product.
///
/// For `M = L Rᵀ` with L `[m, s]`, R `[n, s]` and s small: `L = Q_L T_L`, `R = Q_R T_R` (Householder),
/// `T_L T_Rᵀ = U Σ Vᵀ` (one-sided Jacobi), so `M = (Q_L U) Σ (Q_R V)ᵀ`. All in Double, in one fixed
/// order of operations. Golub and Van Loan, *Matrix Computations*, 5.2.2 and 8.6.3.
enum LowRank {
    /// `left diag(singularValues) rightᵀ`, the columns orthonormal, the values in descending order.
    struct Factors {
        var left: ColumnMatrix
        var singularValues: [Double]
        var right: ColumnMatrix
    }

    /// The `rank` leading singular triples of `left × rightᵀ` (fewer if the matrices have fewer).
    static func truncate(left: ColumnMatrix, right: ColumnMatrix, rank: Int) -> Factors {
        precondition(left.columns == right.columns, "\(left.columns) columns against \(right.columns)")
        let (qLeft, tLeft) = orthogonalise(left)
        let (qRight, tRight) = orthogonalise(right)
        let core = tLeft.times(tRight.transposed)
        let svd = core.rows >= core.columns ? jacobi(core) : swapped(jacobi(core.transposed))
        let kept = min(rank, svd.singularValues.count)
        return Factors(
            left: qLeft.times(leading(kept, of: svd.left)),
            singularValues: Array(svd.singularValues.prefix(kept)),
            right: qRight.times(leading(kept, of: svd.right))
        )
    }

    private static func swapped(_ factors: Factors) -> Factors {
        Factors(left: factors.right, singularValues: factors.singularValues, right: factors.left)
    }

    private static func leading(_ count: Int, of matrix: ColumnMatrix) -> ColumnMatrix {
        var result = ColumnMatrix(rows: matrix.rows, columns: count)
        result.values = Array(matrix.values.prefix(count * matrix.rows))
        return result
    }

    /// The thin QR decomposition by Householder reflections: Q `[m, p]` with orthonormal columns even
    /// where the matrix lacks rank, T `[p, s]` upper trapezoidal, p = min(m, s).
    static func orthogonalise(_ matrix: ColumnMatrix) -> (q: ColumnMatrix, t: ColumnMatrix) {
        let m = matrix.rows
        let s = matrix.columns
        let p = min(m, s)
        var work = matrix
        var reflectors: [Reflector] = []
        for k in 0..<p {
            let reflector = Reflector(clearing: &work, column: k)
            for j in (k + 1)..<max(k + 1, s) { reflector.apply(to: &work, column: j) }
            reflectors.append(reflector)
        }
        var t = ColumnMatrix(rows: p, columns: s)
        for j in 0..<s {
            for i in 0...min(j, p - 1) { t[i, j] = work[i, j] }
        }
        var q = ColumnMatrix.identity(rows: m, columns: p)
        for (k, reflector) in reflectors.enumerated().reversed() {
            for j in k..<p { reflector.apply(to: &q, column: j) }
        }
        return (q, t)
    }

    /// A Householder reflection `I − τ v vᵀ` of the rows from `first` on.
    private struct Reflector {
        let first: Int
        let tau: Double
        let vector: [Double]

        /// The reflection that makes a column zero below its diagonal element; it leaves the column so.
        /// A column that is zero already gives the identity (τ = 0).
        init(clearing work: inout ColumnMatrix, column k: Int) {
            first = k
            var vector = (k..<work.rows).map { work[$0, k] }
            let square = vector.reduce(0) { $0 + $1 * $1 }
            guard square > 0 else {
                tau = 0
                self.vector = vector
                return
            }
            let head = vector[0]
            let norm = head > 0 ? -square.squareRoot() : square.squareRoot()
            vector[0] = 1
            for i in 1..<max(1, vector.count) { vector[i] /= head - norm }
            work[k, k] = norm
            tau = (norm - head) / norm
            self.vector = vector
        }

        func apply(to matrix: inout ColumnMatrix, column: Int) {
            guard tau != 0 else { return }
            let start = column * matrix.rows + first
            var dot = 0.0
            for i in vector.indices { dot += vector[i] * matrix.values[start + i] }
            dot *= tau
            for i in vector.indices { matrix.values[start + i] -= dot * vector[i] }
        }
    }

    /// The SVD of a matrix with at least as many rows as columns, by one-sided Jacobi rotations.
    ///
    /// Left columns that belong to a zero singular value are zero; right columns are always orthonormal.
    static func jacobi(_ matrix: ColumnMatrix) -> Factors {
        precondition(matrix.rows >= matrix.columns, "jacobi: [\(matrix.rows), \(matrix.columns)] is wide")
        let n = matrix.columns
        var work = matrix
        var right = ColumnMatrix.identity(rows: n, columns: n)
        // Columns that are only rounding noise of a rank-deficient matrix need not be orthogonal.
        let noise = matrix.values.reduce(0) { $0 + $1 * $1 } * 1e-30
        // Convergence is quadratic; the bound only stops a matrix with values that are not finite.
        for _ in 0..<60 {
            var rotated = false
            for p in 0..<n {
                for q in (p + 1)..<max(p + 1, n) where rotate(&work, &right, p, q, noise) { rotated = true }
            }
            if !rotated { break }
        }
        return sortedFactors(work, right)
    }

    /// Makes columns p and q orthogonal; false if they are so already.
    private static func rotate(
        _ work: inout ColumnMatrix,
        _ right: inout ColumnMatrix,
        _ p: Int,
        _ q: Int,
        _ noise: Double
    ) -> Bool {
        var alpha = 0.0
        var beta = 0.0
        var gamma = 0.0
        for i in 0..<work.rows {
            let x = work[i, p]
            let y = work[i, q]
            alpha += x * x
            beta += y * y
            gamma += x * y
        }
        guard gamma.magnitude > max(noise, 1e-15 * (alpha * beta).squareRoot()) else { return false }
        let zeta = (beta - alpha) / (2 * gamma)
        let t = (zeta >= 0 ? 1.0 : -1.0) / (zeta.magnitude + (1 + zeta * zeta).squareRoot())
        let cosine = 1 / (1 + t * t).squareRoot()
        turn(&work, p, q, cosine, cosine * t)
        turn(&right, p, q, cosine, cosine * t)
        return true
    }

    private static func turn(
        _ matrix: inout ColumnMatrix,
        _ p: Int,
        _ q: Int,
        _ cosine: Double,
        _ sine: Double
    ) {
        for i in 0..<matrix.rows {
            let x = matrix[i, p]
            let y = matrix[i, q]
            matrix[i, p] = cosine * x - sine * y
            matrix[i, q] = sine * x + cosine * y
        }
    }

    /// Norms of the columns as singular values, descending (ties by index), with a fixed sign: the
    /// largest element of each right column is positive.
    private static func sortedFactors(_ work: ColumnMatrix, _ right: ColumnMatrix) -> Factors {
        let n = work.columns
        let norms = (0..<n).map { column in
            (0..<work.rows).reduce(0.0) { $0 + work[$1, column] * work[$1, column] }.squareRoot()
        }
        let order = (0..<n).sorted { norms[$0] != norms[$1] ? norms[$0] > norms[$1] : $0 < $1 }
        var left = ColumnMatrix(rows: work.rows, columns: n)
        var sortedRight = ColumnMatrix(rows: n, columns: n)
        for (to, from) in order.enumerated() {
            var largest = 0.0
            for i in 0..<n where right[i, from].magnitude > largest.magnitude { largest = right[i, from] }
            let sign = largest < 0 ? -1.0 : 1.0
            for i in 0..<n { sortedRight[i, to] = sign * right[i, from] }
            guard norms[from] > 0 else { continue }
            for i in 0..<work.rows { left[i, to] = sign * work[i, from] / norms[from] }
        }
        return Factors(left: left, singularValues: order.map { norms[$0] }, right: sortedRight)
    }
}
