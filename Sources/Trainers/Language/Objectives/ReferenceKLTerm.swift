internal import Glibc
internal import Models

/// The divergence from a reference policy, estimated from the sampled tokens alone (the k3 estimator
/// of Schulman, "Approximating KL divergence", 2020, as in GRPO, arXiv:2402.03300, Eq. 4):
///
///     d    = log π_ref(y_t) − log π(y_t)
///     loss = β (1/n) Σ_k (1/|y_k|) Σ_t (exp(d) − d − 1)
///
/// Never negative, and zero only where both agree.
struct ReferenceKLTerm: ObjectiveTerm {
    /// β.
    let weight: Double
    /// n: b·K.
    let normaliser: Int
    private var sum = 0.0
    private var tokens = 0

    init(weight: Double, normaliser: Int) {
        self.weight = weight
        self.normaliser = normaliser
    }

    var needs: PassNeeds {
        var needs = PassNeeds()
        needs.base = true
        return needs
    }

    mutating func evaluate(_ forward: ForwardPass) -> ObjectiveValue {
        guard let base = forward.base else { return .zero(count: forward.logProbs.count) }
        let result = ReferenceKLTerm.evaluate(
            logProbs: forward.logProbs,
            reference: base.logProbs,
            responses: ResponseLengths(forward.pass.lengths, normaliser: normaliser),
            weight: weight
        )
        sum += result.meanKL * Double(forward.logProbs.count)
        tokens += forward.logProbs.count
        return result.value
    }

    /// `kl`: the mean estimate, without β, over tokens and updates.
    var metrics: [String: Double] { ["kl": sum / Double(max(tokens, 1))] }

    /// The term with the unweighted estimate.
    struct Result {
        /// The value, β included, and its gradient.
        var value: ObjectiveValue
        /// The mean estimate, without β, over the tokens of the batch.
        var meanKL: Double
    }

    /// Evaluates the term.
    ///
    /// - Parameters:
    ///   - logProbs: log π `[M]`.
    ///   - reference: log π_ref `[M]`.
    ///   - responses: Which tokens belong to which response.
    ///   - weight: β.
    static func evaluate(
        logProbs: [Float],
        reference: [Float],
        responses: ResponseLengths,
        weight beta: Double
    ) -> Result {
        precondition(
            logProbs.count == responses.tokenCount && reference.count == logProbs.count,
            "token counts differ"
        )
        var result = Result(value: .zero(count: logProbs.count), meanKL: 0)
        responses.forEachToken { token, _, weight in
            let difference = Double(reference[token]) - Double(logProbs[token])
            let estimate = exp(difference) - difference - 1
            result.value.loss += beta * weight * estimate
            result.value.gradient[token] = Float(beta * weight * (1 - exp(difference)))
            result.meanKL += estimate
        }
        result.meanKL /= Double(max(logProbs.count, 1))
        return result
    }
}
