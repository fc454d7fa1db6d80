internal import CKernels
internal import Glibc
internal import Randomness

/// The distribution that the next token is drawn from.
struct TokenDistribution {
    /// Log-probabilities are `logits − logSum`.
    private let logits: [Float]
    private let logSum: Float
    /// The most likely token when decoding is greedy.
    private let greedy: Int?
    /// The tokens of the top-p nucleus, most likely first; nil when all take part.
    private let nucleus: [Int]?
    /// The probabilities of the nucleus, or of all tokens, before renormalising.
    private let probabilities: [Float]
    /// Their sum.
    private let mass: Double

    /// Prepares one row of logits `[V]`, which is copied; nil when there is nothing to draw from, because the
    /// logits are not finite (an adapter that diverged) or all tokens are forbidden.
    init?(logits row: UnsafeBufferPointer<Float>, settings: SamplingSettings) {
        var logits = Array(row)
        let count = logits.count
        for token in settings.forbidden where logits.indices.contains(Int(token)) {
            logits[Int(token)] = -.infinity
        }
        if settings.temperature > 0, settings.temperature != 1 {
            let scale = 1 / settings.temperature
            logits.withUnsafeMutableBufferPointer {
                kernel_scale($0.baseAddress, scale, $0.baseAddress, count)
            }
        }
        var logSum: Float = 0
        kernel_log_sum_exp(logits, &logSum, 1, count)
        guard logSum.isFinite else { return nil }
        self.logSum = logSum
        self.logits = logits

        guard settings.temperature > 0 else {
            var (entropy, best): (Float, Int32) = (0, 0)
            kernel_row_statistics(logits, &logSum, &entropy, &best, 1, count)
            (greedy, nucleus, probabilities, mass) = (Int(best), nil, [], 1)
            return
        }
        greedy = nil
        var one: Float = 1
        kernel_softmax_scaled(&logits, &logSum, &one, 1, count)
        guard settings.topP < 1 else {
            (nucleus, probabilities, mass) = (nil, logits, Self.sum(logits))
            return
        }
        let order = logits.indices.sorted { (-logits[$0], $0) < (-logits[$1], $1) }
        var (sum, size) = (0.0, 0)
        while size < count, sum < Double(settings.topP) {
            sum += Double(logits[order[size]])
            size += 1
        }
        nucleus = Array(order[..<size])
        probabilities = order[..<size].map { logits[$0] }
        mass = sum
    }

    /// Draws a token by inverting the cumulative distribution at one uniform number of the stream; greedy
    /// decoding draws none.
    func draw(_ stream: inout RandomStream) -> (token: Int32, logProb: Float) {
        if let greedy { return (Int32(greedy), logits[greedy] - logSum) }
        let place = place(below: stream.uniform() * mass)
        guard let nucleus else { return (Int32(place), logits[place] - logSum) }
        let token = nucleus[place]
        return (Int32(token), logits[token] - logSum - Float(log(mass)))
    }

    /// The first place whose cumulative probability exceeds `target`.
    private func place(below target: Double) -> Int {
        probabilities.withUnsafeBufferPointer { values in
            var (left, last) = (target, 0)
            for index in 0..<values.count where values[index] > 0 {
                if left < Double(values[index]) { return index }
                left -= Double(values[index])
                last = index
            }
            // Rounding can leave a crumb beyond the last token that has any probability.
            return last
        }
    }

    private static func sum(_ values: [Float]) -> Double {
        values.withUnsafeBufferPointer { values in
            var sum = 0.0
            for index in 0..<values.count { sum += Double(values[index]) }
            return sum
        }
    }
}
