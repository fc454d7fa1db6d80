internal import CKernels

extension Tape {
    /// max(x, 0), element by element (ReLU).
    package func rectify(_ x: Tensor) -> Tensor {
        let y = result(x.shape, of: x)
        kernel_rectify(x.pointer, y.pointer, x.count)
        record(y) { [workspace] dy in
            kernel_rectify_backward(y.pointer, dy, x.gradientForAdding(workspace), x.count)
        }
        return y
    }
}
