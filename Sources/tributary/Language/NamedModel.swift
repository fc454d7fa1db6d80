internal import Glibc
internal import Models
internal import Nodes
internal import Text

/// A model as a person names it on the command line.
struct NamedModel {
    /// Where it is.
    let source: ModelSource
    /// The model.
    let base: BaseModel
    /// Its tokenizer.
    let tokenizer: any Tokenizer
    /// Its own chat template, nil where it has none; or what is wrong with it, which only a chat needs to know.
    private let chat: Result<ChatTemplate?, any Error>

    /// Loads an embedded model, a GGUF file or a folder.
    ///
    /// - Parameters:
    ///   - name: As a person names it.
    ///   - date: What its chat template takes for today.
    ///   - weights: As `BaseModel.load` takes it.
    init(_ name: String, date: TemplateDate = .standard, weights: WeightForm? = .float32) throws {
        source = NamedModel.source(name)
        if case .directory(let path) = source, !path.contains("/"), access(path, F_OK) != 0 {
            throw NodeError(
                .input,
                "there is no model '\(name)': nothing here has that name, and the embedded ones are "
                    + EmbeddedModels.names.joined(separator: ", ")
            )
        }
        base = try BaseModel.load(source, weights: weights)
        tokenizer = try base.tokenizer()
        chat = Result { [base] in try base.chatTemplate(date: date) }
    }

    /// Where a model is that is named by an embedded one's name, a GGUF file or a folder.
    static func source(_ name: String) -> ModelSource {
        if EmbeddedModels.names.contains(name) { return .embedded(name) }
        // As reports and headers show it.
        if name.hasPrefix("embedded:") { return .embedded(String(name.dropFirst("embedded:".count))) }
        return name.hasSuffix(".gguf") ? .gguf(name) : .directory(name)
    }

    /// The embedded model's name, or the last part of the path.
    var shortName: String {
        switch source {
        case .embedded(let name): name
        case .directory(let path), .gguf(let path): path.split(separator: "/").last.map(String.init) ?? path
        }
    }

    /// How a prompt is given: as a chat message where the model has a chat template, unless it is to be taken as it
    /// is.
    ///
    /// - Throws: `TokenizerError` for a template that is not known here.
    func template(raw: Bool) throws -> (prompt: PromptTemplate, chat: ChatTemplate?) {
        guard !raw, let own = try chat.get() else { return (.raw, nil) }
        return (PromptTemplate(kind: .chat), own)
    }

    /// The tokens of a prompt.
    ///
    /// - Throws: `NodeError` for a character without a token, and a prompt that leaves no room.
    func tokens(of prompt: String, raw: Bool) throws -> [Int32] {
        let (template, chat) = try template(raw: raw)
        let ids = try template.encode(prompt, tokenizer: tokenizer, template: chat)
        if let unknown = tokenizer.firstUnencodable(in: prompt) {
            throw NodeError(.data, "the model's vocabulary has no token for '\(unknown)' in the prompt")
        }
        guard !ids.isEmpty else {
            throw NodeError(
                .data,
                "the prompt makes no tokens: its text, or what the chat template makes of it, is empty"
            )
        }
        guard ids.count < base.configuration.positionsMax else {
            throw NodeError(
                .data,
                "the prompt has \(ids.count) tokens, the model takes at most \(base.configuration.positionsMax)"
            )
        }
        return ids
    }

    /// The id that ends an answer to a prompt that is given so.
    func end(raw: Bool) throws -> Int32? {
        let (template, chat) = try template(raw: raw)
        return try template.end(tokenizer: tokenizer, template: chat)
    }

    /// An adapter from a folder, for this model; nil if none is named.
    func adapter(_ folder: String?) throws -> Adapter? {
        guard let folder else { return nil }
        return try AdapterDirectory.adapter(from: folder, for: base)
    }
}
