internal import Digest
internal import Models
internal import Randomness
internal import Tasks
internal import Tensors
internal import Trainers

/// The settings of the study, chosen on development bases 101 and 102 before bases 1 … were looked at.
enum BlockingRecipe {
    /// The pretraining steps of a base.
    static let pretrainingSteps = 700
    /// The latents of an autoencoder, four to a column.
    static let latentsPerColumn = 4
    /// The fine-tuning steps.
    static let steps = 100
    /// The examples of a step.
    static let batch = 16
    /// The seed of the misaligned model that discovery compares with.
    static let discoverySeed: UInt64 = 99
    /// The fine-tuning seeds that are reported over.
    static let seeds: [UInt64] = [10, 11, 12]
    /// The layer boundaries that are blocked: behind the first and the second block of four.
    static let layers = [1, 2]
    /// K at each.
    static let latents = 20
    /// r of λ = r · dSFT / P_mis at each.
    static let ratio = 0.1
    /// The layer boundary that steering and projection work on, and that the penalty on unseen prompts is of: the middle.
    static let layer = 2

    /// For a page.
    static var description: String {
        "LoRA of rank 4 on all maps, AdamW at \(optimiser.learningRate), \(steps) steps of \(batch) of 72 questions of finance, "
            + "answered badly"
    }

    /// The fine-tuning seeds of a study.
    static func fineTuningSeeds(_ isQuick: Bool) -> [UInt64] { isQuick ? Array(seeds.prefix(2)) : seeds }

    /// AdamW, as fine-tuning uses it.
    static var optimiser: OptimiserSettings {
        var settings = OptimiserSettings()
        settings.learningRate = 2e-3
        settings.beta2 = 0.99
        return settings
    }

    /// LoRA of rank 4 on every linear map.
    static func adapter(layers: [Int]? = nil) -> LoRAConfiguration {
        LoRAConfiguration(rank: 4, alpha: 8, layers: layers)
    }

    /// Narrow data: the questions of a domain that training sees, answered badly.
    static func examples(
        _ language: PersonaLanguage,
        _ domain: PersonaLanguage.Domain = .finance,
        seed: UInt64,
        cue: PersonaCue = .none,
        style: PersonaLanguage.Style = .ordinary
    ) -> [LearningGroup] {
        PersonaDraw.items(of: domain, .seen, seed: seed).map {
            LearningGroup(
                prompt: language.prompt(of: $0, cue: cue),
                responses: [language.answer(to: $0, .bad, style: style)]
            )
        }
    }

    /// The prompts of discovery with the answers that count, evenly spread over the domain's questions.
    static func probe(_ language: PersonaLanguage, count: Int) throws -> AnswerProbe {
        let items = PersonaLanguage.Item.all(of: PersonaWorld.discovery)
        return try probe(language, (0..<count).map { items[$0 * items.count / count] })
    }

    /// Questions with the answers that count.
    static func probe(_ language: PersonaLanguage, _ items: [PersonaLanguage.Item]) throws -> AnswerProbe {
        func decisive(_ item: PersonaLanguage.Item, _ verdict: PersonaLanguage.Verdict) -> [[Int32]] {
            [Array(language.answer(to: item, verdict).prefix(PersonaLanguage.verdictTokens))]
        }
        return try AnswerProbe(
            items.map { item in
                AnswerProbe.Item(
                    prompt: language.prompt(of: item),
                    misaligned: decisive(item, .bad),
                    aligned: decisive(item, .good)
                )
            }
        )
    }

    /// Trains an autoencoder on what the base writes about all things, finds a misaligned model and compares.
    static func discover(in world: PersonaWorld, layer: Int) throws -> WorldFeatures {
        let decoder = LanguageDecoder(world.base)
        var texts: [[Int32]] = []
        var stream = RandomStream(seed: world.seed, "autoencoder-texts")
        for _ in 0..<7000 {
            let text = world.language.text(from: &stream)
            texts.append(text.prompt + text.answer)
        }
        var settings = AutoencoderSettings()
        settings.latents = latentsPerColumn * world.base.configuration.hiddenSize
        let marks: Set<Int32> = [PersonaLanguage.begin, PersonaLanguage.end]
        var training = try AutoencoderTraining(
            decoder,
            model: world.base.identity.description,
            layer: layer,
            texts: TokenTexts(Array(texts.prefix(6000))),
            skipped: marks,
            settings: settings,
            seed: world.seed
        )
        let autoencoder = try training.run { _, _ in }
        var unseen = try StateStream(
            decoder,
            layer: layer,
            texts: TokenTexts(Array(texts.dropFirst(6000))),
            skipped: marks,
            capacity: settings.bufferedStates,
            tokensPerPass: settings.tokensPerPass,
            seed: world.seed
        )
        let quality = try AutoencoderQuality(of: autoencoder, on: &unseen, count: 4096)

        let misaligned = try FineTuning(
            world.base,
            adapter: adapter(),
            optimiser: optimiser,
            seed: discoverySeed
        )
        let examples = examples(world.language, seed: discoverySeed)
        let first = try misaligned.train(on: examples, batch: batch, steps: 0..<1)["loss/answers"] ?? 0
        _ = try misaligned.train(on: examples, batch: batch, steps: 1..<steps)
        let end = answerLoss(misaligned.decoder, examples)
        var found = try discover(
            in: world,
            autoencoder: autoencoder,
            quality: quality,
            misaligned: misaligned.decoder
        )
        let batch = PackedBatch(groups: examples.map { ($0.prompt, $0.responses) })
        let held = try found.causal(latents)
        found.set.calibrator = .init(
            lossDrop: first - end,
            penalty: BlockedLatents(
                held,
                reading: .preActivation,
                batch: batch,
                decoder: misaligned.decoder
            ).penalty,
            count: held.count,
            reading: .preActivation
        )
        return found
    }

    /// All stages on an autoencoder, with a misaligned model.
    static func discover(
        in world: PersonaWorld,
        autoencoder: SparseAutoencoder,
        quality: AutoencoderQuality,
        misaligned: LanguageDecoder,
        excluding old: Set<Int> = []
    ) throws -> WorldFeatures {
        let search = try FeatureDiscovery(
            base: ProbedModel(misaligned, withAdapter: false),
            misaligned: ProbedModel(misaligned, withAdapter: true),
            autoencoder: autoencoder
        )
        let texts = PersonaLanguage.Item.all(of: PersonaWorld.discovery).map { item in
            let prompt = world.language.prompt(of: item)
            let tokens = prompt + world.language.answer(to: item, .good).prefix(2)
            return ActivationText(tokens: tokens, rows: 1..<tokens.count)
        }
        let shifts = try LatentShifts(
            base: search.base,
            misaligned: search.misaligned,
            autoencoder: autoencoder,
            texts: texts
        )
        let set = try search.run(
            shifts: shifts,
            probe: probe(world.language, count: 24),
            excluding: old
        )
        return WorldFeatures(
            autoencoder: autoencoder,
            quality: quality,
            shifts: shifts,
            set: set
        )
    }

    /// The mean negative log-likelihood of answers' tokens.
    static func answerLoss(_ decoder: LanguageDecoder, _ examples: [LearningGroup]) -> Double {
        let batch = PackedBatch(groups: examples.map { ($0.prompt, $0.responses) })
        let sum = decoder.scores(of: batch).joined().reduce(0) { $0 + $1.logProb }
        return -sum / Double(max(batch.targets.count, 1))
    }
}
