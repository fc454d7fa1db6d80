internal import Models
internal import Report
internal import Tasks
internal import Tensors
internal import Trainers

/// Follows a long fine-tuning on one base with one seed, and looks for what came back.
struct Reemergence {
    /// What is measured on the way.
    struct Point: Sendable {
        /// EM, all answers counted.
        var misaligned = 0.0
        /// Answers that are neither.
        var incoherent = 0.0
        /// Of the narrow domain's unseen questions.
        var adherence = 0.0
        /// The penalty, without λ, on the narrow training answers.
        var trainingPenalty = 0.0
        /// The penalty on the good answers to the evaluated questions, which nobody trains on.
        var unseenPenalty = 0.0
        /// At the middle layer, the share of the 40 latents outside K that moved most, which plain training
        /// moves most too.
        var overlap = 0.0
    }

    /// EM after putting states of one model into the other, by layer boundary.
    struct Patches: Sendable {
        /// The base's states into the fine-tuned model, at every token: decode-time patching on the same
        /// context.
        var base: [Double] = []
        /// The base's states of the prompt alone: prefill patching.
        var prompt: [Double] = []
        /// The fine-tuned model's states into the base: what reaches a layer, without what is above it.
        var adapted: [Double] = []
    }

    /// What discovery found in a re-emerged model.
    struct Rediscovery: Sendable {
        /// The EM rate on the prompts of discovery.
        var misaligned = 0.0
        /// How many latents outside K are valid.
        var valid = 0
        /// How many were added.
        var added = 0
        /// The best of them: what it induces and repairs.
        var best: (induce: Double, repair: Double)?
    }

    private let context: FineTuningArm.ArmContext
    private let lengths: [Double]
    private let examples: [LearningGroup]
    private let training: PackedBatch
    private let unseen: PackedBatch
    private let probe: AnswerProbe

    /// Prepares to follow.
    ///
    /// - Parameter lengths: When to measure, in fine-tunings of usual length, ascending.
    init(_ context: FineTuningArm.ArmContext, lengths: [Double]) throws {
        self.context = context
        self.lengths = lengths
        let language = context.world.language
        examples = BlockingRecipe.examples(language, seed: context.seed)
        training = PackedBatch(groups: examples.map { ($0.prompt, $0.responses) })
        let items = context.world.evaluation()
        unseen = PackedBatch(
            groups: items.map { (language.prompt(of: $0), [language.answer(to: $0, .good)]) }
        )
        probe = try BlockingRecipe.probe(language, items)
    }

    /// The rows of K, layer by layer.
    func held(_ counts: [Int: Int]) throws -> [LatentRows] {
        try counts.keys.sorted().map { try context.rows($0, counts[$0] ?? 0, .causal(.all)) }
    }

    /// Trains to the end and measures on the way.
    ///
    /// - Parameters:
    ///   - arm: How training is done.
    ///   - held: K, by which penalties are measured.
    ///   - plain: Shifts of plain training by length; none for plain training itself.
    func follow(
        _ arm: FineTuningArm,
        held: [LatentRows],
        plain: [LatentShifts]
    ) throws -> (tuning: FineTuning, points: [Point], shifts: [LatentShifts]) {
        var (points, shifts): ([Point], [LatentShifts]) = ([], [])
        let steps = lengths.map { Int((Double(BlockingRecipe.steps) * $0).rounded()) }
        var arm = arm
        arm.steps = steps[0]
        let tuning = try arm.train(context)
        let outside = Set(held.filter { $0.layer == BlockingRecipe.layer }.flatMap(\.indices))
        for (place, end) in steps.enumerated() {
            if place > 0 {
                _ = try tuning.train(on: examples, batch: BlockingRecipe.batch, steps: steps[place - 1]..<end)
            }
            let outcome = try arm.measure(tuning, context)
            func penalty(_ batch: PackedBatch) -> Double {
                held.reduce(0) { sum, rows in
                    let latents = BlockedLatents(
                        rows,
                        reading: .preActivation,
                        batch: batch,
                        decoder: tuning.decoder
                    )
                    return sum + latents.penalty
                }
            }
            let own = try self.shifts(tuning.decoder)
            let theirs = (plain.isEmpty ? own : plain[place])
                .largest(LatentShifts.comparedMost, excluding: outside)
            shifts.append(own)
            points.append(
                Point(
                    misaligned: outcome.score.misaligned,
                    incoherent: outcome.score.incoherent,
                    adherence: outcome.adherence.probability,
                    trainingPenalty: penalty(training),
                    unseenPenalty: penalty(unseen),
                    overlap: own.overlap(with: theirs, outside: outside) ?? 0
                )
            )
        }
        return (tuning, points, shifts)
    }

