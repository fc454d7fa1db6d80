package import Contract
internal import Models
internal import Tasks

/// The `rlvr` trainer: GRPO on verifiable rewards, with PubSwap's public steps (arXiv:2604.12160).
///
/// A local step samples K responses to each of b private prompts, grades them, and takes one or more
/// clipped policy-gradient steps. A public step does the same with the mixed groups that the
/// coordinator's orders make of the client's own responses.
package final class RLVRTrainer: LocalTrainer {
    /// `rlvr`.
    package static let name = "rlvr"
    private let client: LanguageClient<RLVRSettings, AskedQuestion>
    private var settings: RLVRSettings { client.settings }
    private var learning: PolicyLearning { PolicyLearning(learner: client.learner, settings: settings) }

    /// Loads the model and checks the private questions.
    package init(settings: RLVRSettings, context: ClientContext) throws {
        client = try LanguageClient(trainer: Self.name, settings: settings, context: context) { task in
            let questions = try LanguageData.questions(of: context)
            return try zip(questions, task.gradedPrompts(of: questions, set: "private")).map {
                AskedQuestion(question: $0, prompt: $1)
            }
        }
    }

    /// The low-rank factors, under PEFT's names.
    package var adapter: AdapterWeights { client.learner.adapter.weights }

    /// Takes over the broadcast factors.
    package func beginRound(_ round: Int, adapter: AdapterWeights) throws {
        try client.beginRound(round, adapter: adapter)
    }

    /// GRPO steps on private prompts.
    package func adapt(_ plan: StepPlan, progress: (StepReport) throws -> Void) throws -> StepReport {
        var reports: [StepReport] = []
        for step in plan.steps {
            let chosen = client.nextExamples(settings.promptsPerStep)
            let completions = try client.sample(
                prompts: chosen.map(\.prompt),
                purpose: "private-sample",
                round: plan.round,
                step: step
            )
            let groups = zip(chosen, completions).map { asked, group in
                RewardedGroup(
                    prompt: asked.prompt,
                    responses: group.map(\.tokens),
                    rewards: group.map { client.task.score($0.tokens, to: asked.question) }
                )
            }
            var metrics = try learning.learn(groups)
            let statistics = CompletionStatistics(completions.flatMap { $0 })
            metrics["entropy"] = statistics.entropy
            metrics["completions/mean_length"] = statistics.meanLength
            metrics["completions/clipped_ratio"] = statistics.clippedRatio
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

    /// The off-policy GRPO step on the mixed groups.
    package func absorb(_ pool: ResponsePool) throws -> StepReport {
        let (pending, prompts, mixed) = try client.takeMixedGroups(pool)
        let groups = zip(prompts, mixed).map { prompt, group in
            RewardedGroup(
                prompt: prompt,
                responses: group.responses,
                rewards: group.scores,
                imported: group.imported
            )
        }
        var metrics = try learning.learn(groups)
        // What was learnt from has others' responses in it; what the policy achieves is in its own.
        for (name, value) in GroupAdvantage.metrics(of: groups.map(\.rewards)) {
            metrics["swap/\(name)"] = value
        }
        metrics.merge(GroupAdvantage.metrics(of: pool.groups.map(\.scores))) { _, own in own }
        let own = pending.own.flatMap { $0 }
        metrics["entropy"] = pending.entropy
        metrics["completions/mean_length"] = pending.meanLength
        metrics["completions/clipped_ratio"] =
            Double(own.count { !client.task.isEnd($0.last) }) / Double(max(own.count, 1))
        metrics["swap/imported_per_group"] =
            Double(mixed.reduce(0) { $0 + $1.imported.count }) / Double(max(mixed.count, 1))
        return StepReport(round: pool.round, steps: pool.step..<pool.step + 1, examples: 0, metrics: metrics)
    }

    /// Adapter, optimiser, position in the private set, and a batch in flight.
    package func snapshot() throws -> [UInt8] { client.snapshot() }

    /// Continues from a snapshot.
    package func restore(_ bytes: [UInt8]) throws { try client.restore(bytes) }
}

/// A private question with its prompt.
private struct AskedQuestion {
    var question: Question
    var prompt: [Int32]
}

/// The judge of `rlvr`: it verifies every public response and measures pass@1.
package typealias RLVRJudge = LanguageJudge<RLVRSettings>
