package import Contract
internal import Models
internal import Tasks

/// The coordinator's half of a language trainer: it asks the public questions, verifies the responses
/// and measures pass@1 on held-out ones.
package final class LanguageJudge<Settings: LanguageSettings>: PublicJudge {
    private let settings: Settings
    private let task: LanguageTask
    private let seed: UInt64
    private let schedule: Schedule
    private let publicQuestions: [Question]
    private let publicIndex: [String: Int]
    private let evaluator: LanguageEvaluator
    private var walk: ShuffledEpochs

    /// Loads the model, checks the public and the held-out questions, and counts them.
    ///
    /// - Throws: `ConfigurationError` without held-out ones, `SettingsFault` where a public step needs more questions
    ///   than there are or the evaluation cannot work; `QuestionFault` naming a question.
    package static func examine(_ settings: Settings, _ coordinator: CoordinatorContext) throws -> [String] {
        let task = try LanguageTask(coordinator.run, settings: settings)
        try task.requireRoom(coordinator.run)
        let heldOut = try LanguageData.heldOutQuestions(coordinator)
        guard !heldOut.isEmpty else {
            throw coordinator.evaluationData.error("", "found no held-out questions, expected at least one")
        }
        _ = try LanguageEvaluator.topics(of: heldOut, task, settings.evaluation)
        let publicQuestions = try LanguageData.publicQuestions(coordinator)
        let asked = publicQuestions.count
        let wanted = coordinator.run.schedule.publicStepsPerRound > 0 ? settings.publicPromptsPerStep : 0
        try SettingsFault.require(
            asked >= wanted,
            "publicPromptsPerStep",
            "is \(wanted), but there are \(asked) public questions"
        )
        if wanted > 0 { _ = try task.gradedPrompts(of: publicQuestions, set: "public") }
        return [
            "public: \(LanguageData.counted(publicQuestions))",
            "evaluation: \(LanguageData.counted(heldOut))",
        ]
    }

    /// The prompts of the public and the held-out questions.
    package static func itemTexts(_ settings: Settings, _ coordinator: CoordinatorContext) throws
        -> JudgedTexts
    {
        try LanguageData.texts(of: coordinator)
    }

    /// Loads the model and checks the public and held-out questions.
    ///
    /// - Throws: What `examine` throws; `QuestionFault` naming a question.
    package init(settings: Settings, context: CoordinatorContext) throws {
        self.settings = settings
        _ = try Self.examine(settings, context)
        seed = context.run.seed
        schedule = context.run.schedule
        task = try LanguageTask(context.run, settings: settings)
        publicQuestions = try LanguageData.publicQuestions(context)
        publicIndex = Dictionary(
            publicQuestions.enumerated().map { ($1.id, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        walk = ShuffledEpochs(count: max(publicQuestions.count, 1), seed: seed, path: "public-order")
        evaluator = try LanguageEvaluator(
            task: task,
            settings: settings.evaluation,
            tokensPerPass: settings.tokensPerPass,
            questions: LanguageData.heldOutQuestions(context),
            seed: seed
        )
    }

    /// A uniform in ±1/√in from the federation's seed, B zero.
    package func initialAdapter() throws -> AdapterWeights {
        try Adapter(for: task.base, task.adapter, seed: seed).weights
    }

    /// The next prompts of a walk over the public set in shuffled epochs; no prompt twice in a batch.
    package func batch(round: Int, step: Int) throws -> PublicBatch {
        let chosen = walk.wholeBatch(
            schedule.publicStepsBefore(round: round, step: step),
            length: settings.publicPromptsPerStep
        )
        return PublicBatch(
            round: round,
            step: step,
            items: chosen.map { index in
                let question = publicQuestions[index]
                return PublicItem(
                    id: question.id,
                    topic: question.topic,
                    payload: Array(question.prompt.utf8)
                )
            },
            responsesPerItem: settings.samplesPerPrompt
        )
    }

    /// 1 for a right response, 0 for a wrong one.
    ///
    /// - Throws: `ResponseFault` for more than `maxTokens` tokens, an id outside of the vocabulary, or an end of
    ///   sequence that is not at the end.
    package func score(_ responses: [[Response]], to batch: PublicBatch, from sender: Sender) throws
        -> [[Double]]
    {
        try zip(batch.items, responses).map { item, group in
            guard let index = publicIndex[item.id] else {
                preconditionFailure("the item '\(item.id)' is not of this judge's public set")
            }
            return try group.map { try score($0, to: publicQuestions[index]) }
        }
    }

    private func score(_ response: Response, to question: Question) throws(ResponseFault) -> Double {
        let tokens: [Int32]
        do {
            tokens = try TokenPayload.decode(
                response.payload,
                vocabulary: task.base.configuration.vocabularySize,
                limit: settings.maxTokens
            )
        } catch .tooLong(let count) {
            throw .tooLong(
                item: response.itemID,
                index: response.index,
                length: count,
                limit: settings.maxTokens
            )
        } catch {
            throw .malformed(item: response.itemID, index: response.index, reason: error.reason)
        }
        guard !tokens.dropLast().contains(task.eos) else {
            throw .malformed(
                item: response.itemID,
                index: response.index,
                reason: "it goes on after its end of sequence"
            )
        }
        return task.score(tokens, to: question)
    }

    /// 1: the verifier accepts the response.
    package var acceptedScore: Double { LanguageTask.correct }

    /// pass@1 and greedy accuracy on the held-out questions.
    package func evaluate(_ adapter: AdapterWeights, round: Int) throws -> Evaluation {
        try evaluator.evaluate(adapter, round: round)
    }
}