    /// The latents of a layer.
    private func features(_ layer: Int) throws -> WorldFeatures {
        guard let features = context.features[layer] else {
            throw FeatureFault("", "no latents of layer \(layer)")
        }
        return features
    }

    /// How far the middle layer's latents moved on the evaluated questions with their good answers.
    private func shifts(_ decoder: LanguageDecoder) throws -> LatentShifts {
        let language = context.world.language
        let texts = context.world.evaluation().map { item in
            let prompt = language.prompt(of: item)
            return ActivationText(answering: prompt, language.answer(to: item, .good))
        }
        return try LatentShifts(
            base: ProbedModel(decoder, withAdapter: false),
            misaligned: ProbedModel(decoder, withAdapter: true),
            autoencoder: features(BlockingRecipe.layer).autoencoder,
            texts: texts
        )
    }

    // MARK: - What came back

    /// Looks for latents outside K in a model that was blocked, and trains again with both sets.
    ///
    /// - Parameters:
    ///   - arm: How it was trained.
    ///   - held: K.
    ///   - tuning: What came of it.
    ///   - most: The most latents that are added at a layer.
    func again(
        _ arm: FineTuningArm,
        held: [LatentRows],
        from tuning: FineTuning,
        most: Int
    ) throws -> (found: Rediscovery, points: [Point]) {
        var found = Rediscovery()
        var both: [LatentRows] = []
        for rows in held {
            let features = try features(rows.layer)
            let set = try BlockingRecipe.discover(
                in: context.world,
                autoencoder: features.autoencoder,
                quality: features.quality,
                misaligned: tuning.decoder,
                excluding: Set(rows.indices)
            ).set
            found.misaligned = set.baselines.misaligned.misaligned
            found.valid += set.validCount
            let count = min(most, set.validCount)
            found.added += count
            both.append(count > 0 ? rows.union(try set.rows(count: count)) : rows)
            guard let best = set.latents.first?.calibration, best.isValid else { continue }
            if best.score > (found.best.map { $0.induce + $0.repair } ?? 0) {
                found.best = (best.induceGain, best.repairGain)
            }
        }
        guard found.added > 0 else { return (found, []) }
        let (weights, joined) = (context.weights, both)
        var arm = arm
        arm.terms = { _ in
            joined.map { FeatureBlockTerm($0, weight: weights[$0.layer] ?? 0, reading: .preActivation) }
        }
        return (found, try follow(arm, held: both, plain: []).points)
    }

    /// EM with states of one model in the other.
    func patched(_ tuning: FineTuning) throws -> Patches {
        let decoder = tuning.decoder
        func misaligned(_ place: ActivationPatching.Place, _ source: ActivationPatching.Source) throws
            -> Double
        {
            try ActivationPatching(place, from: source).measure(probe, decoder).misaligned
        }
        var patches = Patches()
        for layer in 0...decoder.configuration.layerCount {
            // The states before the first block are the same in both models.
            let whole = ActivationPatching.Place.blocks(0..<layer)
            patches.base.append(
                layer > 0
                    ? try misaligned(whole, .base)
                    : probe.measure(decoder, withAdapter: true, edit: nil).misaligned
            )
            patches.prompt.append(try misaligned(.prompt(layer: layer), .base))
            patches.adapted.append(
                layer > 0
                    ? try misaligned(whole, .adapted)
                    : probe.measure(decoder, withAdapter: false, edit: nil).misaligned
            )
        }
        return patches
    }
}
