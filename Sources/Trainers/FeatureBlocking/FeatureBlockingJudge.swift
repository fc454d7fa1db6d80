package import Contract
internal import Models
internal import Tasks

/// The coordinator's half of `featureBlocking`: it asks probe prompts, judges the answers itself, audits every merged model and,
/// where it is told to, looks for more latents to block.
package final class FeatureBlockingJudge: PublicJudge {
    private let settings: FeatureBlockingSettings
    private let run: RunContext
    private let task: LanguageTask
    private let language: LanguageJudge<FeatureBlockingSettings>
    private let blocked: BlockedRows?
    private let audit: FeatureAudit
    private let adherence: LanguageEvaluator?
    private let publicProbe: ProbeQuestions?
    /// What was added to K in a round, so that the steps of a round look once.
    private var added: (round: Int, rows: LatentRows)?

    /// The share of held-out prompts answered misaligned.
    static let measure = Measure(
        key: "misaligned",
        name: "misaligned answers",
        unit: .fraction,
        higherIsBetter: false,
        meaning: "the share of held-out prompts that are answered coherently and misaligned",
        slice: "topic"
    )

    /// Counts the public and the held-out questions.
    ///
    /// - Throws: `ConfigurationError`, `SettingsFault`.
    package static func examine(
        _ settings: FeatureBlockingSettings,
        _ coordinator: CoordinatorContext
    ) throws -> [String] {
        try LanguageJudge<FeatureBlockingSettings>.examine(settings, coordinator)
    }

    /// The prompts of the public and the held-out questions.
    package static func itemTexts(
        _ settings: FeatureBlockingSettings,
        _ coordinator: CoordinatorContext
    ) throws -> JudgedTexts {
        try LanguageJudge<FeatureBlockingSettings>.itemTexts(settings, coordinator)
    }

    /// Loads the model, the features and the questions.
    ///
    /// - Throws: `QuestionFault` for a probe question of which no misaligned answer is known; `SettingsFault` for a refresh
    ///   without an autoencoder.
    package init(settings: FeatureBlockingSettings, context: CoordinatorContext) throws {
        self.settings = settings
        run = context.run
        language = try LanguageJudge(settings: settings, context: context)
        task = try LanguageTask(context.run, settings: settings)
        blocked = try BlockedRows(settings, context.run, task.base)
        audit = try FeatureAudit(
            task: task,
            questions: LanguageData.heldOutQuestions(context),
            set: "held-out",
            blocked: blocked,
            autoencoder: blocked?.autoencoder,
            seed: context.run.seed
        )
        adherence = try settings.task.map { [task] source in
            try LanguageEvaluator(
                task: task,
                settings: settings.evaluation,
                tokensPerPass: settings.tokensPerPass,
                questions: source.resolvingPath(context.run.absolutePath).questions(
                    for: .heldOut,
                    seed: context.run.seed
                ),
                seed: context.run.seed
            )
        }
        let isAsked = context.run.schedule.publicStepsPerRound > 0
        let questions = isAsked ? try LanguageData.publicQuestions(context) : []
        publicProbe = isAsked ? try ProbeQuestions(questions, task: task, set: "public") : nil
        if settings.refresh != nil {
            try SettingsFault.require(
                blocked?.autoencoder != nil && isAsked && FeatureBlockTerm.isIn(run),
                "refresh",
                "needs blockFeatures in objectives, an autoencoder in the folder of its features, and public steps"
            )
        }
    }

    /// A uniform in ±1/√in from the federation's seed, B zero.
    package func initialAdapter() throws -> AdapterWeights { try language.initialAdapter() }

    /// The next prompts of a walk over the public set in shuffled epochs.
    package func batch(round: Int, step: Int) throws -> PublicBatch {
        try language.batch(round: round, step: step)
    }

    /// 1 for the aligned answer, else 0: every other one is misaligned or makes no sense. What a client says of its latents changes nothing.
    ///
    /// - Throws: `ResponseFault` for a response that is too long or not in the encoding.
    package func score(_ responses: [[Response]], to batch: PublicBatch, from sender: Sender) throws
        -> [[Double]]
    {
        let plain = try responses.map { group in
            try group.map { response in
                var response = response
                response.payload = try read(response).bytes
                return response
            }
        }
        return try language.score(plain, to: batch, from: sender)
    }

    private var latentsMax: Int { (blocked?.rows.count ?? 0) + (settings.refresh?.latents ?? 0) }

    private func read(_ response: Response) throws(ResponseFault) -> (bytes: [UInt8], figures: [Float]) {
        do {
            let found = try FeaturePayload.decode(
                response.payload,
                vocabulary: task.base.configuration.vocabularySize,
                limit: settings.maxTokens,
                latentsMax: latentsMax
            )
            return (TokenPayload.encode(found.tokens), found.figures)
        } catch {
            if let length = error.tooLong {
                throw .tooLong(
                    item: response.itemID,
                    index: response.index,
                    length: length,
                    limit: settings.maxTokens
                )
            }
            throw .malformed(item: response.itemID, index: response.index, reason: error.reason)
        }
    }

    /// 1: the response is aligned and coherent.
    package var acceptedScore: Double { LanguageTask.correct }

    /// The pool rule's swaps, and what K is from now on.
    package func combine(_ step: ScoredStep) throws -> Combination {
        var penalties: [Double] = []
        for client in step.clients {
            for response in try step.responses(of: client.name).joined() {
                if let penalty = try read(response).figures.last { penalties.append(Double(penalty)) }
            }
        }
        var metrics: [String: Double] = [:]
        if !penalties.isEmpty {
            metrics["blocking/penalty_by_clients"] = penalties.reduce(0, +) / Double(penalties.count)
        }
        guard let refresh = settings.refresh else { return .swap(metrics: metrics) }
        let rows = try refreshed(refresh, round: step.batch.round, adapter: step.merged())
        metrics["blocking/refreshed"] = Double(rows.count)
        return .swap(merged: LatentPayload.encode(rows), metrics: metrics)
    }

    /// The latents to add to K in a round: a function of the adapter that the round began with, so that a coordinator that comes
    /// back finds the same ones.
    private func refreshed(
        _ refresh: RefreshSettings,
        round: Int,
        adapter weights: AdapterWeights
    ) throws -> LatentRows {
        if let added, added.round == round { return added.rows }
        guard let blocked, let autoencoder = blocked.autoencoder, let probe = publicProbe else {
            preconditionFailure("a refresh without features has been refused")
        }
        let adapter = try Adapter(for: task.base, task.adapter, seed: run.seed)
        try adapter.load(weights)
        let decoder = LanguageDecoder(task.base, adapter: adapter)
        var rows = blocked.rows.picking([])
        let shares = probe.measure(decoder, withAdapter: true, edit: nil)
        if shares.misaligned > refresh.above {
            // What was rerouted moves on answers (our notes, section 5).
            let texts = decoder.greedyAnswers(to: probe.prompts, maxTokens: task.maxTokens, eos: task.eos)
                .map { ActivationText(answering: $0.prompt, $0.responses[0]) }
            let search = try FeatureDiscovery(
                base: ProbedModel(decoder, withAdapter: false),
                misaligned: ProbedModel(decoder, withAdapter: true),
                autoencoder: autoencoder,
                settings: blocked.set.settings
            )
            let set = try search.run(texts: texts, probe: probe, excluding: Set(blocked.rows.indices))
            let count = min(refresh.latents, set.validCount)
            if count > 0 { rows = try set.rows(count: count) }
        }
        added = (round, rows)
        return rows
    }

    /// The share of held-out prompts answered misaligned, by topic, with the audit's other figures and the adherence.
    package func evaluate(_ adapter: AdapterWeights, round: Int) throws -> Evaluation {
        let result = try audit.examine(adapter)
        var metrics = result.metrics
        metrics["misaligned"] = nil
        if let adherence {
            let kept = try adherence.evaluate(adapter, round: round)
            metrics["adherence"] = kept.value
            for slice in kept.slices { metrics["adherence/\(slice.name)"] = slice.value }
        }
        return Evaluation(
            Self.measure,
            meanOf: result.byTopic.map { topic in
                SliceEvaluation(
                    name: topic.name,
                    items: topic.shares.count,
                    value: topic.shares.misaligned,
                    metrics: ["incoherent": topic.shares.incoherent]
                )
            },
            metrics: metrics,
            figures: [result.figure]
        )
    }
}
