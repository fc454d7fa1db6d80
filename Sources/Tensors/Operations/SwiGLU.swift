internal import CKernels

extension Tape {
    /// y = silu(gate) · up with silu(g) = g / (1 + e^−g), element by element (Shazeer, arXiv:2002.05202).
    ///
    /// - Parameters:
    ///   - gate: `[N, C]`.
    ///   - up: `[N, C]`.
    /// - Returns: `[N, C]`.
    package func swiGLU(gate: Tensor, up: Tensor) -> Tensor {
        precondition(gate.shape == up.shape, "swiGLU: gate \(gate.shape), up \(up.shape)")
        let y = result(gate.shape, of: gate, up)
        kernel_swiglu(gate.pointer, up.pointer, y.pointer, y.count)
        record(y) { [workspace] dy in
            let dgate = gate.needsGradient ? gate.gradientForAdding(workspace) : nil
            let dup = up.needsGradient ? up.gradientForAdding(workspace) : nil
            kernel_swiglu_backward(gate.pointer, up.pointer, dy, dgate, dup, gate.count)
        }
        return y
    }
}
