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

/// A model's own form for conversations: a Jinja template, rendered as Hugging Face's `apply_chat_template` does.
///
/// What it knows of Jinja is what chat templates use; anything else is refused by name where it is reached. A template
/// may come from anywhere: it cannot reach anything but the conversation, and time, depth and size are bounded.
package struct ChatTemplate: Sendable {
    /// A template's text and where it was found.
    package struct Source: Sendable, Equatable {
        /// The text.
        package let text: String
        /// The file, for errors.
        package let file: String

        /// Takes a template's text.
        package init(text: String, file: String) { (self.text, self.file) = (text, file) }
    }

    /// A conversation as text.
    package struct Rendering: Sendable, Equatable {
        /// The text, with special tokens spelled out.
        package let text: String
        /// Which of its UTF-8 was written in the conversation and not by the template: ascending and disjoint.
        package let plain: [Range<Int>]
        /// Which of its UTF-8 the template says that the model writes (`{% generation %}`), in order.
        package let generations: [Range<Int>]
    }

    /// The longest template that is read.
    package static let bytesMax = 1 << 20

    /// The template and where it was found.
    package let source: Source
    private let statements: [TemplateStatement]
    private let tokens: [String: String]
    private let date: TemplateDate

    /// Reads a template.
    ///
    /// - Parameters:
    ///   - source: The template.
    ///   - tokenizer: The model's, for the tokens that a template names (`bos_token` and its like).
    ///   - date: What the template takes for today.
    /// - Throws: `TokenizerError` with the line, for what is not Jinja or is not known here.
    package init(
        _ source: Source,
        tokenizer: any Tokenizer,
        date: TemplateDate = .standard
    ) throws(TokenizerError) {
        guard source.text.utf8.count <= ChatTemplate.bytesMax else {
            throw .malformed(
                file: source.file,
                field: "chat template",
                found: "\(source.text.utf8.count) bytes",
                expected: "at most \(ChatTemplate.bytesMax)"
            )
        }
        self.source = source
        self.date = date
        var tokens: [String: String] = [:]
        let roles = [
            ("bos", tokenizer.bos), ("eos", tokenizer.eos), ("pad", tokenizer.pad), ("unk", tokenizer.unk),
        ]
        for (name, id) in roles {
            tokens[name + "_token"] = id.flatMap(tokenizer.token)
        }
        self.tokens = tokens
        do throws(TemplateFault) {
            statements = try TemplateParser.parse(source.text)
        } catch {
            throw error.error(in: source.file)
        }
    }

    /// ChatML, for a model that has no template but ChatML's tokens.
    ///
    /// - Throws: `TokenizerError.unsupported` if the vocabulary lacks them.
    static func chatML(_ tokenizer: any Tokenizer) throws(TokenizerError) -> ChatTemplate {
        let (start, end) = ("<|im_start|>", "<|im_end|>")
        guard tokenizer.id(of: start) != nil, tokenizer.id(of: end) != nil else {
            throw .unsupported(
                file: "chat template",
                field: "vocabulary",
                found:
                    "a model without a chat template, and with a vocabulary of \(tokenizer.vocabularySize)",
                expected: "a model with a template, or one with \(start) and \(end) for ChatML"
            )
        }
        let text = """
            {% for turn in messages %}\(start){{ turn.role }}
            {{ turn.content }}\(end)
            {% endfor %}{% if add_generation_prompt %}\(start)assistant
            {% endif %}
            """
        return try ChatTemplate(Source(text: text, file: "ChatML"), tokenizer: tokenizer)
    }

    /// The conversation as text.
    ///
    /// - Parameters:
    ///   - messages: The turns.
    ///   - addGenerationPrompt: Whether the assistant's turn is opened at the end.
    /// - Throws: `TokenizerError` with the line, for a conversation that the template refuses and for what is not
    ///   known here.
    package func render(
        _ messages: [Message],
        addGenerationPrompt: Bool
    ) throws(TokenizerError) -> Rendering {
        let turns = messages.map { message -> TemplateValue in
            var turn = TemplateMapping()
            turn.set(
                .text(TemplateText(message.role, isMarked: !ChatTemplate.isWord(message.role))),
                for: "role"
            )
            turn.set(.text(TemplateText(message.content, isMarked: true)), for: "content")
            return .mapping(turn)
        }
        var variables: [String: TemplateValue] = [
            "messages": .list(turns), "tools": .none, "documents": .none,
            "add_generation_prompt": .boolean(addGenerationPrompt),
        ]
        for (name, token) in tokens { variables[name] = .string(token) }
        do throws(TemplateFault) {
            let (text, generations) = try TemplateRenderer(date: date).render(statements, variables)
            return Rendering(
                text: text.string,
                plain: text.utf8(of: text.marks),
                generations: text.utf8(of: generations)
            )
        } catch {
            throw error.error(in: source.file)
        }
    }

    /// Whether a role is one word. Templates build tokens such as `<|user|>` from it, and nothing else could.
    private static func isWord(_ role: String) -> Bool {
        role.utf8.allSatisfy { 97...122 ~= $0 | 32 || 48...57 ~= $0 || $0 == 45 || $0 == 95 }
    }

    /// The conversation as ids.
    ///
    /// The ids of the rendered text, except that special tokens spelled out in a message stay plain text: a data set
    /// cannot end its own turn.
    ///
    /// - Throws: `TokenizerError`, as `render` does.
    package func encode(
        _ messages: [Message],
        addGenerationPrompt: Bool,
        tokenizer: any Tokenizer
    ) throws(TokenizerError) -> [Int32] {
        let rendering = try render(messages, addGenerationPrompt: addGenerationPrompt)
        return tokenizer.encode(rendering.text, plain: rendering.plain)
    }
}
