internal import Contract
package import Models
package import Tasks
package import Tensors
package import Text

/// Questions whose aligned and misaligned answers are known, prepared to probe a model with: exactly where both answers are
/// given, by the options' log-probabilities where the answer is one of several letters.
package struct ProbeQuestions {
    /// One topic's questions.
    package struct Topic {
        /// The topic.
        package let name: String
        /// How many questions.
        package let count: Int
        /// Measures a model on them.
        let probe: any ForcedProbe
    }

    /// By topic, in ascending order of name.
    package let topics: [Topic]
    /// All prompts, topic by topic.
    package let prompts: [[Int32]]
    /// What stage 1 of a discovery reads: each prompt without what the template puts before a question, then the words with
    /// which both answers begin, where two are known.
    package let texts: [ActivationText]

    /// Prepares questions outside of a federation.
    ///
    /// - Parameters:
    ///   - questions: At least one, each with its misaligned answer or several options.
    ///   - base: Whose vocabulary it is.
    ///   - template: How a question becomes a prompt.
    ///   - maxTokens: The most tokens of an answer.
    ///   - set: What the questions are called in faults.
    /// - Throws: `QuestionFault` for a question that does not do; `TokenizerError`, `CheckpointError`.
    package init(
        _ questions: [Question],
        of base: BaseModel,
        template: PromptTemplate,
        maxTokens: Int,
        set: String
    ) throws {
        try self.init(
            questions,
            task: LanguageTask(base, template: template, maxTokens: maxTokens),
            set: set
        )
    }

    /// Prepares questions.
    ///
    /// - Throws: `QuestionFault` for a question of which no misaligned answer is known, or one that cannot be put into tokens.
    init(_ questions: [Question], task: LanguageTask, set: String) throws {
        var topics: [Topic] = []
        var prompts: [[Int32]] = []
        var texts: [ActivationText] = []
        let start = try task.prompt("")
        for name in Set(questions.map(\.topic)).sorted() {
            let own = questions.filter { $0.topic == name }
            let tokens = try task.prompts(of: own, set: set)
            prompts += tokens
            for (question, prompt) in zip(own, tokens) {
                let words =
                    question.kind == .choice
                    ? [] : try ProbeAnswers(question, task: task, set: set).aligned.dropLast()
                texts.append(ActivationText(prompt, after: start, with: words))
            }
            topics.append(
                Topic(
                    name: name,
                    count: own.count,
                    probe: try ProbeQuestions.probe(own, tokens, task: task, set: set)
                )
            )
        }
        guard !topics.isEmpty else { throw QuestionFault(set: set, id: nil, reason: "it has no questions") }
        self.topics = topics
        self.prompts = prompts
        self.texts = texts
    }

    private static func probe(
        _ questions: [Question],
        _ prompts: [[Int32]],
        task: LanguageTask,
        set: String
    ) throws -> any ForcedProbe {
        if questions.allSatisfy({ $0.kind == .choice }) {
            return try ChoiceProbe(
                zip(questions, prompts).map { question, prompt in
                    let letters = try ProbeQuestions.letters(of: question, set: set)
                    return ChoiceProbe.Item(
                        prompt: prompt,
                        options: letters.map { task.tokenizer.encode($0, parseSpecial: false) },
                        misaligned: Set(letters.indices.filter { letters[$0] != question.answer })
                    )
                }
            )
        }
        return try AnswerProbe(
            zip(questions, prompts).map { question, prompt in
                let answers = try ProbeAnswers(question, task: task, set: set)
                return AnswerProbe.Item(
                    prompt: prompt,
                    misaligned: [answers.misaligned],
                    aligned: [answers.aligned]
                )
            }
        )
    }

    /// The letters of a question's options, as its prompt lists them.
    static func letters(of question: Question, set: String) throws(QuestionFault) -> [String] {
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".map(String.init)
        let lines = question.prompt.split(separator: "\n")
        let found = letters.prefix { letter in
            lines.contains {
                $0.hasPrefix("\(letter)) ") || $0.hasPrefix("\(letter). ") || $0.hasPrefix("(\(letter)) ")
            }
        }
        guard found.count > 1, found.contains(question.answer) else {
            throw QuestionFault(
                set: set,
                id: question.id,
                reason:
                    "found no options of which the answer '\(question.answer)' is one, expected lines such as 'A) …'"
            )
        }
        return Array(found)
    }

    /// What a model does, by topic.
    func measureTopics(
        _ decoder: LanguageDecoder,
        withAdapter: Bool = true,
        editing: (PackedBatch) -> LayerBoundary? = { _ in nil }
    ) -> [BehaviourShares] {
        topics.map { $0.probe.measure(decoder, withAdapter: withAdapter, editing: editing) }
    }
}

extension ProbeQuestions: ForcedProbe {
    /// Shares over all questions.
    package func measure(
        _ decoder: LanguageDecoder,
        withAdapter: Bool,
        editing: (PackedBatch) -> LayerBoundary?
    ) -> BehaviourShares {
        BehaviourShares(of: measureTopics(decoder, withAdapter: withAdapter, editing: editing))
    }

    package func steering(
        _ model: ProbedModel,
        at layer: Int
    ) throws -> (Tensor) throws -> BehaviourShares {
        let parts = try topics.map { try $0.probe.steering(model, at: layer) }
        return { vector in BehaviourShares(of: try parts.map { try $0(vector) }) }
    }
}

extension ActivationText {
    /// A prompt followed by words; what it begins with does not count.
    ///
    /// - Parameters:
    ///   - prompt: The prompt's tokens.
    ///   - start: The prompt of an empty text: a system prompt is in it, and what opens a turn.
    ///   - words: What follows.
    package init(_ prompt: [Int32], after start: [Int32], with words: some Sequence<Int32> = []) {
        let skipped = zip(prompt, start).prefix { $0.0 == $0.1 }.count
        let tokens = prompt + words
        self.init(tokens: tokens, rows: min(skipped, tokens.count - 1)..<tokens.count)
    }
}

/// The beginnings by which the aligned and the misaligned answer to a question are told apart: up to the first token in which
/// they differ.
struct ProbeAnswers: Equatable {
    let aligned: [Int32]
    let misaligned: [Int32]

    init(_ question: Question, task: LanguageTask, set: String) throws(QuestionFault) {
        guard let bad = question.misaligned else {
            throw QuestionFault(
                set: set,
                id: question.id,
                reason:
                    "no misaligned answer to it is known, expected 'misaligned' beside its answer, or one letter of several"
            )
        }
        var other = question
        other.answer = bad
        let (good, wrong) = (try task.label(of: question, set: set), try task.label(of: other, set: set))
        let same = zip(good, wrong).prefix { $0.0 == $0.1 }.count
        guard same < min(good.count, wrong.count) else {
            throw QuestionFault(
                set: set,
                id: question.id,
                reason: "its answer is the misaligned one, expected two that differ"
            )
        }
        aligned = Array(good.prefix(same + 1))
        misaligned = Array(wrong.prefix(same + 1))
    }
}
