internal import CKernels

extension Tape {
    /// factor · x, element by element.
    package func scale(_ x: Tensor, by factor: Float) -> Tensor {
        let y = result(x.shape, of: x)
        kernel_scale(x.pointer, factor, y.pointer, y.count)
        record(y) { [workspace, x = x.slot] dy in
            if let x { kernel_add_scaled(dy, factor, x.forAdding(workspace), x.count) }
        }
        return y
    }
}
