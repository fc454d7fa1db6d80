extension Tape {
    /// Some columns of a tensor, as a tensor of their own: one part of what several maps gave as one.
    ///
    /// - Parameters:
    ///   - x: `[N, C]`.
    ///   - range: Which columns, in 0 ..< C.
    /// - Returns: `[N, range.count]`.
    package func takeColumns(_ x: Tensor, _ range: Range<Int>) -> Tensor {
        let (rows, columns, width) = (x.rows, x.columns, range.count)
        precondition(
            range.lowerBound >= 0 && range.upperBound <= columns,
            "takeColumns: \(range) of \(x.shape)"
        )
        let y = result([rows, width], of: x)
        for row in 0..<rows {
            let from = x.pointer + row * columns + range.lowerBound
            (y.pointer + row * width).update(from: from, count: width)
        }
        record(y) { [workspace] dy in
            let dx = x.gradientForAdding(workspace)
            for row in 0..<rows {
                let to = dx + row * columns + range.lowerBound
                for column in 0..<width { to[column] += dy[row * width + column] }
            }
        }
        return y
    }
}
