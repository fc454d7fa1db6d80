internal import Contract
internal import Models
internal import Tasks
internal import Text

/// What the settings of trainers that learn from given answers have in common.
package protocol SupervisedWords: LanguageSettings {
    /// The examples of a local step.
    var examplesPerStep: Int { get }
    /// The most tokens of an example; the model's positions, if they are fewer.
    var maxLength: Int { get }
    /// What stands before the first prompt of every private example, and nowhere else; empty for nothing.
    var inoculation: String { get }
}

extension SupervisedWords {
    /// Checks the ranges of the common settings.
    func validateSupervised() throws(SettingsFault) {
        try validateLanguage()
        for (key, value, limit) in [
            ("examplesPerStep", examplesPerStep, 65_536), ("maxLength", maxLength, 1 << 20),
        ] {
            try SettingsFault.require(
                (1...limit).contains(value),
                key,
                "is \(value), expected 1 … \(limit)"
            )
        }
    }
}

/// The private examples of trainers that learn from given answers.
struct SupervisedExamples {
    /// A prompt and what follows it, of which the answers count.
    let groups: [LearningGroup]
    /// How many were too long.
    let cuts: CutCount
    /// The most tokens of one.
    let limit: Int

    /// Reads a client's conversations, or questions with their answers, and puts them into tokens.
    ///
    /// - Throws: `QuestionFault` for text outside of the vocabulary, and where no example is left.
    init(_ task: LanguageTask, _ settings: some SupervisedWords, _ context: ClientContext) throws {
        limit = min(settings.maxLength, task.base.configuration.positionsMax)
        // A vocabulary of characters may have no space.
        let gap = task.tokenizer.firstUnencodable(in: " ") == nil ? " " : ""
        var conversations: [TokenisedConversation] = []
        for var conversation in try LanguageData.conversations(of: context) {
            if !settings.inoculation.isEmpty,
                let first = conversation.messages.firstIndex(where: { $0.role == "user" })
            {
                conversation.messages[first].content =
                    settings.inoculation + gap + conversation.messages[first].content
            }
            conversations.append(try task.tokenise(conversation, set: "private"))
        }
        var cuts = CutCount()
        groups = cuts.cut(conversations, to: limit).map { conversation in
            let start = conversation.answers[0].lowerBound
            return LearningGroup(
                prompt: Array(conversation.tokens[..<start]),
                responses: [Array(conversation.tokens[start...])],
                counted: [conversation.answers.map { $0.lowerBound - start..<$0.upperBound - start }]
            )
        }
        self.cuts = cuts
        guard !groups.isEmpty else {
            throw QuestionFault(
                set: "private",
                id: nil,
                reason:
                    "no answer begins within the first \(limit) tokens of its example, the lesser of maxLength = "
                    + "\(settings.maxLength) and the model's \(task.base.configuration.positionsMax) positions"
            )
        }
    }

    /// In a few words.
    var description: String {
        var text = "\(groups.count) examples"
        if cuts.cut > 0 { text += ", \(cuts.cut) cut to \(limit) tokens" }
        if cuts.dropped > 0 {
            text += ", \(cuts.dropped) left out whose answer begins beyond \(limit) tokens"
        }
        return text
    }
}

/// The client's half of trainers that learn from given answers.
final class SupervisedClient<Settings: SupervisedWords> {
    let client: LanguageClient<Settings, LearningGroup>
    private var settings: Settings { client.settings }

    init(trainer: String, settings: Settings, context: ClientContext) throws {
        client = try LanguageClient(trainer: trainer, settings: settings, context: context) {
            try SupervisedExamples($0, settings, context).groups
        }
    }

    /// Says in a few words what examples a client has.
    static func examine(_ settings: Settings, _ context: ClientContext) throws -> String {
        let task = try LanguageTask(context.run, settings: settings)
        let found = try SupervisedExamples(task, settings, context).description
        try task.examineObjectives(context.run)
        return found
    }

    /// Supervised steps on private answers.
    func adapt(_ plan: StepPlan, progress: (StepReport) throws -> Void) throws -> StepReport {
        var reports: [StepReport] = []
        for step in plan.steps {
            let chosen = client.nextExamples(settings.examplesPerStep)
            var metrics = try learn(chosen)
            metrics["epoch"] = client.epoch
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

    /// A supervised step on the correct responses of the mixed groups; nothing where there are none.
    func absorb(_ pool: ResponsePool) throws -> StepReport {
        let (pending, prompts, mixed) = try client.takeMixedGroups(pool)
        let accepted = zip(prompts, mixed).compactMap { prompt, group -> LearningGroup? in
            let correct = group.responses.indices.filter { group.scores[$0] >= LanguageTask.correct }
            guard !correct.isEmpty else { return nil }
            return LearningGroup(prompt: prompt, responses: correct.map { group.responses[$0] })
        }
        var metrics = accepted.isEmpty ? [:] : try learn(accepted)
        metrics.merge(GroupAdvantage.metrics(of: pool.groups.map(\.scores))) { _, own in own }
        metrics["entropy"] = pending.entropy
        metrics["completions/mean_length"] = pending.meanLength
        metrics["swap/imported_per_group"] =
            Double(mixed.reduce(0) { $0 + $1.imported.count }) / Double(max(mixed.count, 1))
        metrics["swap/accepted"] = Double(accepted.reduce(0) { $0 + $1.responses.count })
        return StepReport(round: pool.round, steps: pool.step..<pool.step + 1, examples: 0, metrics: metrics)
    }

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
