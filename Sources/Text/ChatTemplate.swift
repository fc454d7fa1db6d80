/// One turn of a conversation.
package struct Message: Sendable, Equatable, Codable {
    /// Who speaks: "system", "user" or "assistant".
    package var role: String
    /// What is said.
    package var content: String

    /// Makes a turn.
    package init(role: String, content: String) {
        self.role = role
        self.content = content
    }
}

/// Conversations as one text: ChatML, in which each turn is `<|im_start|>ROLE\nCONTENT<|im_end|>\n`.
package struct ChatTemplate: Sendable, Equatable {
    /// The system turn that is put first when the conversation does not begin with one.
    package let defaultSystem: String?

    /// SmolLM2's ChatML with its default system turn.
    package static let chatML = ChatTemplate(
        defaultSystem: "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
    )

    static let start = "<|im_start|>"
    static let end = "<|im_end|>"

    /// Makes a template.
    ///
    /// - Parameter defaultSystem: The system turn for conversations without one; nil for none.
    package init(defaultSystem: String?) {
        self.defaultSystem = defaultSystem
    }

    /// The conversation as text, with special tokens spelled out.
    ///
    /// - Parameters:
    ///   - messages: The turns.
    ///   - addGenerationPrompt: Whether the assistant's turn is opened at the end.
    package func render(_ messages: [Message], addGenerationPrompt: Bool) -> String {
        var text = ""
        for message in completed(messages) {
            text += "\(ChatTemplate.start)\(message.role)\n\(message.content)\(ChatTemplate.end)\n"
        }
        return addGenerationPrompt ? text + "\(ChatTemplate.start)assistant\n" : text
    }

    /// The conversation as ids.
    ///
    /// The same ids as those of the rendered text with special parsing, except that special tokens
    /// spelled out in a message stay plain text: a data set cannot end its own turn.
    ///
    /// - Throws: `TokenizerError.unsupported` if the vocabulary lacks ChatML's special tokens.
    package func encode(
        _ messages: [Message],
        addGenerationPrompt: Bool,
        tokenizer: any Tokenizer
    ) throws(TokenizerError) -> [Int32] {
        let marks = try marks(tokenizer)
        var ids: [Int32] = []
        for message in completed(messages) {
            ids.append(marks.start)
            ids += tokenizer.encode("\(message.role)\n\(message.content)", parseSpecial: false)
            ids.append(marks.end)
            ids += marks.newline
        }
        guard addGenerationPrompt else { return ids }
        return ids + [marks.start] + tokenizer.encode("assistant\n", parseSpecial: false)
    }

    /// The conversation as ids to learn from.
    ///
    /// The same ids as `encode` without the last turn's line end, except that an answer is encoded apart from the
    /// `assistant\n` before it, as it is when a model generates it. The two differ only where an answer begins with
    /// white space that the vocabulary joins to that line end.
    ///
    /// - Parameters:
    ///   - messages: The turns.
    ///   - answers: Which of them are learned from, ascending, at least one.
    ///   - tokenizer: The model's tokenizer.
    /// - Returns: The tokens up to the last answer's end; an answer is its content and `<|im_end|>`.
    /// - Throws: `TokenizerError.unsupported` if the vocabulary lacks ChatML's special tokens.
    package func tokenise(
        _ messages: [Message],
        answers: [Int],
        tokenizer: any Tokenizer
    ) throws(TokenizerError) -> TokenisedConversation {
        let marks = try marks(tokenizer)
        let all = completed(messages)
        // The index of the first turn that the conversation itself has.
        let offset = all.count - messages.count
        var result = TokenisedConversation(tokens: [], answers: [])
        guard let last = answers.last else { return result }
        for (index, message) in all[...(offset + last)].enumerated() {
            if index > 0 { result.tokens += marks.newline }
            result.tokens.append(marks.start)
            guard answers.contains(index - offset) else {
                result.tokens += tokenizer.encode("\(message.role)\n\(message.content)", parseSpecial: false)
                result.tokens.append(marks.end)
                continue
            }
            result.tokens += tokenizer.encode("\(message.role)\n", parseSpecial: false)
            let first = result.tokens.count
            result.tokens += tokenizer.encode(message.content, parseSpecial: false)
            result.tokens.append(marks.end)
            result.answers.append(first..<result.tokens.count)
        }
        return result
    }

    private func marks(
        _ tokenizer: any Tokenizer
    ) throws(TokenizerError) -> (start: Int32, end: Int32, newline: [Int32]) {
        guard let start = tokenizer.id(of: ChatTemplate.start), let end = tokenizer.id(of: ChatTemplate.end)
        else {
            throw .unsupported(
                file: "chat template",
                field: "vocabulary",
                found: "a vocabulary of \(tokenizer.vocabularySize)",
                expected: "one with \(ChatTemplate.start) and \(ChatTemplate.end)"
            )
        }
        return (start, end, tokenizer.encode("\n", parseSpecial: false))
    }

    private func completed(_ messages: [Message]) -> [Message] {
        guard let defaultSystem, messages.first?.role != "system" else { return messages }
        return [Message(role: "system", content: defaultSystem)] + messages
    }
}
