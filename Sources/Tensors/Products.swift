internal import COpenBLAS

/// Matrix products on row-major float32, by OpenBLAS. Each computes `c = alpha · a b + beta · c`.
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
        guard worthwhile(c, m, n, k, beta) else { return }
        cblas_sgemm(
            CblasRowMajor,
            CblasNoTrans,
            CblasTrans,
            blasint(m),
            blasint(n),
            blasint(k),
            alpha,
            a,
            blasint(k),
            b,
            blasint(k),
            beta,
            c,
            blasint(n)
        )
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
        guard worthwhile(c, m, n, k, beta) else { return }
        cblas_sgemm(
            CblasRowMajor,
            CblasNoTrans,
            CblasNoTrans,
            blasint(m),
            blasint(n),
            blasint(k),
            alpha,
            a,
            blasint(k),
            b,
            blasint(n),
            beta,
            c,
            blasint(n)
        )
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
        guard worthwhile(c, m, n, k, beta) else { return }
        cblas_sgemm(
            CblasRowMajor,
            CblasTrans,
            CblasNoTrans,
            blasint(m),
            blasint(n),
            blasint(k),
            alpha,
            a,
            blasint(m),
            b,
            blasint(n),
            beta,
            c,
            blasint(n)
        )
    }

    /// False for an empty product, whose result is still beta · c.
    private static func worthwhile(
        _ c: UnsafeMutablePointer<Float>,
        _ m: Int,
        _ n: Int,
        _ k: Int,
        _ beta: Float
    ) -> Bool {
        if k == 0 && beta == 0 { c.update(repeating: 0, count: m * n) }
        return m > 0 && n > 0 && k > 0
    }
}
