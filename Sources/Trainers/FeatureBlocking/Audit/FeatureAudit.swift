internal import Contract
internal import Models
internal import Tasks

/// Looks for emergent misalignment in a merged model: what it does on prompts that nobody trained on, and what its blocked
/// latents do in its own answers.
///
/// A satisfied penalty is no evidence of success (our notes, 2.4): behaviour is measured, the penalty is beside it.
final class FeatureAudit {
    /// What was found.
    struct Result {
        /// Over all questions.
        var shares: BehaviourShares
        /// By topic.
        var byTopic: [(name: String, shares: BehaviourShares)]
        /// Of the blocked latents on the model's own greedy answers; nil where there are none.
        var latents: BlockedLatents?
        /// |the latents outside K that moved most ∩ those that a plain run moved most| / their number; nil without an autoencoder.
        var overlap: Double?
    }

    private let task: LanguageTask
    private let adapter: Adapter
    private let decoder: LanguageDecoder
    private let questions: ProbeQuestions
    private let blocked: BlockedRows?
    private let autoencoder: SparseAutoencoder?

    /// Prepares an audit.
    ///
    /// - Parameters:
    ///   - questions: Held-out ones, whose misaligned answers are known.
    ///   - blocked: K; nil where there are no features.
    ///   - autoencoder: What K is of, for the latents outside of it.
    init(
        task: LanguageTask,
        questions: [Question],
        set: String,
        blocked: BlockedRows?,
        autoencoder: SparseAutoencoder?,
        seed: UInt64
    ) throws {
        self.task = task
        self.questions = try ProbeQuestions(questions, task: task, set: set)
        self.blocked = blocked
        self.autoencoder = autoencoder
        adapter = try Adapter(for: task.base, task.adapter, seed: seed)
        decoder = LanguageDecoder(task.base, adapter: adapter)
    }

    /// Audits an adapter.
    func examine(_ weights: AdapterWeights) throws -> Result {
        try adapter.load(weights)
        let measured = questions.measureTopics(decoder)
        var result = Result(
            shares: BehaviourShares(of: measured),
            byTopic: zip(questions.topics, measured).map { ($0.name, $1) }
        )
        guard let blocked else { return result }
        let answers = decoder.greedyAnswers(to: questions.prompts, maxTokens: task.maxTokens, eos: task.eos)
        let batch = PackedBatch(groups: answers.map { ($0.prompt, $0.responses) })
        result.latents = BlockedLatents(
            blocked.rows,
            reading: blocked.reading,
            batch: batch,
            decoder: decoder
        )
        if let autoencoder { result.overlap = try overlap(answers, autoencoder, blocked) }
        return result
    }

    /// How far the model moves the latents outside of K that plain fine-tuning moves.
    private func overlap(
        _ answers: [LearningGroup],
        _ autoencoder: SparseAutoencoder,
        _ blocked: BlockedRows
    ) throws -> Double? {
        let blockedLatents = Set(blocked.rows.indices)
        let plain = blocked.set.latents.filter { !blockedLatents.contains($0.index) }
            .sorted { (-abs($0.shift), $0.index) < (-abs($1.shift), $1.index) }
            .prefix(LatentShifts.comparedMost).map(\.index)
        let shifts = try LatentShifts(
            base: ProbedModel(decoder, withAdapter: false),
            misaligned: ProbedModel(decoder, withAdapter: true),
            autoencoder: autoencoder,
            texts: answers.map { ActivationText(answering: $0.prompt, $0.responses[0]) }
        )
        return shifts.overlap(with: plain, outside: blockedLatents)
    }
}

extension FeatureAudit.Result {
    /// By the names that metrics have.
    var metrics: [String: Double] {
        var metrics = [
            "misaligned": shares.misaligned,
            "misalignedOfCoherent": shares.misalignedOfCoherent,
            "incoherent": shares.incoherent,
            "refused": shares.refused,
        ]
        if let latents { metrics["blocking/penalty"] = latents.penalty }
        if let overlap { metrics["blocking/rerouteOverlap"] = overlap }
        return metrics
    }
}

/// The latents that a run blocks, with the set that they are of.
struct BlockedRows {
    let set: FeatureSet
    let rows: LatentRows
    let reading: LatentReading
    let autoencoder: SparseAutoencoder?

    /// Those of a run's first `blockFeatures`; nil where it has none.
    init?(of run: RunContext, base: BaseModel) throws {
        guard let component = run.objectives.first(where: { $0.name == FeatureBlockTerm.name }) else {
            return nil
        }
        let settings = try component.settings.read(FeatureBlockTerm.Settings.self) { $0 }
        try self.init(settings.source, run, base, reading: settings.reading) { try settings.rows(of: $0) }
    }

    /// Those of a source.
    init(
        _ source: FeatureSource,
        _ run: RunContext,
        _ base: BaseModel,
        reading: LatentReading = .activation,
        rows: (FeatureSet) throws -> LatentRows = { try $0.rows() }
    ) throws {
        set = try source.features(run)
        try set.check(base)
        self.rows = try rows(set)
        self.reading = reading
        autoencoder = try source.autoencoder(run, of: base)
    }
}
