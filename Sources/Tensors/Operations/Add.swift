internal import CKernels

extension Tape {
    /// x + y, of one shape.
    package func add(_ x: Tensor, _ y: Tensor) -> Tensor {
        precondition(x.shape == y.shape, "add: shapes \(x.shape) and \(y.shape)")
        let sum = result(x.shape, of: x, y)
        kernel_add(x.pointer, y.pointer, sum.pointer, sum.count)
        record(sum) { [workspace] dsum in
            for input in [x, y] where input.needsGradient {
                kernel_add_scaled(dsum, 1, input.gradientForAdding(workspace), input.count)
            }
        }
        return sum
    }
}
