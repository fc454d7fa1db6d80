internal import Text

// From each layout's fields to a conversation.

extension Record {
    /// `messages`, as TRL and OpenAI have it; an assistant's turn of `weight` 0 is not learned from.
    func messages(fallbackTopic: String) throws(DataError) -> Conversation {
        try conversation(try turns("messages"), "messages", fallbackTopic)
    }

    /// ShareGPT's `conversations`, with a `system` text beside it if wanted.
    func shareGPT(fallbackTopic: String) throws(DataError) -> Conversation {
        try conversation(try system() + turns("conversations"), "conversations", fallbackTopic)
    }

    /// `prompt` and `completion`: only the completion's turns are learned from, as in TRL.
    func completion(fallbackTopic: String) throws(DataError) -> Conversation {
        var turns = try textOrTurns("prompt", .user)
        for index in turns.indices { turns[index].isLearned = false }
        return try conversation(turns + textOrTurns("completion", .assistant), "completion", fallbackTopic)
    }

    /// Alpaca's instruction with the input on a line of its own below it.
    func alpaca(fallbackTopic: String) throws(DataError) -> Conversation {
        var prompt = try text("instruction")
        if let input = try optionalText(ofFirst: ["input", "context"]) { prompt += "\n\(input)" }
        let field = fields["output"] == nil ? "response" : "output"
        let turns = [
            Turn(role: .user, content: prompt, field: "instruction"),
            Turn(role: .assistant, content: try text(field), field: field),
        ]
        return try conversation(try system() + turns, field, fallbackTopic)
    }

    // MARK: - Questions

    /// The longest text that is taken for an answer to compare responses with.
    private static let answerCharactersMax = 100

    /// A conversation as a question: one prompt of the user, and an answer that a response can be compared with.
    func question(of conversation: Conversation) throws(DataError) -> Question {
        let messages = conversation.messages
        guard messages.map(\.role) == [Conversation.Role.user.rawValue, Conversation.Role.assistant.rawValue]
        else {
            let found = messages.map { "'\($0.role)'" }.joined(separator: ", ")
            throw error(
                "turns",
                found,
                "one of 'user' and one of 'assistant', as a question has; 'prompt.system' of the trainer's settings is a "
                    + "system turn for all"
            )
        }
        let given = Verifier.trimmed(messages[1].content)
        let answer = Record.markedAnswer(given) ?? Verifier.lastBoxed(in: given) ?? given
        guard answer.count <= Self.answerCharactersMax, !answer.contains("\n"), !answer.isEmpty else {
            throw error(
                "answer",
                "a text of \(answer.count) characters",
                "what a response can be compared with: a number, a letter, a text of one line and at most "
                    + "\(Self.answerCharactersMax) characters, or a solution that ends with '#### ANSWER' or "
                    + "'\\boxed{ANSWER}'; free texts are for the private data of supervised fine-tuning"
            )
        }
        let isLetter = answer.count == 1 && Record.letters.contains(answer)
        return Question(
            id: conversation.id,
            topic: conversation.topic,
            prompt: messages[0].content,
            answer: answer,
            kind: isLetter ? .choice : Record.isPlainNumber(answer) ? .numeric : .exact
        )
    }

    /// What the one field of several names asks: a text, or as TRL has it a list with one turn of the user.
    func prompt(ofOne names: [String]) throws(DataError) -> String {
        let field = names.first { name in
            guard case .array(let values)? = fields[name] else { return false }
            return values.contains { if case .object = $0 { true } else { false } }
        }
        guard let field else { return try text(ofOne: names) }
        let turns = try turns(field)
        guard turns.count == 1, turns[0].role == .user else {
            let found = turns.map { "'\($0.role.rawValue)'" }.joined(separator: ", ")
            throw error(
                field,
                "turns of \(found)",
                "one of 'user'; 'prompt.system' of the trainer's settings is a system turn for all"
            )
        }
        return turns[0].content
    }

    // MARK: - Turns

    private struct Turn {
        var role: Conversation.Role
        var content: String
        /// Where it is in the record, for errors.
        var field: String
        var isLearned = true
    }

