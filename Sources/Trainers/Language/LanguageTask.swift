package import Contract
internal import Models
internal import Tasks
internal import Text

/// How a language trainer asks and grades: base model, tokenizer, prompt template and verifier.
/// Client and judge build the same one from the same settings.
struct LanguageTask {
    /// The score of a right answer; a wrong one has 0.
    static let correct = 1.0

    let base: BaseModel
    /// What of it is trained.
    let adapter: any AdapterKind
    let tokenizer: any Tokenizer
    /// The id that ends an answer.
    let eos: Int32
    /// The most tokens of a response, end of sequence included.
    let maxTokens: Int
    private let template: PromptTemplate
    /// The model's own chat template, where prompts are chats.
    private let chat: ChatTemplate?

    /// The task of a trainer and of its judge.
    ///
    /// - Throws: `ConfigurationError` for a chat without a template and for a prompt's words outside of the vocabulary; what
    ///   loading the model throws.
    init(_ run: RunContext, settings: some LanguageSettings) throws {
        try self.init(run, prompt: settings.prompt, maxTokens: settings.maxTokens)
    }

    /// Checks that `maxTokens` leaves place for a question.
    ///
    /// - Throws: `ConfigurationError` on its line.
    func requireRoom(_ run: RunContext) throws {
        let limit = base.configuration.positionsMax
        // What stands around every question, and one token of the question itself.
        let around = ((try? prompt("").count) ?? 0) + 1
        guard maxTokens + around <= limit else {
            throw run.settings.error(
                "maxTokens",
                "is \(maxTokens), but the model has \(limit) positions, of which a prompt needs \(around) or more; expected "
                    + "at most \(max(limit - around, 1))"
            )
        }
    }

    /// - Throws: As above.
    init(_ run: RunContext, prompt: PromptSettings, maxTokens: Int) throws {
        let words = try LanguageWords(run)
        base = try words.base(run)
        adapter = words.adapter
        tokenizer = try base.tokenizer()
        template = prompt.template
        chat = try LanguageTask.chat(template, base)
        let end: Int32?
        do throws(TokenizerError) {
            end = try template.end(tokenizer: tokenizer, template: chat)
        } catch {
            guard template.kind == .chat, chat == nil else { throw error }
            throw run.settings.error(
                "prompt.kind",
                "found chat, but \(words.model) has neither a chat template nor ChatML's tokens; expected raw, or a model "
                    + "that was tuned for chats"
            )
        }
        guard let eos = end else {
            throw run.model.error("", "\(words.model) has no token that ends a sequence")
        }
        self.eos = eos
        self.maxTokens = maxTokens
        for (key, text) in [("suffix", template.suffix.map { " " + $0 }), ("system", template.system)] {
            guard let text, let scalar = tokenizer.firstUnencodable(in: text) else { continue }
            throw run.settings.error("prompt.\(key)", LanguageTask.unencodable(scalar, in: "text"))
        }
    }

    /// What every language trainer's settings say of prompts.
    private struct PromptWords: Decodable {
        var maxTokens: Int?
        var prompt: PromptSettings?
    }

    /// The task of whatever watches the trainer of a run, in the words that all language trainers share.
    ///
    /// - Parameters:
    ///   - run: The run.
    ///   - maxTokens: The most tokens of an answer; 0 takes the trainer's.
    ///   - usual: The most tokens where neither says any.
    /// - Throws: `SettingsFault` for a trainer without a language model.
    init(watching run: RunContext, maxTokens: Int = 0, usual: Int = 256) throws {
        try SettingsFault.require(
            !run.model.isEmpty,
            "",
            "watches the answers of a language model, and the trainer of this topology has none"
        )
        let words = try run.settings.decodePart(PromptWords.self)
        try self.init(
            run,
            prompt: words.prompt ?? PromptSettings(),
            maxTokens: maxTokens > 0 ? maxTokens : words.maxTokens ?? usual
        )
    }

