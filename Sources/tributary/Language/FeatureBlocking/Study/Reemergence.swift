internal import Glibc
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
        /// The share of the 40 latents outside K that moved most, which plain training moves most too.
        var overlap = 0.0

        /// The mean of each figure.
        static func mean(of points: [Point]) -> Point {
            var result = Point()
            let parts: [WritableKeyPath<Point, Double>] = [
                \.misaligned, \.incoherent, \.adherence, \.trainingPenalty, \.unseenPenalty, \.overlap,
            ]
            for part in parts { result[keyPath: part] = points.map { $0[keyPath: part] }.mean ?? .nan }
            return result
        }
    }

    /// EM after putting states of one model into the other, by layer boundary.
    struct Patches: Sendable {
        /// The base's states into the fine-tuned model, at every token: decode-time patching on the same context.
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
    private let answers: PackedBatch

    /// How many latents are compared for rerouting.
    private static let movedMost = 40

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
        answers = PackedBatch(
            groups: items.map {
                (
                    language.prompt(of: $0),
                    [Array(language.answer(to: $0, .bad).prefix(PersonaLanguage.verdictTokens))]
                )
            }
        )
    }

    /// The layers that there are latents of.
    var layers: [Int] { context.features.keys.sorted() }

    /// Trains to the end and measures on the way.
    ///
    /// - Parameters:
    ///   - layer: The layer that the arm's K is in; plain training is measured by the same.
    ///   - rows: K, where it is not the arm's usual one.
    ///   - shiftLayers: Where latents' shifts are wanted.
    ///   - plain: Shifts of plain training by layer and length; nil for plain training itself.
    func follow(
        _ arm: FineTuningArm,
        layer: Int,
        rows: LatentRows? = nil,
        shiftLayers: [Int],
        plain: [Int: [LatentShifts]]?
    ) throws -> (tuning: FineTuning, points: [Point], shifts: [Int: [LatentShifts]]) {
        let rows = try rows ?? held(layer)
        var (points, shifts): ([Point], [Int: [LatentShifts]]) = ([], [:])
        let steps = lengths.map { Int((Double(BlockingRecipe.steps) * $0).rounded()) }
        var arm = arm
        arm.steps = steps[0]
        let tuning = try arm.train(context)
        for (place, end) in steps.enumerated() {
            if place > 0 {
                _ = try tuning.train(on: examples, batch: BlockingRecipe.batch, steps: steps[place - 1]..<end)
            }
            let outcome = try arm.measure(tuning, context)
            func penalty(_ batch: PackedBatch) -> Double {
                BlockedLatents(rows, reading: .preActivation, batch: batch, decoder: tuning.decoder).penalty
            }
            var point = Point(
                misaligned: outcome.score.misaligned,
                incoherent: outcome.score.incoherent,
                adherence: outcome.adherence.probability,
                trainingPenalty: penalty(training),
                unseenPenalty: penalty(unseen)
            )
            for shiftLayer in shiftLayers {
                shifts[shiftLayer, default: []].append(try self.shifts(tuning.decoder, layer: shiftLayer))
            }
            let other = (plain ?? shifts)[layer]?[place]
            if let own = shifts[layer]?[place], let other {
                let outside = Set(rows.indices)
                let theirs = Set(other.largest(Self.movedMost, excluding: outside))
                let both = own.largest(Self.movedMost, excluding: outside).count { theirs.contains($0) }
                point.overlap = Double(both) / Double(Self.movedMost)
            }
            points.append(point)
        }
        return (tuning, points, shifts)
    }

    /// The K of a layer.
    private func held(_ layer: Int) throws -> LatentRows {
        let isMiddle = layer == BlockingRecipe.middleLayer
        return try context.rows(
            layer,
            isMiddle ? BlockingRecipe.middleLatents : BlockingRecipe.latents,
            .causal(.all)
        )
    }

    /// How far latents moved on the evaluated questions with their good answers.
    private func shifts(_ decoder: LanguageDecoder, layer: Int) throws -> LatentShifts {
        guard let features = context.features[layer] else {
            throw FeatureFault("", "no latents of layer \(layer)")
        }
        let language = context.world.language
        let texts = context.world.evaluation().map { item in
            let prompt = language.prompt(of: item)
            let tokens = prompt + language.answer(to: item, .good).dropLast()
            return ActivationText(tokens: tokens, rows: prompt.count - 1..<tokens.count)
        }
        return try LatentShifts(
            base: ProbedModel(decoder, withAdapter: false),
            misaligned: ProbedModel(decoder, withAdapter: true),
            autoencoder: features.autoencoder,
            texts: texts
        )
    }

    // MARK: - What came back

    /// Looks for latents outside K in a model that was blocked, and trains again with both sets.
    func again(
        _ arm: FineTuningArm,
        layer: Int,
        from tuning: FineTuning,
        most: Int
    ) throws -> (found: Rediscovery, points: [Point]) {
        guard let features = context.features[layer] else {
            throw FeatureFault("", "no latents of layer \(layer)")
        }
        let old = try held(layer)
        let set = try BlockingRecipe.discover(
            in: context.world,
            autoencoder: features.autoencoder,
            quality: features.quality,
            misaligned: tuning.decoder,
            lossDrop: features.lossDrop,
            excluding: Set(old.indices)
        ).set
        var found = Rediscovery(misaligned: set.baselines.misaligned.misaligned, valid: set.validCount)
        found.added = min(most, set.validCount)
        guard found.added > 0 else { return (found, []) }
        if let best = set.latents.first?.calibration { found.best = (best.induceGain, best.repairGain) }
        let both = old.union(try set.rows(count: found.added))
        let weight = context.weights[layer] ?? 0
        var arm = arm
        arm.terms = { _ in [FeatureBlockTerm(both, weight: weight, reading: .preActivation)] }
        return (found, try follow(arm, layer: layer, rows: both, shiftLayers: [], plain: nil).points)
    }

    /// EM with states of one model in the other.
    func patched(_ tuning: FineTuning) -> Patches {
        let decoder = tuning.decoder
        let width = decoder.configuration.hiddenSize
        let prompts = Set(answers.segments.filter { $0.prefix == nil }.flatMap { Array($0.rows) })
        func misaligned(_ scores: [[ResponseScore]]) -> Double {
            scores.map { exp($0[0].logProb) }.mean ?? .nan
        }
        var patches = Patches()
        for layer in 0...decoder.configuration.layerCount {
            let base = RecordedStart(decoder, batch: answers, layer: layer, withAdapter: false)
            let adapted = RecordedStart(decoder, batch: answers, layer: layer, withAdapter: true)
            patches.base.append(misaligned(decoder.scores(of: answers, from: base)))
            patches.adapted.append(
                misaligned(decoder.scores(of: answers, withAdapter: false, from: adapted))
            )
            var mixed = adapted.residual.toArray()
            let values = base.residual.toArray()
            for row in prompts {
                let range = row * width..<(row + 1) * width
                mixed.replaceSubrange(range, with: values[range])
            }
            let residual = Tensor(shape: [answers.tokens.count, width], values: mixed)
            patches.prompt.append(
                misaligned(
                    decoder.scores(of: answers, boundary: { $1 == layer ? residual : $2 }, from: adapted)
                )
            )
        }
        return patches
    }
}
