internal import CKernels

extension Tape {
    /// x + y, of one shape.
    package func add(_ x: Tensor, _ y: Tensor) -> Tensor {
        precondition(x.shape == y.shape, "add: shapes \(x.shape) and \(y.shape)")
        let sum = result(x.shape, of: x, y)
        let (left, right, to) = (x.pointer, y.pointer, sum.pointer)
        Compute.share(sum.count) { part in
            let first = part.lowerBound
            kernel_add(left + first, right + first, to + first, part.count)
        }
        if let output = sum.slot {
            record(sum) { [workspace, x = x.slot, y = y.slot] _ in
                x?.add(output, workspace)
                y?.add(output, workspace)
            }
        }
        return sum
    }
}
