internal import Models

/// The supervised term: the mean negative log-likelihood of given answers over all their tokens,
///
///     loss = −(1/n) Σ_t log π(y_t)
///
/// with n the number of tokens the mean is over, so that long answers weigh more (the usual language
/// model loss, masked to the answer).
struct SupervisedTerm: ObjectiveTerm {
    private var sum = 0.0
    private var entropy = 0.0
    private var hits = 0
    private var tokens = 0

    /// Entropies and hits, for the metrics.
    var needs: PassNeeds {
        var needs = PassNeeds()
        needs.certainty = true
        return needs
    }

    mutating func evaluate(_ forward: ForwardPass) -> ObjectiveValue {
        let value = SupervisedTerm.evaluate(logProbs: forward.logProbs, normaliser: forward.batchTokens)
        sum -= forward.logProbs.reduce(0.0) { $0 + Double($1) }
        tokens += forward.logProbs.count
        if let certainty = forward.certainty {
            entropy += certainty.entropies.reduce(0.0) { $0 + Double($1) }
            hits += certainty.hits
        }
        return value
    }

    /// Under TRL's names `entropy` and `mean_token_accuracy`, over the answers' tokens; `loss/answers` is this term alone.
    var metrics: [String: Double] {
        let count = Double(max(tokens, 1))
        return [
            "loss/answers": sum / count,
            "entropy": entropy / count,
            "mean_token_accuracy": Double(hits) / count,
        ]
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
