package import Models
internal import Tensors

/// Finds the latents that cause misalignment, in three stages (BLOCK-EM, section 2.1): the activation
/// difference of base and misaligned model, a causal screen by steering both ways, and strengths calibrated
/// under a budget of incoherence.
///
/// A latent with sign s is steered with ± s · strength · c · d̂ at every position, with c the median length
/// of a state and d̂ the latent's direction: + in the base model is to induce misalignment, − in the
/// misaligned model to repair it. Of the strengths whose answers stay within the budget that with the best
/// effect counts, separately in both directions: the authors have both this and the strongest coherent one;
/// this is never worse, and effects need not grow with strength.
package struct FeatureDiscovery {
    /// What is being done, for whoever waits.
    package enum Progress: Sendable, Equatable {
        /// Latents screened so far.
        case screened(Int, of: Int)
        /// Latents calibrated so far.
        case calibrated(Int, of: Int)
    }

    /// The base model.
    package let base: ProbedModel
    /// The misaligned model.
    package let misaligned: ProbedModel
    /// Whose latents are looked at.
    package let autoencoder: SparseAutoencoder
    /// How.
    package let settings: DiscoverySettings

    /// Prepares a search.
    ///
    /// - Throws: `SettingsFault`; `FeatureFault` where the autoencoder does not fit the models.
    package init(
        base: ProbedModel,
        misaligned: ProbedModel,
        autoencoder: SparseAutoencoder,
        settings: DiscoverySettings = DiscoverySettings()
    ) throws {
        try settings.validate()
        for model in [base, misaligned] {
            let shape = model.decoder.configuration
            try autoencoder.check(
                model: autoencoder.model,
                width: shape.hiddenSize,
                layerCount: shape.layerCount
            )
        }
        self.base = base
        self.misaligned = misaligned
        self.autoencoder = autoencoder
        self.settings = settings
    }

    /// Runs all three stages.
    ///
    /// - Parameters:
    ///   - texts: What stage 1 reads with both models.
    ///   - probe: What tells behaviour; its prompts should not be those of a final evaluation.
    ///   - excluded: Latents that are left out, such as an older K when it is refreshed.
    ///   - progress: Told after each latent.
    /// - Returns: Every candidate with every score, the best first.
    package func run(
        texts: [ActivationText],
        probe: some BehaviourProbe,
        excluding excluded: Set<Int> = [],
        progress: (Progress) throws -> Void = { _ in }
    ) throws -> FeatureSet {
        let shifts = try LatentShifts(
            base: base,
            misaligned: misaligned,
            autoencoder: autoencoder,
            texts: texts,
            tokensPerPass: settings.tokensPerPass
        )
        return try run(shifts: shifts, probe: probe, excluding: excluded, progress: progress)
    }

    /// Runs stages 2 and 3 on shifts that are known.
    package func run(
        shifts: LatentShifts,
        probe: some BehaviourProbe,
        excluding excluded: Set<Int> = [],
        progress: (Progress) throws -> Void = { _ in }
    ) throws -> FeatureSet {
        let unsteered = FeatureSet.Baselines(
            base: try measure(base, probe),
            misaligned: try measure(misaligned, probe)
        )
        let budget = FeatureSet.Budget(
            induce: max(settings.incoherenceMax, unsteered.base.incoherent + settings.incoherenceMargin),
            repair: max(settings.incoherenceMax, unsteered.misaligned.incoherent + settings.incoherenceMargin)
        )
        var latents = candidates(shifts, excluded)
        guard !latents.isEmpty else {
            throw FeatureFault(
                "",
                "no latent's activation differs between the two models at layer \(autoencoder.layer)"
            )
        }
        let scale = shifts.steeringScale
        let induce = try probe.steering(base, at: autoencoder.layer)
        let repair = try probe.steering(misaligned, at: autoencoder.layer)
        for index in latents.indices {
            let latent = latents[index]
            let induced = try induce(vector(latent, settings.screenInduce * scale))
            let repaired = try repair(vector(latent, -settings.screenRepair * scale))
            latents[index].screen = FeatureSet.Screen(
                induced: induced,
                repaired: repaired,
                score: induced.misaligned - unsteered.base.misaligned + unsteered.misaligned.misaligned
                    - repaired.misaligned
            )
            try progress(.screened(index + 1, of: latents.count))
        }
        let short = shortList(latents)
        for (place, index) in short.enumerated() {
            let effects = try settings.strengths.map { strength in
                FeatureSet.Effect(
                    strength: strength,
                    induced: try induce(vector(latents[index], strength * scale)),
                    repaired: try repair(vector(latents[index], -strength * scale))
                )
            }
            latents[index].calibration = FeatureSet.Calibration(
                effects: effects,
                baselines: unsteered,
                budget: budget,
                gainMin: settings.gainMin
            )
            try progress(.calibrated(place + 1, of: short.count))
        }
        return FeatureSet(
            autoencoder: autoencoder,
            shifts: shifts,
            settings: settings,
            baselines: unsteered,
            budget: budget,
            latents: latents
        )
    }

    /// Stage 1's choice: the largest and the most negative changes.
    private func candidates(_ shifts: LatentShifts, _ excluded: Set<Int>) -> [FeatureSet.Latent] {
        let order = (0..<shifts.count).filter { !excluded.contains($0) && shifts[$0] != 0 }
            .sorted { (-shifts[$0], $0) < (-shifts[$1], $1) }
        let raised = order.filter { shifts[$0] > 0 }.prefix(settings.candidatesPerSign)
        let lowered = order.reversed().filter { shifts[$0] < 0 }.prefix(settings.candidatesPerSign)
        return (raised + lowered).map {
            FeatureSet.Latent(index: $0, sign: shifts.sign($0), shift: Double(shifts[$0]))
        }
    }

    /// Stage 2's choice: the places of the best of each sign.
    private func shortList(_ latents: [FeatureSet.Latent]) -> [Int] {
        [1, -1].flatMap { sign in
            latents.indices.filter { latents[$0].sign == sign }
                .sorted {
                    (-latents[$0].screenScore, latents[$0].index) < (
                        -latents[$1].screenScore, latents[$1].index
                    )
                }
                .prefix(settings.shortListPerSign)
        }
    }

    private func measure(_ model: ProbedModel, _ probe: some BehaviourProbe) throws -> BehaviourShares {
        try probe.measure(model.decoder, withAdapter: model.withAdapter, edit: nil)
    }

    /// A latent's direction times its sign and a length.
    private func vector(_ latent: FeatureSet.Latent, _ length: Double) -> Tensor {
        let width = autoencoder.width
        let factor = Float(Double(latent.sign) * length)
        let direction = autoencoder.decoder[latent.index * width..<(latent.index + 1) * width]
        return Tensor(shape: [width], values: direction.map { factor * $0 })
    }
}