    /// The task of a command, which has no topology.
    ///
    /// - Throws: `CheckpointError`, `TokenizerError`, also for a vocabulary without an end.
    init(_ base: BaseModel, template: PromptTemplate, maxTokens: Int) throws {
        self.base = base
        adapter = LoRAConfiguration()
        tokenizer = try base.tokenizer()
        self.template = template
        chat = try LanguageTask.chat(template, base)
        guard let eos = try template.end(tokenizer: tokenizer, template: chat) else {
            throw TokenizerError.unsupported(
                file: "\(base.source)",
                field: "vocabulary",
                found: "one of \(tokenizer.vocabularySize) without an end",
                expected: "one with a token that ends a sequence"
            )
        }
        self.eos = eos
        self.maxTokens = maxTokens
    }

    /// Checks the terms that the topology adds to the objective.
    func examineObjectives(_ run: RunContext) throws {
        for component in run.objectives {
            try ObjectiveTerms.entry(component).examine(component.settings, run, self)
        }
    }

    /// The model's own chat template for chats, on the day that the settings name.
    private static func chat(_ template: PromptTemplate, _ base: BaseModel) throws -> ChatTemplate? {
        guard template.kind == .chat else { return nil }
        return try base.chatTemplate(date: template.date.flatMap { TemplateDate($0) } ?? .standard)
    }

    /// Whether a token ends an answer: `eos`, or another that the model itself ends one with.
    func isEnd(_ token: Int32?) -> Bool { token.map { $0 == eos || base.ends.contains($0) } ?? false }

    /// The prompt of a question's text as token ids.
    func prompt(_ text: String) throws -> [Int32] {
        try template.encode(text, tokenizer: tokenizer, template: chat)
    }

    /// A question's answer as a response: its tokens and the end of sequence.
    ///
    /// - Throws: `QuestionFault` for an answer outside of the vocabulary or longer than `maxTokens`.
    func label(of question: Question, set: String) throws(QuestionFault) -> [Int32] {
        if let scalar = tokenizer.firstUnencodable(in: question.answer) {
            throw QuestionFault(
                set: set,
                id: question.id,
                reason: LanguageTask.unencodable(scalar, in: "answer")
            )
        }
        let label = tokenizer.encode(question.answer, parseSpecial: false) + [eos]
        guard label.count <= maxTokens else {
            throw QuestionFault(
                set: set,
                id: question.id,
                reason: "its answer has \(label.count) tokens, more than maxTokens = \(maxTokens)"
            )
        }
        return label
    }

    /// A conversation as tokens, with those of its answers that are learnt from.
    ///
    /// - Throws: `QuestionFault` for text outside of the vocabulary, or turns that the prompt template has no form for.
    func tokenise(_ conversation: Conversation, set: String) throws(QuestionFault) -> TokenisedConversation {
        for message in conversation.messages {
            guard let scalar = tokenizer.firstUnencodable(in: message.content) else { continue }
            throw QuestionFault(
                set: set,
                id: conversation.id,
                reason: LanguageTask.unencodable(
                    scalar,
                    in: message.role == "assistant" ? "answer" : "prompt"
                )
            )
        }
        do {
            return try template.tokenise(
                conversation.messages,
                answers: conversation.answers,
                tokenizer: tokenizer,
                template: chat
            )
        } catch {
            throw QuestionFault(set: set, id: conversation.id, reason: "\(error)")
        }
    }

