internal import CKernels

extension Tape {
    /// elu(x) + 1, element by element: x + 1 for x > 0, else e^x; the positive features of linear attention
    /// (Katharopoulos et al., arXiv:2006.16236).
    package func positive(_ x: Tensor) -> Tensor {
        let y = result(x.shape, of: x)
        let (from, to) = (x.pointer, y.pointer)
        kernel_exp(from, to, x.count)
        for index in 0..<x.count { to[index] = from[index] > 0 ? from[index] + 1 : to[index] }
        record(y) { [workspace] dy in
            // The slope is e^x = y where that is below 1.
            let (dx, slope) = (x.gradientForAdding(workspace), y.pointer)
            for index in 0..<x.count { dx[index] += dy[index] * min(slope[index], 1) }
        }
        return y
    }
}
