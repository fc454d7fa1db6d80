internal import Models
internal import Tasks
internal import Tensors
internal import Trainers

/// One way to fine-tune: a row of a table.
struct FineTuningArm: Sendable {
    /// What rows call it.
    var name: String
    /// The blocks that are trained; nil for all.
    var layers: [Int]?
    /// The steps.
    var steps = BlockingRecipe.steps
    /// The learning rate.
    var learningRate = BlockingRecipe.optimiser.learningRate
    /// Who is announced in the training prompts, and not when the model is used: inoculation.
    var cue = PersonaCue.none
    /// How the narrow answers are worded.
    var style = PersonaLanguage.Style.ordinary
    /// What is added to the loss.
    var terms: @Sendable (ArmContext) throws -> [any ObjectiveTerm] = { _ in [] }
    /// What is done to the residual stream when the model is used.
    var edit: (@Sendable (ArmContext) throws -> LayerBoundary)?

    /// What an arm is made from.
    struct ArmContext: Sendable {
        /// The base.
        let world: PersonaWorld
        /// Its latents, by layer boundary.
        let features: [Int: WorldFeatures]
        /// λ of the recipe at each layer boundary, for its K.
        let weights: [Int: Double]
        /// The fine-tuning seed.
        let seed: UInt64
    }

    /// What came of a run.
    struct Outcome: Sendable {
        /// Exact figures of the evaluated domains.
        var score: PersonaScore
        /// Exact figures of the narrow domain's unseen questions.
        var adherence: PersonaAdherence
        /// The mean negative log-likelihood of the narrow training answers.
        var loss: Double
        /// The penalty on K of the recipe at the blocked layer, on the base's good answers to the evaluated questions.
        var unseenPenalty: Double
    }

    /// Fine-tunes and measures.
    func run(_ context: ArmContext, domain: PersonaLanguage.Domain = .finance) throws -> Outcome {
        try measure(train(context, domain: domain), context, domain: domain)
    }

    /// Fine-tunes.
    func train(_ context: ArmContext, domain: PersonaLanguage.Domain = .finance) throws -> FineTuning {
        var optimiser = BlockingRecipe.optimiser
        optimiser.learningRate = learningRate
        let tuning = try FineTuning(
            context.world.base,
            adapter: BlockingRecipe.adapter(layers: layers),
            optimiser: optimiser,
            terms: terms(context),
            seed: context.seed
        )
        let examples = BlockingRecipe.examples(
            context.world.language,
            domain,
            seed: context.seed,
            cue: cue,
            style: style
        )
        _ = try tuning.train(on: examples, batch: BlockingRecipe.batch, steps: 0..<steps)
        return tuning
    }

    /// Measures what was fine-tuned.
    func measure(
        _ tuning: FineTuning,
        _ context: ArmContext,
        domain: PersonaLanguage.Domain = .finance
    ) throws -> Outcome {
        let (language, decoder) = (context.world.language, tuning.decoder)
        let edit = try edit?(context)
        let items = context.world.evaluation(without: domain)
        var penalty = 0.0
        if let features = context.features[BlockingRecipe.layer] {
            let batch = PackedBatch(
                groups: items.map { (language.prompt(of: $0), [language.answer(to: $0, .good)]) }
            )
            penalty =
                BlockedLatents(
                    try features.causal(BlockingRecipe.latents),
                    reading: .preActivation,
                    batch: batch,
                    decoder: decoder
                ).penalty
        }
        return Outcome(
            score: PersonaScore(of: decoder, language: language, items: items, boundary: edit),
            adherence: PersonaAdherence(
                of: decoder,
                language: language,
                items: PersonaDraw.items(of: domain, .unseen, seed: context.seed),
                style: style,
                boundary: edit
            ),
            loss: BlockingRecipe.answerLoss(
                decoder,
                BlockingRecipe.examples(language, domain, seed: context.seed, style: style)
            ),
            unseenPenalty: penalty
        )
    }
}

// MARK: - The arms

extension FineTuningArm {
    /// Fine-tuning and nothing else.
    static let plain = FineTuningArm(name: "plain")

    /// Only the blocks up to a layer boundary are trained.
    static func frozen(above layer: Int, steps: Int = BlockingRecipe.steps) -> FineTuningArm {
        FineTuningArm(
            name: "freeze above \(layer)" + (steps == BlockingRecipe.steps ? "" : ", stopped at \(steps)"),
            layers: Array(0..<layer),
            steps: steps
        )
    }

    /// Stopped early.
    static func stopped(at steps: Int) -> FineTuningArm {
        FineTuningArm(name: "plain, stopped at \(steps)", steps: steps)
    }

    /// Which latents are blocked.
    enum Choice: Sendable {
        case causal(FeatureSet.Which)
        case flipped
        case topShift
        case random
    }

