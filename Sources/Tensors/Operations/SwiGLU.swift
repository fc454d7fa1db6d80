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
        let count = y.count
        fill(y) { to in
            let (gate, up) = (gate.pointer, up.pointer)
            Compute.share(count) { part in
                let first = part.lowerBound
                kernel_swiglu(gate + first, up + first, to + first, part.count)
            }
        }
        record(y) { [workspace] dy in
            let dgate = gate.slot?.forShares(workspace)
            let dup = up.slot?.forShares(workspace)
            let (gate, up) = (gate.pointer, up.pointer)
            Compute.share(count) { part in
                let first = part.lowerBound
                kernel_swiglu_backward(
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
