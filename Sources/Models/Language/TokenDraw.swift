internal import CKernels
internal import Glibc
internal import Tensors

/// Draws tokens from rows of logits: from the distribution that settings make of them, by inverting its cumulative
/// probability at one uniform number.
struct TokenDraw {
    let settings: SamplingSettings

    /// Whether draws take random numbers; greedy decoding takes none.
    var isRandom: Bool { settings.temperature > 0 }

    /// Draws some tokens.
    ///
    /// - Parameters:
    ///   - logits: `[N, V]`; those of forbidden tokens are overwritten.
    ///   - rows: For each draw, the row that it is from.
    ///   - uniforms: For each draw a number of [0, 1).
    /// - Returns: For each draw the token and its log-probability, as `Completion` has it; nil where there is nothing
    ///   to draw from, because the logits are not finite (an adapter that diverged) or all tokens are forbidden.
    func callAsFunction(
        _ logits: Tensor,
        rows: [Int],
        uniforms: [Double]
    ) -> [(token: Int32, logProb: Float)?] {
        let (values, columns) = (logits.values, logits.columns)
        for token in settings.forbidden where (0..<columns).contains(Int(token)) {
            for row in 0..<logits.rows { values[row * columns + Int(token)] = -.infinity }
        }
        guard let base = values.baseAddress else { return rows.map { _ in nil } }
        let drawn = [kernel_drawn](unsafeUninitializedCapacity: rows.count) { drawn, count in
            let results = drawn
            Compute.parallel(rows.count) { index in
                let token = one(base + rows[index] * columns, columns, uniforms[index])
                results.initializeElement(at: index, to: token)
            }
            count = rows.count
        }
        return drawn.map { $0.column < 0 ? nil : ($0.column, $0.log_probability) }
    }

    private func one(_ row: UnsafePointer<Float>, _ columns: Int, _ uniform: Double) -> kernel_drawn {
        guard isRandom else { return kernel_draw_greedy(row, columns) }
        let scale = 1 / settings.temperature
        guard settings.topP < 1 else { return kernel_draw(row, columns, scale, uniform) }
        return nucleus(row, columns, scale, uniform)
    }

    /// From the most likely tokens, lower numbers first on a tie, until they have the probability `topP` together.
    private func nucleus(
        _ row: UnsafePointer<Float>,
        _ columns: Int,
        _ scale: Float,
        _ uniform: Double
    ) -> kernel_drawn {
        var sum: Float = 0
        let least = kernel_nucleus(row, columns, scale, Double(settings.topP), &sum)
        guard sum.isFinite else { return kernel_drawn(column: -1, log_probability: 0) }
        let count = kernel_nucleus_take(row, columns, scale, least, sum, nil, nil)
        var tokens = [Int32](repeating: 0, count: count)
        var probabilities = [Float](repeating: 0, count: count)
        _ = kernel_nucleus_take(row, columns, scale, least, sum, &tokens, &probabilities)
        let order = tokens.indices.sorted { (-probabilities[$0], $0) < (-probabilities[$1], $1) }
        var (mass, size) = (0.0, 0)
        while size < count, mass < Double(settings.topP) {
            mass += Double(probabilities[order[size]])
            size += 1
        }
        var (left, chosen) = (uniform * mass, order[0])
        for place in order[..<size] where probabilities[place] > 0 {
            // Rounding can leave a crumb beyond the last token that has any probability.
            chosen = place
            if left < Double(probabilities[place]) { break }
            left -= Double(probabilities[place])
        }
        let token = tokens[chosen]
        return kernel_drawn(column: token, log_probability: row[Int(token)] * scale - sum - Float(log(mass)))
    }
}
