internal import COpenBLAS

/// Matrix products on row-major float32, by OpenBLAS, which the threads of the process share. Each computes
/// `c = alpha · a b + beta · c`.
package enum Products {
    /// c [m, n] from a [m, k] and b [n, k] transposed.
    package static func abT(
        _ a: UnsafePointer<Float>,
        _ b: UnsafePointer<Float>,
        _ c: UnsafeMutablePointer<Float>,
        m: Int,
        n: Int,
        k: Int,
        alpha: Float = 1,
        beta: Float = 0
    ) {
        cut(c, m, n, k, beta) { rows, columns in
            cblas_sgemm(
                CblasRowMajor,
                CblasNoTrans,
                CblasTrans,
                blasint(rows.count),
                blasint(columns.count),
                blasint(k),
                alpha,
                a + rows.lowerBound * k,
                blasint(k),
                b + columns.lowerBound * k,
                blasint(k),
                beta,
                c + rows.lowerBound * n + columns.lowerBound,
                blasint(n)
            )
        }
    }

    /// c [m, n] from a [m, k] and b [k, n].
    package static func ab(
        _ a: UnsafePointer<Float>,
        _ b: UnsafePointer<Float>,
        _ c: UnsafeMutablePointer<Float>,
        m: Int,
        n: Int,
        k: Int,
        alpha: Float = 1,
        beta: Float = 0
    ) {
        cut(c, m, n, k, beta) { rows, columns in
            cblas_sgemm(
                CblasRowMajor,
                CblasNoTrans,
                CblasNoTrans,
                blasint(rows.count),
                blasint(columns.count),
                blasint(k),
                alpha,
                a + rows.lowerBound * k,
                blasint(k),
                b + columns.lowerBound,
                blasint(n),
                beta,
                c + rows.lowerBound * n + columns.lowerBound,
                blasint(n)
            )
        }
    }

    /// c [m, n] from a [k, m] transposed and b [k, n].
    package static func aTb(
        _ a: UnsafePointer<Float>,
        _ b: UnsafePointer<Float>,
        _ c: UnsafeMutablePointer<Float>,
        m: Int,
        n: Int,
        k: Int,
        alpha: Float = 1,
        beta: Float = 0
    ) {
        cut(c, m, n, k, beta) { rows, columns in
            cblas_sgemm(
                CblasRowMajor,
                CblasTrans,
                CblasNoTrans,
                blasint(rows.count),
                blasint(columns.count),
                blasint(k),
                alpha,
                a + rows.lowerBound,
                blasint(m),
                b + columns.lowerBound,
                blasint(n),
                beta,
                c + rows.lowerBound * n + columns.lowerBound,
                blasint(n)
            )
        }
    }

    /// Multiplications that are worth a second thread.
    private static let sharedFrom = 1 << 20
    /// How many pieces a product is cut into at most, and how many rows or columns one has at least.
    private static let (piecesMax, pieceMin) = (8, 64)

    /// Cuts a product into rows or columns of c for the threads to share. The cuts depend on the sizes alone, since the last
    /// bits of a product depend on them. An empty product is beta · c.
    private static func cut(
        _ c: UnsafeMutablePointer<Float>,
        _ m: Int,
        _ n: Int,
        _ k: Int,
        _ beta: Float,
        _ piece: (_ rows: Range<Int>, _ columns: Range<Int>) -> Void
    ) {
        if k == 0 && beta == 0 { c.update(repeating: 0, count: m * n) }
        guard m > 0 && n > 0 && k > 0 else { return }
        let length = max(m, n)
        let pieces = m * n * k < sharedFrom ? 1 : min(piecesMax, (length + pieceMin - 1) / pieceMin)
        Compute.parallel(pieces) { index in
            let range = index * length / pieces..<(index + 1) * length / pieces
            if m >= n { piece(range, 0..<n) } else { piece(0..<m, range) }
        }
    }
}