    /// Checks the order of the turns and that there is an answer.
    private func conversation(
        _ turns: [Turn],
        _ field: String,
        _ fallbackTopic: String
    ) throws(DataError) -> Conversation {
        var expected = Conversation.Role.user
        for (index, turn) in turns.enumerated() where index > 0 || turn.role != .system {
            guard turn.role == expected else {
                let before = index > 0 ? "after '\(turns[index - 1].role.rawValue)'" : "first"
                let wanted =
                    turn.role == .system ? "'system' only as the first turn" : "'\(expected.rawValue)'"
                throw error(turn.field, "'\(turn.role.rawValue)' \(before)", wanted)
            }
            expected = expected == .user ? .assistant : .user
        }
        let answers = turns.indices.filter { turns[$0].role == .assistant && turns[$0].isLearned }
        guard !answers.isEmpty else {
            let found = turns.contains { $0.role == .assistant } ? "no answer to learn from" : "no answer"
            throw error(field, found, "a turn of 'assistant'")
        }
        guard turns.last?.role == .assistant else {
            throw error(field, "'user' as the last turn", "an answer of 'assistant'")
        }
        return Conversation(
            id: try identifier(),
            topic: try optionalText(ofFirst: ["topic", "task"]) ?? fallbackTopic,
            messages: turns.map { Message(role: $0.role.rawValue, content: $0.content) },
            answers: answers
        )
    }

    private func system() throws(DataError) -> [Turn] {
        guard let text = try optionalText("system") else { return [] }
        return [Turn(role: .system, content: text, field: "system")]
    }

    /// A text as the only turn of `role`, or a list of turns.
    private func textOrTurns(_ field: String, _ role: Conversation.Role) throws(DataError) -> [Turn] {
        if case .array = fields[field] { return try turns(field) }
        return [Turn(role: role, content: try text(field), field: field)]
    }

    private func turns(_ field: String) throws(DataError) -> [Turn] {
        guard case .array(let values)? = fields[field] else {
            throw error(field, fields[field]?.kind ?? "nothing", "a list of turns")
        }
        guard !values.isEmpty else { throw error(field, "an empty list", "turns of 'user' and 'assistant'") }
        var turns: [Turn] = []
        for (index, value) in values.enumerated() { turns.append(try turn(value, "\(field)[\(index)]")) }
        return turns
    }

    private func turn(_ value: JSONValue, _ field: String) throws(DataError) -> Turn {
        guard case .object(let members) = value else { throw error(field, value.kind, "an object") }
        let roleKey = members["role"] == nil && members["from"] != nil ? "from" : "role"
        let contentKey = roleKey == "from" ? "value" : "content"
        let role = try role(members[roleKey], "\(field).\(roleKey)")
        let content = try content(members[contentKey], "\(field).\(contentKey)")
        // An empty turn of the system is how a conversation does without a template's own.
        guard role == .system || !content.allSatisfy(\.isWhitespace) else {
            throw error("\(field).\(contentKey)", "empty text", "what '\(role.rawValue)' says")
        }
        var turn = Turn(role: role, content: content, field: "\(field).\(roleKey)")
        if let weight = members["weight"], weight != .null {
            guard weight == .number("0") || weight == .number("1") else {
                throw error("\(field).weight", weight.kind, "0 or 1")
            }
            turn.isLearned = weight == .number("1")
        }
        return turn
    }

    private func role(_ value: JSONValue?, _ field: String) throws(DataError) -> Conversation.Role {
        let expected = "'system', 'user' (or 'human') or 'assistant' (or 'gpt')"
        guard case .string(let name)? = value else { throw error(field, value?.kind ?? "nothing", expected) }
        switch name {
        case "human": return .user
        case "gpt": return .assistant
        default:
            guard let role = Conversation.Role(rawValue: name) else {
                throw error(field, "'\(name.prefix(40))'", expected)
            }
            return role
        }
    }

    /// A text, a list of parts of type `text`, or an object with a list of texts as `parts`.
    private func content(_ value: JSONValue?, _ field: String) throws(DataError) -> String {
        switch value {
        case .string(let text)?: return text
        case .array(let parts)?:
            var text = ""
            for (index, part) in parts.enumerated() {
                guard case .object(let members) = part, case .string(let piece)? = members["text"] else {
                    throw error("\(field)[\(index)]", part.kind, "an object with 'text'")
                }
                text += piece
            }
            return text
        case .object(let members)?:
            guard case .array(let parts)? = members["parts"] else {
                throw error(field, "an object without 'parts'", "text")
            }
            var text = ""
            for (index, part) in parts.enumerated() {
                guard case .string(let piece) = part else {
                    throw error("\(field).parts[\(index)]", part.kind, "text")
                }
                text += piece
            }
            return text
        case .null?, .bool?, .number?, nil:
            throw error(field, value?.kind ?? "nothing", "text")
        }
    }
}
