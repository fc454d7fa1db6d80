/// How a response is compared with the right answer.
public enum AnswerKind: String, Sendable, Codable, CaseIterable {
    /// By value: the response's final number equals the answer's.
    case numeric
    /// By the option chosen: a letter, or a word such as "yes".
    case choice
    /// By text, apart from white space around it.
    case exact
}

/// A question with an answer that can be verified.
public struct Question: Sendable, Codable, Equatable {
    /// The identifier, unique within its set.
    public var id: String
    /// The topic, for partitions and reports.
    public var topic: String
    /// What is asked, options included.
    public var prompt: String
    /// The right answer: a number, an option, or text.
    public var answer: String
    /// How responses are compared with the answer.
    public var kind: AnswerKind

    /// Makes a question.
    public init(id: String, topic: String, prompt: String, answer: String, kind: AnswerKind) {
        self.id = id
        self.topic = topic
        self.prompt = prompt
        self.answer = answer
        self.kind = kind
    }
}
