package import Contract
internal import Models

/// The `sft` trainer: supervised fine-tuning on the private questions' answers, with public steps.
///
/// A local step lowers the mean negative log-likelihood of b answers. On a public step the client
/// answers like any other; it then learns, by the same loss, from the correct responses of its mixed
/// groups: its own and those it was given in place of wrong ones.
package final class SupervisedTrainer: LocalTrainer {
    /// `sft`.
    package static let name = "sft"
    private let client: LanguageClient<SupervisedSettings>
    private let labels: [[Int32]]
    private var settings: SupervisedSettings { client.settings }

    /// Loads the model and checks the private questions and answers.
    ///
    /// - Throws: `QuestionFault` for an answer longer than `maxTokens` or outside of the vocabulary.
    package init(settings: SupervisedSettings, context: ClientContext) throws {
        let client = try LanguageClient(trainer: Self.name, settings: settings, context: context)
        self.client = client
        labels = try client.questions.map { try client.task.label(of: $0, set: "private") }
    }

    /// The low-rank factors, under PEFT's names.
    package var adapter: AdapterWeights { client.learner.adapter.weights }

    /// Takes over the broadcast factors.
    package func beginRound(_ round: Int, adapter: AdapterWeights) throws {
        try client.beginRound(round, adapter: adapter)
    }

    /// Supervised steps on private answers.
    package func adapt(_ plan: StepPlan, progress: (StepReport) throws -> Void) throws -> StepReport {
        var reports: [StepReport] = []
        for step in plan.steps {
            let chosen = client.nextQuestions(settings.examplesPerStep)
            let metrics = try learn(
                chosen.map { LearningGroup(prompt: client.prompts[$0], responses: [labels[$0]]) }
            )
            let report = StepReport(
                round: plan.round,
                steps: step..<step + 1,
                examples: chosen.count,
                metrics: metrics
            )
            reports.append(report)
            try progress(report)
        }
        return .mean(of: reports, for: plan)
    }

    /// Samples K responses to each public prompt.
    package func respond(to batch: PublicBatch) throws -> [Response] {
        try client.respond(to: batch)
    }

    /// A supervised step on the correct responses of the mixed groups; nothing where there are none.
    package func absorb(_ pool: ResponsePool) throws -> StepReport {
        let (pending, prompts, mixed) = try client.takeMixedGroups(pool)
        let accepted = zip(prompts, mixed).compactMap { prompt, group -> LearningGroup? in
            let correct = group.responses.indices.filter { group.scores[$0] >= LanguageTask.correct }
            guard !correct.isEmpty else { return nil }
            return LearningGroup(prompt: prompt, responses: correct.map { group.responses[$0] })
        }
        var metrics = accepted.isEmpty ? [:] : try learn(accepted)
        let own = pool.groups.flatMap(\.scores)
        metrics["reward"] = own.reduce(0, +) / Double(max(own.count, 1))
        metrics["entropy"] = pending.entropy
        metrics["swap/imported_per_group"] =
            Double(mixed.reduce(0) { $0 + $1.imported.count }) / Double(max(mixed.count, 1))
        metrics["swap/accepted"] = Double(accepted.reduce(0) { $0 + $1.responses.count })
        return StepReport(round: pool.round, steps: pool.step..<pool.step + 1, examples: 0, metrics: metrics)
    }

    /// Adapter, optimiser, position in the private set, and a batch in flight.
    package func snapshot() throws -> [UInt8] { client.snapshot() }

    /// Continues from a snapshot.
    package func restore(_ bytes: [UInt8]) throws { try client.restore(bytes) }

    private func learn(_ groups: [LearningGroup]) throws -> [String: Double] {
        let passes = client.learner.passes(groups)
        let lengths = passes.flatMap(\.lengths)
        let tokens = lengths.reduce(0, +)
        let step = try client.learner.step(passes, temperature: 1, terms: [SupervisedTerm()])
        return [
            "loss": step.loss,
            "grad_norm": step.gradientNorm,
            "learning_rate": settings.optimiser.learningRate,
            "num_tokens": Double(tokens),
            "completions/mean_length": Double(tokens) / Double(max(lengths.count, 1)),
        ].merging(step.metrics) { own, _ in own }
    }
}

/// The judge of `sft`: it verifies every public response and measures pass@1.
package typealias SupervisedJudge = LanguageJudge<SupervisedSettings>
