package import Contract
package import Models

/// The divergence from the base model over the whole vocabulary, at every token that is learnt from:
///
///     loss = w (1/M) Σ_t KL(π(· | y_<t) ‖ π_base(· | y_<t))
///
/// with M the response tokens of the batch. Exact at each position, unlike the estimate from sampled tokens of
/// `ReferenceKLTerm`, so it also holds a model near its base on answers that it did not sample itself (`sft`).
package struct KLToBaseTerm: AddedTerm {
    package static let name = "klToBase"

    /// The settings behind `klToBase`.
    package struct Settings: TrainerSettings {
        /// w, the weight of the term.
        package var weight = 0.1

        /// The defaults.
        package init() {}

        /// Checks the range.
        package func validate() throws(SettingsFault) {
            try SettingsFault.require(
                (1e-12...1e6).contains(weight),
                "weight",
                "found \(weight), expected 1e-12 … 1e6"
            )
        }
    }

    private let weight: Double
    private var sum = 0.0
    private var tokens = 0

    init(_ settings: Settings, run: RunContext, task: LanguageTask) { weight = settings.weight }

    /// Makes the term with a weight.
    package init(weight: Double) { self.weight = weight }

    /// The divergence.
    package var needs: PassNeeds {
        var needs = PassNeeds()
        needs.divergence = true
        return needs
    }

    /// w times the mean divergence.
    package mutating func evaluate(_ pass: ForwardPass) -> ObjectiveValue {
        var value = ObjectiveValue.zero(count: pass.logProbs.count)
        guard let divergence = pass.divergence else { return value }
        let factor = weight / Double(max(pass.batchTokens, 1))
        let total = divergence.reduce(0.0) { $0 + Double($1) }
        value.loss = factor * total
        value.divergence = Array(repeating: Float(factor), count: divergence.count)
        sum += total
        tokens += divergence.count
        return value
    }

    /// `objective/klToBase`: the mean divergence, without w.
    package var metrics: [String: Double] { ["objective/klToBase": mean] }

    /// The mean divergence so far, without w.
    var mean: Double { sum / Double(max(tokens, 1)) }
}
