internal import CKernels

extension Tape {
    /// y = silu(gate) · up with silu(g) = g / (1 + e^−g), element by element (Shazeer, arXiv:2002.05202).
    ///
    /// - Parameters:
    ///   - gate: `[N, C]`.
    ///   - up: `[N, C]`.
    /// - Returns: `[N, C]`.
    package func swiGLU(gate: Tensor, up: Tensor) -> Tensor {
        gatedUnit("swiGLU", gate, up, forward: kernel_swiglu, backward: kernel_swiglu_backward)
    }

    /// y = activation(gate) · up, by the kernels of an activation.
    func gatedUnit(
        _ name: String,
        _ gate: Tensor,
        _ up: Tensor,
        forward:
            @escaping @convention(c) (
                UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int
            ) -> Void,
        backward:
            @escaping @convention(c) (
                UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?,
                UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?, Int
            ) -> Void
    ) -> Tensor {
        precondition(gate.shape == up.shape, "\(name): gate \(gate.shape), up \(up.shape)")
        let y = result(gate.shape, of: gate, up)
        let count = y.count
        fill(y) { to in
            let (gate, up) = (gate.pointer, up.pointer)
            Compute.share(count) { part in
                let first = part.lowerBound
                forward(gate + first, up + first, to + first, part.count)
            }
        }
        record(y) { [workspace] dy in
            let dgate = gate.slot?.forShares(workspace)
            let dup = up.slot?.forShares(workspace)
            let (gate, up) = (gate.pointer, up.pointer)
            Compute.share(count) { part in
                let first = part.lowerBound
                backward(
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
