extension Tape {
    /// Divides each head of each row by a number; where that is zero, as for a row that sees nothing, the head
    /// becomes zero and no gradient flows.
    ///
    /// - Parameters:
    ///   - x: `[N, H·D]`.
    ///   - divisor: `[N, H]`.
    ///   - heads: H.
    /// - Returns: `[N, H·D]`.
    package func divideHeads(_ x: Tensor, by divisor: Tensor, heads: Int) -> Tensor {
        let size = x.columns / heads
        precondition(
            x.columns == heads * size && divisor.columns == heads && divisor.rows == x.rows,
            "divideHeads: x \(x.shape), divisor \(divisor.shape) for \(heads) heads"
        )
        let y = result(x.shape, of: x, divisor)
        let (from, to) = (x.pointer, y.pointer)
        for head in 0..<divisor.count {
            let factor = Tape.inverse(divisor.pointer[head])
            for index in head * size..<(head + 1) * size { to[index] = from[index] * factor }
        }
        record(y) { [workspace] dy in
            let dx = x.needsGradient ? x.gradientForAdding(workspace) : nil
            let ddivisor = divisor.needsGradient ? divisor.gradientForAdding(workspace) : nil
            let quotients = y.pointer
            for head in 0..<divisor.count {
                let factor = Tape.inverse(divisor.pointer[head])
                var sum = 0.0
                for index in head * size..<(head + 1) * size {
                    dx?[index] += dy[index] * factor
                    sum += Double(dy[index]) * Double(quotients[index])
                }
                ddivisor?[head] -= Float(sum) * factor
            }
        }
        return y
    }

    private static func inverse(_ x: Float) -> Float { x == 0 ? 0 : 1 / x }
}
