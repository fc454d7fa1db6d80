package import Text

/// A conversation with the answers that are learned from.
///
/// The turns are in order: at most one of the system, first; then the user and the assistant by turns, from the
/// user to the assistant. Whoever makes one has checked that, as `ConversationFile` does.
package struct Conversation: Sendable, Equatable {
    /// Who speaks.
    package enum Role: String, Sendable, CaseIterable {
        /// Who says how to answer.
        case system
        /// Who asks.
        case user
        /// Who answers.
        case assistant
    }

    /// The identifier: the record's own, or its line.
    package var id: String
    /// The topic, for partitions and reports.
    package var topic: String
    /// The turns; their roles are those of `Role`.
    package var messages: [Message]
    /// Which of the turns are learned from: turns of the assistant, ascending, at least one.
    package var answers: [Int]

    /// Makes a conversation.
    package init(id: String, topic: String, messages: [Message], answers: [Int]) {
        self.id = id
        self.topic = topic
        self.messages = messages
        self.answers = answers
    }

    /// A question and its answer.
    package init(_ question: Question) {
        self.init(
            id: question.id,
            topic: question.topic,
            messages: [
                Message(role: Role.user.rawValue, content: question.prompt),
                Message(role: Role.assistant.rawValue, content: question.answer),
            ],
            answers: [1]
        )
    }

    /// What the user says first.
    package var opening: String { messages.first { $0.role == Role.user.rawValue }?.content ?? "" }
}
