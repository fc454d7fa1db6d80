internal import Glibc

/// The clipped policy-ratio term of GRPO (DeepSeekMath, arXiv:2402.03300, Eq. 3 without its KL term;
/// PubSwap, arXiv:2604.12160, Eq. 2):
///
///     ρ_t  = exp(log π(y_t) − log π_old(y_t))
///     loss = −(1/n) Σ_k (1/|y_k|) Σ_t min(ρ_t A_k, clip(ρ_t, 1 − ε_low, 1 + ε_high) A_k)
///
/// π_old is the learner's own earlier policy for every response of a group, foreign ones included.
enum PolicyRatioTerm {
    /// The term with its clip statistics.
    struct Result {
        /// The value and gradient.
        var value: ObjectiveValue
        /// How many tokens were held at the lower bound (ρ < 1 − ε_low with A < 0).
        var clippedLow: Int
        /// How many tokens were held at the upper bound (ρ > 1 + ε_high with A > 0).
        var clippedHigh: Int
    }

    /// Evaluates the term.
    ///
    /// - Parameters:
    ///   - logProbs: log π `[M]`.
    ///   - old: log π_old `[M]`.
    ///   - advantages: A_k, one for each response.
    ///   - responses: Which tokens belong to which response.
    ///   - clipLow: ε_low.
    ///   - clipHigh: ε_high.
    static func evaluate(
        logProbs: [Float],
        old: [Float],
        advantages: [Double],
        responses: ResponseLengths,
        clipLow: Double,
        clipHigh: Double
    ) -> Result {
        precondition(
            logProbs.count == responses.tokenCount && old.count == logProbs.count,
            "token counts differ"
        )
        precondition(advantages.count == responses.lengths.count, "one advantage for each response")
        var result = Result(value: .zero(count: logProbs.count), clippedLow: 0, clippedHigh: 0)
        responses.forEachToken { token, response, weight in
            let advantage = advantages[response]
            let ratio = exp(Double(logProbs[token]) - Double(old[token]))
            let clipped = min(max(ratio, 1 - clipLow), 1 + clipHigh)
            let isHeld = clipped * advantage < ratio * advantage
            result.value.loss -= weight * min(ratio * advantage, clipped * advantage)
            if isHeld {
                if advantage > 0 { result.clippedHigh += 1 } else { result.clippedLow += 1 }
            } else {
                // d ρ / d log π = ρ; a held token has no gradient.
                result.value.gradient[token] = Float(-weight * advantage * ratio)
            }
        }
        return result
    }
}
