internal import CKernels

extension Tape {
    /// Some of a tensor's entries along its slowest dimension, as a tensor of their own: heads of `[H, N, M]`, rows
    /// of `[N, C]`.
    ///
    /// - Parameters:
    ///   - x: `[N, …]`.
    ///   - range: Which entries, in 0 ..< N.
    /// - Returns: `[range.count, …]`.
    package func slice(_ x: Tensor, _ range: Range<Int>) -> Tensor {
        let length = x.shape[0]
        precondition(
            range.lowerBound >= 0 && range.upperBound <= length,
            "slice: \(range) of \(x.shape)"
        )
        let (entry, first) = (x.count / max(length, 1), range.lowerBound)
        let y = result([range.count] + x.shape.dropFirst(), of: x)
        y.pointer.update(from: x.pointer + first * entry, count: y.count)
        record(y) { [workspace] dy in
            kernel_add_scaled(dy, 1, x.gradientForAdding(workspace) + first * entry, range.count * entry)
        }
        return y
    }
}
