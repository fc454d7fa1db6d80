package import Models

/// Feature blocking, BLOCK-EM (arXiv:2602.00767; our notes 2.2): keeps chosen latents of a layer from moving past the base
/// model's level in the direction in which misaligned fine-tuning moved them,
///
///     loss = λ (1/M) Σ_t Σ_{k∈K} relu(s_k (z_k^θ(h_t) − z_k^base(h_t)))²
///
/// with M the response tokens of the whole batch, so that cutting a batch into passes changes nothing, and h_t the state that
/// token t is predicted from. The base's activations come from the same weights with the adapter off, and only up to the
/// blocked layer; no gradient flows through them. The penalty is zero at the first step, and pulls at nothing above its layer.
package struct FeatureBlockTerm: ObjectiveTerm {
    /// λ.
    package var weight: Double
    /// K.
    package var rows: LatentRows {
        get { penalty.rows }
        set { penalty = LatentPenalty(newValue, reading: penalty.reading, isTwoSided: penalty.isTwoSided) }
    }
    private var penalty: LatentPenalty
    private let scope: Scope

    /// Whose states are held.
    package enum Scope: String, Codable, Sendable, CaseIterable {
        /// Those that response tokens are predicted from, as in BLOCK-EM.
        case answers
        /// Those of all tokens, prompts included: later blocks can read at an answer what was written at its prompt. Ours.
        case all
    }
    private var sum = 0.0
    private var moved = 0
    private var tokens = 0

    /// Makes the term.
    ///
    /// - Parameters:
    ///   - rows: K.
    ///   - weight: λ.
    ///   - reading: Whether latents are read before or after their ReLU.
    ///   - isTwoSided: Whether the safe direction is penalised too: an ablation.
    ///   - scope: Whose states are held; the sum is divided by M all the same.
    package init(
        _ rows: LatentRows,
        weight: Double,
        reading: LatentReading,
        isTwoSided: Bool = false,
        scope: Scope = .answers
    ) {
        self.weight = weight
        self.scope = scope
        penalty = LatentPenalty(rows, reading: reading, isTwoSided: isTwoSided)
    }

    /// The layer boundary that is blocked.
    package var layer: Int { penalty.rows.layer }

    /// The residual stream of its layer, also the base's.
    package var needs: PassNeeds {
        var needs = PassNeeds()
        needs.layers = [layer]
        needs.baseLayers = [layer]
        return needs
    }

    /// λ times the mean penalty.
    package mutating func evaluate(_ pass: ForwardPass) -> ObjectiveValue {
        var value = ObjectiveValue.zero(count: pass.logProbs.count)
        guard let states = pass.hidden[layer], let base = pass.base?.hidden[layer] else { return value }
        let width = penalty.rows.width
        let held =
            scope == .answers
            ? pass.pass.batch.predictors : (0..<states.count / width).map { Int32($0) }
        let result = penalty.evaluate(
            LatentPenalty.gather(states, rows: held, width: width),
            base: LatentPenalty.gather(base, rows: held, width: width),
            wantsGradient: true
        )
        let factor = weight / Double(max(pass.batchTokens, 1))
        value.loss = factor * result.sum
        var gradient = [Float](repeating: 0, count: states.count)
        for (place, row) in held.enumerated() {
            for column in 0..<width {
                gradient[Int(row) * width + column] += Float(factor) * result.gradient[place * width + column]
            }
        }
        value.hidden[layer] = gradient
        sum += result.sum
        moved += result.moved
        tokens += pass.pass.batch.predictors.count
        return value
    }

    /// By layer: `blocking/penalty/…`, the mean penalty without λ, and `blocking/moved/…`, the share of latents that moved
    /// the wrong way.
    package var metrics: [String: Double] {
        let count = Double(max(tokens, 1))
        return [
            "blocking/penalty/layer\(layer)": sum / count,
            "blocking/moved/layer\(layer)": Double(moved) / count / Double(penalty.rows.count),
        ]
    }
}
