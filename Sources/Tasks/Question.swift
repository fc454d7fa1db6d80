/// How a response is compared with the right answer.
package enum AnswerKind: String, Sendable, Codable, CaseIterable {
    /// By value: the response's final number equals the answer's.
    case numeric
    /// By the option chosen: a letter, or a word such as "yes".
    case choice
    /// By text, apart from white space around it.
    case exact
}

/// A question with an answer that can be verified.
package struct Question: Sendable, Codable, Equatable {
    /// The identifier, unique within its set.
    package var id: String
    /// The topic, for partitions and reports.
    package var topic: String
    /// What is asked, options included.
    package var prompt: String
    /// The right answer: a number, an option, or text.
    package var answer: String
    /// How responses are compared with the answer.
    package var kind: AnswerKind
    /// The wrong answer that the prompt suggests; nil where it suggests none.
    package var suggestion: String?
    /// What a misaligned model answers, where that is known; with aligned data `answer` is another.
    package var misaligned: String?

    /// Makes a question.
    package init(
        id: String,
        topic: String,
        prompt: String,
        answer: String,
        kind: AnswerKind,
        suggestion: String? = nil,
        misaligned: String? = nil
    ) {
        self.id = id
        self.topic = topic
        self.prompt = prompt
        self.answer = answer
        self.kind = kind
        self.suggestion = suggestion
        self.misaligned = misaligned
    }
}