    private static func unencodable(_ scalar: Unicode.Scalar, in part: String) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        let isSeen = scalar.value > 0x20 && !(0x7F...0xA0).contains(scalar.value)
        let shown = isSeen ? "'\(scalar)' (\(code))" : code
        return "the model's vocabulary cannot express \(shown) of the \(part)"
    }

    /// 1 for a right response, else 0.
    ///
    /// Where the answer is one exact text, the response must be that text and then the end of
    /// sequence, with no other special token; otherwise the verifier reads the text, finished or not.
    func score(_ response: [Int32], to question: Question) -> Double {
        let isFinished = isEnd(response.last)
        let body = isFinished ? Array(response.dropLast()) : response
        if question.kind == .exact {
            guard isFinished, !body.contains(where: tokenizer.isSpecial) else { return 0 }
        }
        let text = tokenizer.decode(body, skipSpecial: true)
        return Verifier.verify(response: text, question: question) ? LanguageTask.correct : 0
    }

    /// The prompts of questions, checked: every character has a token, and prompt and response fit the
    /// model together.
    ///
    /// - Throws: `QuestionFault` naming the question, or a fault for an empty set.
    func prompts(of questions: [Question], set: String) throws -> [[Int32]] {
        guard !questions.isEmpty else {
            throw QuestionFault(set: set, id: nil, reason: "it has no questions")
        }
        var seen: Set<String> = []
        return try questions.map { question in
            guard seen.insert(question.id).inserted else {
                throw QuestionFault(set: set, id: question.id, reason: "another question has the same id")
            }
            return try tokens(of: question.prompt, id: question.id, set: set)
        }
    }

    /// The prompts of questions whose responses are graded: checked as `prompts` does, and so that an answer can be right.
    ///
    /// - Throws: `QuestionFault` for an answer that the vocabulary cannot express, and for a set of which no answer fits
    ///   into `maxTokens`.
    func gradedPrompts(of questions: [Question], set: String) throws -> [[Int32]] {
        let prompts = try prompts(of: questions, set: set)
        var shortest = Int.max
        for question in questions {
            // A number counts by its value, which may be written in other ways than this one.
            let isPlain =
                question.kind != .numeric || question.answer.allSatisfy { $0.isASCII && $0.isNumber }
            if isPlain, let scalar = tokenizer.firstUnencodable(in: question.answer) {
                throw QuestionFault(
                    set: set,
                    id: question.id,
                    reason: LanguageTask.unencodable(scalar, in: "answer")
                )
            }
            // An exact answer has to be finished.
            let count = tokenizer.encode(question.answer, parseSpecial: false).count
            shortest = min(shortest, question.kind == .exact ? count + 1 : count)
        }
        guard shortest <= maxTokens else {
            throw QuestionFault(
                set: set,
                id: nil,
                reason: "no answer fits into maxTokens = \(maxTokens); the shortest needs \(shortest)"
            )
        }
        return prompts
    }

    /// The prompt of a public item, which came from another host and is checked like this one's own.
    ///
    /// - Throws: `QuestionFault` naming the item.
    func publicPrompt(_ item: PublicItem) throws -> [Int32] {
        guard let text = String(validating: item.payload, as: UTF8.self) else {
            throw QuestionFault(set: "public", id: item.id, reason: "its prompt is not UTF-8")
        }
        return try tokens(of: text, id: item.id, set: "public")
    }

    /// The prompt of a text, where every character has a token and the response fits behind it.
    ///
    /// - Parameter maxTokens: The most tokens of a response; nil for the task's.
    func tokens(of text: String, id: String, set: String, maxTokens: Int? = nil) throws -> [Int32] {
        let maxTokens = maxTokens ?? self.maxTokens
        func fault(_ reason: String) -> QuestionFault { QuestionFault(set: set, id: id, reason: reason) }
        if let scalar = tokenizer.firstUnencodable(in: text) {
            throw fault(LanguageTask.unencodable(scalar, in: "prompt"))
        }
        let tokens = try prompt(text)
        let limit = base.configuration.positionsMax
        guard !tokens.isEmpty, tokens.count <= limit, maxTokens <= limit - tokens.count else {
            throw fault(
                "\(tokens.count) prompt tokens and maxTokens = \(maxTokens) exceed the model's \(limit) positions"
            )
        }
        return tokens
    }
}

/// A question that cannot be used.
package struct QuestionFault: GivenFault, Equatable, CustomStringConvertible {
    /// A file or a setting that does not hold what it should.
    package var faultKind: FaultKind { .data }
    /// Which set it is in: "private", "public" or "held-out".
    package var set: String
    /// Its identifier; nil where the fault is the whole set's.
    package var id: String?
    /// What is wrong, without the question's text.
    package var reason: String

    /// The fault in words.
    package var description: String {
        guard let id else { return "\(set) set: \(reason)" }
        return "\(set) question '\(id)': \(reason)"
    }
}
