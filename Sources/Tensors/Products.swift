internal import CKernels

/// Matrix products on row-major float32, which the threads of the process share. Each computes
/// `c = alpha · a b + beta · c`; an element of c depends on its row of a and its column of b alone, to the last bit.
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
        var work = work(a, b, c, m, n, k, alpha, beta)
        (work.b_form, work.b_stride) = (kernel_columns, k)
        kernel_product(&work)
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
        var work = work(a, b, c, m, n, k, alpha, beta)
        kernel_product(&work)
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
        var work = work(a, b, c, m, n, k, alpha, beta)
        (work.a_stride, work.a_transposed) = (m, 1)
        kernel_product(&work)
    }

    /// c [m, n] from a [m, k] and the panels of a weight.
    static func panels(
        _ a: UnsafePointer<Float>,
        _ panels: UnsafeRawPointer,
        _ form: kernel_form,
        _ c: UnsafeMutablePointer<Float>,
        m: Int,
        n: Int,
        k: Int,
        alpha: Float,
        beta: Float
    ) {
        var work = work(a, panels, c, m, n, k, alpha, beta)
        work.b_form = form
        kernel_product(&work)
    }

    /// Both matrices and the result row after row.
    private static func work(
        _ a: UnsafePointer<Float>,
        _ b: UnsafeRawPointer,
        _ c: UnsafeMutablePointer<Float>,
        _ m: Int,
        _ n: Int,
        _ k: Int,
        _ alpha: Float,
        _ beta: Float
    ) -> kernel_product_work {
        kernel_product_work(
            path: Compute.path,
            m: m,
            n: n,
            k: k,
            a: a,
            a_stride: k,
            a_transposed: 0,
            b: b,
            b_stride: n,
            b_form: kernel_rows,
            alpha: alpha,
            beta: beta,
            c: c,
            c_stride: n
        )
    }
}
