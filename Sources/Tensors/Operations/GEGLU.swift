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
        let count = y.count
        fill(y) { to in
            let (gate, up) = (gate.pointer, up.pointer)
            Compute.share(count) { part in
                let first = part.lowerBound
                kernel_geglu(gate + first, up + first, to + first, part.count)
            }
        }
        record(y) { [workspace] dy in
            let dgate = gate.slot?.forShares(workspace)
            let dup = up.slot?.forShares(workspace)
            let (gate, up) = (gate.pointer, up.pointer)
            Compute.share(count) { part in
                let first = part.lowerBound
                kernel_geglu_backward(
                    gate + first,
                    up + first,
                    dy + first,
                    dgate?.begin(first, part.count),
                    dup?.begin(first, part.count),
                    part.count
                )
            }
        }
        return y
    }
}
