internal import CKernels

extension Tape {
    /// x Φ(x), element by element, with Φ the normal distribution's cumulative function: the exact form, not the one
    /// by tanh (Hendrycks and Gimpel, arXiv:1606.08415).
    package func gelu(_ x: Tensor) -> Tensor {
        let y = result(x.shape, of: x)
        // The slope costs little beside the value, and another exponential later.
        let slope = y.needsGradient ? workspace.take(x.count) : nil
        kernel_gelu(x.pointer, y.pointer, slope?.pointer, x.count)
        record(y) { [workspace] dy in
            guard let slope else { return }
            kernel_add_product(dy, slope.pointer, x.gradientForAdding(workspace), x.count)
        }
        return y
    }
}
