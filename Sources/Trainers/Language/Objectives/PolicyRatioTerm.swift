internal import Glibc

/// The clipped policy-ratio term of GRPO (DeepSeekMath, arXiv:2402.03300, Eq. 3 without its KL term;
/// PubSwap, arXiv:2604.12160, Eq. 2):
///
///     ρ_t  = exp(log π(y_t) − log π_old(y_t))
///     loss = −(1/n) Σ_k (1/|y_k|) Σ_t min(ρ_t A_k, clip(ρ_t, 1 − ε_low, 1 + ε_high) A_k)
///
/// π_old is the learner's own earlier policy for every response of a group, foreign ones included.
///
/// Where a batch gets one update, π_old is π itself, detached: ρ = 1 to the last bit whatever shape the
/// batch has. Otherwise `old` holds the log-probabilities before the first update, from the same passes.
struct PolicyRatioTerm: ObjectiveTerm {
    /// A_k, one for each response of the batch.
    let advantages: [Double]
    /// log π_old of all tokens of the batch; nil where π_old is π.
    let old: [Float]?
    /// n: b·K, responses of silent groups included.
    let normaliser: Int
    /// ε_low.
    let clipLow: Double
    /// ε_high.
    let clipHigh: Double
    /// All tokens of the batch times its updates, those of silent groups included: what clips are counted among.
    let tokensInAll: Int
    /// The positions, among the tokens of the batch, of those that come from other clients.
    let imported: [Int]

    private var clippedLow = 0
    private var clippedHigh = 0
    /// log π of all tokens at the first update.
    private var first: [Float] = []

    init(
        advantages: [Double],
        old: [Float]?,
        normaliser: Int,
        clipLow: Double,
        clipHigh: Double,
        tokensInAll: Int,
        imported: [Int]
    ) {
        self.advantages = advantages
        self.old = old
        self.normaliser = normaliser
        self.clipLow = clipLow
        self.clipHigh = clipHigh
        self.tokensInAll = tokensInAll
        self.imported = imported
    }

    mutating func evaluate(_ forward: ForwardPass) -> ObjectiveValue {
        let pass = forward.pass
        let result = PolicyRatioTerm.evaluate(
            logProbs: forward.logProbs,
            old: old.map { Array($0[pass.tokens]) } ?? forward.logProbs,
            advantages: Array(advantages[pass.responses]),
            responses: ResponseLengths(pass.lengths, normaliser: normaliser),
            clipLow: clipLow,
            clipHigh: clipHigh
        )
        clippedLow += result.clippedLow
        clippedHigh += result.clippedHigh
        if first.count == pass.tokens.lowerBound { first += forward.logProbs }
        return result.value
    }

    /// `clip_ratio`, as means over tokens and updates, and the first log-probability of imported tokens.
    var metrics: [String: Double] {
        let all = Double(max(tokensInAll, 1))
        var metrics = [
            "clip_ratio": Double(clippedLow + clippedHigh) / all,
            "clip_ratio/low_mean": Double(clippedLow) / all,
            "clip_ratio/high_mean": Double(clippedHigh) / all,
        ]
        if !imported.isEmpty {
            metrics["swap/imported_log_prob"] =
                imported.reduce(0.0) { $0 + Double(first[$1]) } / Double(imported.count)
        }
        return metrics
    }

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
