/// How a question's text becomes the prompt that a model sees.
///
/// In settings: `{"kind": "raw"}`, or `{"kind": "chat", "suffix": "Answer with a number only."}`.
package struct PromptTemplate: Sendable, Equatable, Codable {
    /// The two kinds of template.
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// The text itself, after the id that begins a sequence.
        case raw
        /// A user's turn in ChatML, with the assistant's turn opened after it.
        case chat
    }

    /// The kind.
    package var kind: Kind
    /// An instruction put behind the text after a space.
    package var suffix: String?
    /// The system turn of a chat; nil for the template's own.
    package var system: String?
    /// Whether a raw prompt begins with `bos`; true if not given. A chat never does.
    package var beginsWithBOS: Bool?

    /// The text itself, after `bos` where the vocabulary has one.
    package static let raw = PromptTemplate(kind: .raw)

    /// Makes a template.
    package init(kind: Kind, suffix: String? = nil, system: String? = nil, beginsWithBOS: Bool? = nil) {
        self.kind = kind
        self.suffix = suffix
        self.system = system
        self.beginsWithBOS = beginsWithBOS
    }

    /// The ids of a prompt. Special tokens spelled out in the text stay plain text.
    ///
    /// - Parameters:
    ///   - text: The question's text.
    ///   - tokenizer: The model's tokenizer.
    /// - Throws: `TokenizerError.unsupported` for a chat with a vocabulary without ChatML.
    package func encode(_ text: String, tokenizer: any Tokenizer) throws(TokenizerError) -> [Int32] {
        let full = suffix.map { "\(text) \($0)" } ?? text
        switch kind {
        case .raw:
            let start = beginsWithBOS ?? true ? tokenizer.bos.map { [$0] } ?? [] : []
            return start + tokenizer.encode(full, parseSpecial: false)
        case .chat:
            return try ChatTemplate.chatML.encode(
                messages(full),
                addGenerationPrompt: true,
                tokenizer: tokenizer
            )
        }
    }

    private func messages(_ text: String) -> [Message] {
        let user = Message(role: "user", content: text)
        guard let system else { return [user] }
        return [Message(role: "system", content: system), user]
    }
}