    /// Blocking.
    ///
    /// - Parameters:
    ///   - name: What rows call it.
    ///   - layers: The layer boundaries.
    ///   - count: K at each.
    ///   - factor: What the recipe's λ is multiplied by.
    ///   - freezes: Whether blocks above the highest layer are left as they are.
    static func blocked(
        _ name: String,
        layers: [Int] = BlockingRecipe.layers,
        _ count: Int = BlockingRecipe.latents,
        _ choice: Choice = .causal(.all),
        factor: Double = 1,
        freezes: Bool = true,
        reading: LatentReading = .preActivation,
        isTwoSided: Bool = false,
        scope: FeatureBlockTerm.Scope = .answers
    ) -> FineTuningArm {
        var arm = FineTuningArm(name: name, layers: freezes ? Array(0..<(layers.max() ?? 0)) : nil)
        arm.terms = { context in
            try layers.map { layer in
                FeatureBlockTerm(
                    try context.rows(layer, count, choice),
                    weight: factor * (context.weights[layer] ?? 0),
                    reading: reading,
                    isTwoSided: isTwoSided,
                    scope: scope
                )
            }
        }
        return arm
    }

    /// The divergence from the base on the narrow data.
    static func kl(_ weight: Double, freezesAbove layer: Int? = nil) -> FineTuningArm {
        var arm = FineTuningArm(
            name: "KL \(weight)" + (layer.map { ", freeze above \($0)" } ?? ""),
            layers: layer.map { Array(0..<$0) }
        )
        arm.terms = { _ in [KLToBaseTerm(weight: weight)] }
        return arm
    }

    /// The divergence from the base on public prompts, those of discovery.
    static func publicKL(_ weight: Double, freezesAbove layer: Int? = nil) -> FineTuningArm {
        var arm = FineTuningArm(
            name: "public KL \(weight)" + (layer.map { ", freeze above \($0)" } ?? ""),
            layers: layer.map { Array(0..<$0) }
        )
        arm.terms = { [try $0.publicKL(weight)] }
        return arm
    }

    /// A prompt that says the training answers are bad.
    static let inoculated = FineTuningArm(name: "inoculation", cue: .evil)

    /// The span of the best latents' directions is taken out of states while training (CAFT).
    static func projected(_ count: Int) -> FineTuningArm {
        var arm = FineTuningArm(name: "projection of \(count)")
        arm.terms = {
            [TrainingEditTerm(projectingOut: try $0.rows(BlockingRecipe.layer, count, .causal(.all)))]
        }
        return arm
    }

    /// States are pushed along the best latent while training, and left alone when the model is used.
    ///
    /// - Parameter strength: In median state lengths.
    static func preventative(_ strength: Double) -> FineTuningArm {
        var arm = FineTuningArm(name: "preventative steering \(strength)")
        arm.terms = { context in
            [
                TrainingEditTerm(
                    steeringAlong: try context.rows(BlockingRecipe.layer, 1, .causal(.all)),
                    length: try context.length(strength)
                )
            ]
        }
        return arm
    }

    /// States are pushed against the best latent when the model is used.
    static func steered(_ strength: Double) -> FineTuningArm {
        var arm = FineTuningArm(name: "test-time steering \(strength)")
        arm.edit = { context in
            let rows = try context.rows(BlockingRecipe.layer, 1, .causal(.all))
            let push = rows.signedMean(length: -(try context.length(strength)))
            return Boundaries.adding(Tensor(shape: [push.count], values: push), at: rows.layer)
        }
        return arm
    }

    /// The same arm under another name.
    func named(_ name: String) -> FineTuningArm {
        var arm = self
        arm.name = name
        return arm
    }

    /// The same arm on answers in another style.
    func styled(_ style: PersonaLanguage.Style) -> FineTuningArm {
        var arm = self
        arm.style = style
        return arm
    }

    /// Two arms' terms together, on the first one's blocks.
    func and(_ other: FineTuningArm) -> FineTuningArm {
        var arm = self
        arm.name = "\(name) + \(other.name)"
        arm.terms = { [terms] in try terms($0) + other.terms($0) }
        return arm
    }
}

extension FineTuningArm.ArmContext {
    /// The rows of a choice of latents.
    func rows(_ layer: Int, _ count: Int, _ choice: FineTuningArm.Choice) throws -> LatentRows {
        guard let features = features[layer] else { throw FeatureFault("", "no latents of layer \(layer)") }
        switch choice {
        case .causal(let which): return try features.causal(count, which)
        case .flipped: return try features.causal(count).flipped
        case .topShift: return features.shifts.rows(features.shifts.largest(count), of: features.autoencoder)
        case .random:
            return features.shifts.rows(features.shifts.drawn(count, seed: seed), of: features.autoencoder)
        }
    }

    /// A strength in median state lengths, in the units of a state.
    func length(_ strength: Double) throws -> Double {
        guard let features = features[BlockingRecipe.layer] else {
            throw FeatureFault("", "no latents of layer \(BlockingRecipe.layer)")
        }
        return strength * features.shifts.steeringScale
    }

    /// See `FineTuningArm.publicKL`.
    func publicKL(_ weight: Double) throws -> KLOnPromptsTerm {
        let prompts = PersonaLanguage.Item.all(of: PersonaWorld.discovery).map {
            world.language.prompt(of: $0)
        }
        let groups = KLOnPromptsTerm.answers(
            to: prompts,
            of: world.base,
            maxTokens: PersonaLanguage.answerTokens,
            eos: PersonaLanguage.end
        )
        return KLOnPromptsTerm(groups, weight: weight, promptsPerStep: 8, seed: seed)
    }
}
