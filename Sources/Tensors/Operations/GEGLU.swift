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
        precondition(gate.shape == up.shape, "geGLU: gate \(gate.shape), up \(up.shape)")
        let y = result(gate.shape, of: gate, up)
        kernel_geglu(gate.pointer, up.pointer, y.pointer, y.count)
        record(y) { [workspace] dy in
            let dgate = gate.needsGradient ? gate.gradientForAdding(workspace) : nil
            let dup = up.needsGradient ? up.gradientForAdding(workspace) : nil
            kernel_geglu_backward(gate.pointer, up.pointer, dy, dgate, dup, gate.count)
        }
        return y
    }
}
