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
        guard let start = tokenizer.id(of: ChatTemplate.start), let end = tokenizer.id(of: ChatTemplate.end)
        else {
            throw .unsupported(
                file: "chat template",
                field: "vocabulary",
                found: "a vocabulary of \(tokenizer.vocabularySize)",
                expected: "one with \(ChatTemplate.start) and \(ChatTemplate.end)"
            )
        }
        let newline = tokenizer.encode("\n", parseSpecial: false)
        var ids: [Int32] = []
        for message in completed(messages) {
            ids.append(start)
            ids += tokenizer.encode("\(message.role)\n\(message.content)", parseSpecial: false)
            ids.append(end)
            ids += newline
        }
        guard addGenerationPrompt else { return ids }
        return ids + [start] + tokenizer.encode("assistant\n", parseSpecial: false)
    }

    private func completed(_ messages: [Message]) -> [Message] {
        guard let defaultSystem, messages.first?.role != "system" else { return messages }
        return [Message(role: "system", content: defaultSystem)] + messages
    }
}
