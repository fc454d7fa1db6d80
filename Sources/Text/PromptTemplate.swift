/// How a question's text becomes the prompt that a model sees.
///
/// In settings: `{"kind": "raw"}`, or `{"kind": "chat", "suffix": "Answer with a number only."}`.
package struct PromptTemplate: Sendable, Equatable, Codable {
    /// The two kinds of template.
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// The text itself, behind what the tokenizer puts before a text.
        case raw
        /// A user's turn in the model's chat template, with the assistant's turn opened after it.
        case chat
    }

    /// The kind.
    package var kind: Kind
    /// An instruction put behind the text after a space.
    package var suffix: String?
    /// The system turn of a chat; nil for the template's own.
    package var system: String?
    /// Whether a raw prompt begins with `bos`; if not given, what the tokenizer itself puts before a text, as
    /// its post-processor or `add_bos_token` says. A chat has what its template writes.
    package var beginsWithBOS: Bool?
    /// What a chat template takes for today, `YYYY-MM-DD`; 2024-07-26 if not given.
    package var date: String?

    /// The text itself, behind what the tokenizer puts before a text.
    package static let raw = PromptTemplate(kind: .raw)

    /// Makes a template.
    package init(
        kind: Kind,
        suffix: String? = nil,
        system: String? = nil,
        beginsWithBOS: Bool? = nil,
        date: String? = nil
    ) {
        self.kind = kind
        self.suffix = suffix
        self.system = system
        self.beginsWithBOS = beginsWithBOS
        self.date = date
    }

    /// The ids of a prompt. Special tokens spelled out in the text stay plain text.
    ///
    /// - Parameters:
    ///   - text: The question's text.
    ///   - tokenizer: The model's tokenizer.
    ///   - template: The model's chat template; nil where it has none, so that a chat is ChatML.
    /// - Throws: `TokenizerError` for a chat that the template refuses, or with neither a template nor ChatML's tokens.
    package func encode(
        _ text: String,
        tokenizer: any Tokenizer,
        template: ChatTemplate? = nil
    ) throws(TokenizerError) -> [Int32] {
        let full = suffixed(text)
        switch kind {
        case .raw: return start(tokenizer) + tokenizer.encode(full, parseSpecial: false)
        case .chat:
            return try chat(template, tokenizer).encode(
                withSystem([Message(role: "user", content: full)]),
                addGenerationPrompt: true,
                tokenizer: tokenizer
            )
        }
    }

    /// A conversation's ids to learn from, with prompts as `encode` makes them.
    ///
    /// A raw conversation is one prompt and one answer, which ends with `eos`. A chat may have any number of turns,
    /// each answer ended as the template does; `suffix` is put behind every turn of the user, and `system` is the first turn
    /// where the conversation does not begin with one of its own.
    ///
    /// - Parameters:
    ///   - messages: The turns.
    ///   - answers: Which of them are learned from, ascending, at least one.
    ///   - tokenizer: The model's tokenizer.
    ///   - template: The model's chat template; nil where it has none, so that a chat is ChatML.
    /// - Throws: `TokenizerError`: as `encode` does, and for a raw conversation of other turns than a prompt and an
    ///   answer, or a vocabulary without an end.
    package func tokenise(
        _ messages: [Message],
        answers: [Int],
        tokenizer: any Tokenizer,
        template: ChatTemplate? = nil
    ) throws(TokenizerError) -> TokenisedConversation {
        switch kind {
        case .raw:
            guard messages.map(\.role) == ["user", "assistant"], answers == [1] else {
                let turns = messages.map(\.role).joined(separator: ", ")
                throw TokenizerError.unsupported(
                    file: "prompt template",
                    field: "kind",
                    found: "raw for a conversation of \(turns)",
                    expected: "chat, or one prompt of the user and one answer of the assistant"
                )
            }
            guard let eos = tokenizer.eos else {
                throw TokenizerError.unsupported(
                    file: "prompt template",
                    field: "vocabulary",
                    found: "a vocabulary of \(tokenizer.vocabularySize)",
                    expected: "one with a token that ends a sequence"
                )
            }
            let prompt = try encode(messages[0].content, tokenizer: tokenizer)
            let tokens = prompt + tokenizer.encode(messages[1].content, parseSpecial: false) + [eos]
            return TokenisedConversation(tokens: tokens, answers: [prompt.count..<tokens.count])
        case .chat:
            let turns = withSystem(
                messages.map { message in
                    guard message.role == "user" else { return message }
                    return Message(role: message.role, content: suffixed(message.content))
                }
            )
            let offset = turns.count - messages.count
            return try chat(template, tokenizer).tokenise(
                turns,
                answers: answers.map { $0 + offset },
                tokenizer: tokenizer
            )
        }
    }

    /// The id that ends an answer: of a chat the token that the template ends an answer's turn with, such as Gemma's
    /// `<end_of_turn>`, which need not be the vocabulary's `eos`; nil where the vocabulary has no end.
    ///
    /// - Parameters:
    ///   - tokenizer: The model's tokenizer.
    ///   - template: The model's chat template; nil where it has none, so that a chat is ChatML.
    /// - Throws: `TokenizerError` for a chat with neither a template nor ChatML's tokens.
    package func end(
        tokenizer: any Tokenizer,
        template: ChatTemplate? = nil
    ) throws(TokenizerError) -> Int32? {
        guard kind == .chat else { return tokenizer.eos }
        let chat = try chat(template, tokenizer)
        let turns = [Message(role: "user", content: "a"), Message(role: "assistant", content: "a")]
        // A template may take other conversations than this one; it then says nothing of its end.
        guard let made = try? chat.tokenise(turns, answers: [1], tokenizer: tokenizer),
            let last = made.tokens.last, tokenizer.isSpecial(last)
        else { return tokenizer.eos }
        return last
    }

    private func chat(
        _ template: ChatTemplate?,
        _ tokenizer: any Tokenizer
    ) throws(TokenizerError) -> ChatTemplate {
        if let template { return template }
        return try ChatTemplate.chatML(tokenizer)
    }

    private func suffixed(_ text: String) -> String { suffix.map { "\(text) \($0)" } ?? text }

    private func start(_ tokenizer: any Tokenizer) -> [Int32] {
        guard let beginsWithBOS else { return tokenizer.sequenceStart }
        return beginsWithBOS ? tokenizer.bos.map { [$0] } ?? [] : []
    }

    private func withSystem(_ messages: [Message]) -> [Message] {
        guard let system, messages.first?.role != "system" else { return messages }
        return [Message(role: "system", content: system)] + messages
    }
}
