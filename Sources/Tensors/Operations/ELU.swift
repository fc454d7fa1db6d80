internal import CKernels

extension Tape {
    /// x for x > 0, else e^x − 1, element by element (Clevert, Unterthiner and Hochreiter, arXiv:1511.07289, α = 1).
    package func elu(_ x: Tensor) -> Tensor {
        let y = result(x.shape, of: x)
        kernel_elu(x.pointer, y.pointer, x.count)
        record(y) { [workspace] dy in
            kernel_elu_backward(y.pointer, dy, x.gradientForAdding(workspace), x.count)
        }
        return y
    }
}
