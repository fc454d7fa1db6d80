internal import CKernels

extension Tape {
    /// y = gelu(gate) · up, element by element (Shazeer, arXiv:2002.05202), with GELU's approximation by tanh
    /// (Hendrycks and Gimpel, arXiv:1606.08415).
    ///
    /// - Parameters:
    ///   - gate: `[N, C]`.
    ///   - up: `[N, C]`.
    /// - Returns: `[N, C]`.
    package func geGLU(gate: Tensor, up: Tensor) -> Tensor {
        gatedUnit("geGLU", gate, up, forward: kernel_geglu, backward: kernel_geglu_backward)
    }
}
