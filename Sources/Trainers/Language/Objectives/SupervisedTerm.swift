/// The supervised term: the mean negative log-likelihood of given answers over all their tokens,
///
///     loss = −(1/n) Σ_t log π(y_t)
///
/// with n the number of tokens the mean is over, so that long answers weigh more (the usual language
/// model loss, masked to the answer).
struct SupervisedTerm: ObjectiveTerm {
    mutating func evaluate(_ forward: ForwardPass) -> ObjectiveValue {
        SupervisedTerm.evaluate(logProbs: forward.logProbs, normaliser: forward.batchTokens)
    }

    /// Evaluates the term.
    ///
    /// - Parameters:
    ///   - logProbs: log π `[M]` of the answers' tokens.
    ///   - normaliser: n; more than M where a batch is taken in several passes.
    static func evaluate(logProbs: [Float], normaliser: Int) -> ObjectiveValue {
        precondition(normaliser > 0, "a mean over no tokens")
        let weight = 1 / Double(normaliser)
        return ObjectiveValue(
            loss: -weight * logProbs.reduce(0.0) { $0 + Double($1) },
            gradient: Array(repeating: Float(-weight), count: logProbs.count)
        )
    }
}
