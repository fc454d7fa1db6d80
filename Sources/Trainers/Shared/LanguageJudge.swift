public import Exchange
internal import Models
internal import Tasks

/// The coordinator's half of a language trainer: it asks the public questions, verifies the responses
/// and measures pass@1 on held-out ones.
public final class LanguageJudge<Settings: LanguageSettings>: PublicJudge {
    private let settings: Settings
    private let task: LanguageTask
    private let seed: UInt64
    private let schedule: Schedule
    private let adapterConfiguration: LoRAConfiguration
    private let publicQuestions: [Question]
    private let publicIndex: [String: Int]
    private let evaluator: LanguageEvaluator
    private var walk: ShuffledEpochs

    /// Loads the model and checks the public and held-out questions.
    ///
    /// - Throws: `QuestionFault` naming a question, or `SettingsFault` where a public step needs more
    ///   questions than there are.
    public init(settings: Settings, resources: CoordinatorResources) throws {
        try settings.validate()
        self.settings = settings
        seed = resources.seed
        schedule = resources.schedule
        adapterConfiguration = resources.adapter
        task = try LanguageTask(model: resources.model, models: resources.models, settings: settings)
        publicQuestions = resources.publicQuestions
        if resources.schedule.publicStepsPerRound > 0 {
            _ = try task.prompts(of: publicQuestions, set: "public")
            guard publicQuestions.count >= settings.publicPromptsPerStep else {
                throw SettingsFault(
                    key: "publicPromptsPerStep",
                    reason:
                        "is \(settings.publicPromptsPerStep), but there are \(publicQuestions.count) public questions"
                )
            }
        }
        publicIndex = Dictionary(
            publicQuestions.enumerated().map { ($1.id, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        walk = ShuffledEpochs(count: max(publicQuestions.count, 1), seed: seed, path: "public-order")
        evaluator = try LanguageEvaluator(
            task: task,
            settings: settings.evaluation,
            tokensPerPass: settings.tokensPerPass,
            adapter: resources.adapter,
            questions: resources.heldOutQuestions,
            seed: resources.seed
        )
    }

    /// A uniform in ±1/√in from the federation's seed, B zero.
    public func initialAdapter() throws -> AdapterWeights {
        try Adapter(for: task.base, adapterConfiguration, seed: seed).weights
    }

    /// The next prompts of a walk over the public set in shuffled epochs; no prompt twice in a batch.
    public func batch(round: Int, step: Int) throws -> PublicBatch {
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
    /// - Throws: `ResponseFault` for an unknown item, an index outside 0 ..< K, more than `maxTokens`
    ///   tokens, an id outside of the vocabulary, or an end of sequence that is not at the end.
    public func score(_ response: Response) throws -> Double {
        guard let index = publicIndex[response.itemID] else {
            throw ResponseFault.unknownItem(response.itemID)
        }
        guard (0..<settings.samplesPerPrompt).contains(response.index) else {
            throw ResponseFault.indexOutOfRange(
                item: response.itemID,
                index: response.index,
                limit: settings.samplesPerPrompt
            )
        }
        let tokens: [Int32]
        do {
            tokens = try TokenPayload.decode(
                response.payload,
                vocabulary: task.base.configuration.vocabularySize,
                limit: settings.maxTokens
            )
        } catch .tooLong(let count) {
            throw ResponseFault.tooLong(
                item: response.itemID,
                index: response.index,
                length: count,
                limit: settings.maxTokens
            )
        } catch {
            throw ResponseFault.malformed(item: response.itemID, index: response.index, reason: error.reason)
        }
        guard !tokens.dropLast().contains(task.eos) else {
            throw ResponseFault.malformed(
                item: response.itemID,
                index: response.index,
                reason: "it goes on after its end of sequence"
            )
        }
        return task.score(tokens, to: publicQuestions[index])
    }

    /// 1: the verifier accepts the response.
    public var acceptedScore: Double { LanguageTask.correct }

    /// pass@1 and greedy accuracy on the held-out questions.
    public func evaluate(_ adapter: AdapterWeights, round: Int) throws -> Evaluation {
        try evaluator.evaluate(adapter, round: round)
    }
}
