package import Text

extension BaseModel {
    /// The model's own chat template; nil where it has none.
    ///
    /// - Parameter date: What the template takes for today.
    /// - Throws: `TokenizerError` with the line, for a template that is not Jinja or not known here; `CheckpointError`
    ///   for a file that cannot be read.
    package func chatTemplate(date: TemplateDate = .standard) throws -> ChatTemplate? {
        guard let text = try BaseModel.chatTemplate(of: source) else { return nil }
        return try ChatTemplate(text, tokenizer: tokenizer(), date: date)
    }

    /// The text of a model's own chat template, which is a part of what decides which ids a text gets; nil where it
    /// has none.
    package static func chatTemplate(of source: ModelSource) throws -> ChatTemplate.Source? {
        switch source {
        case .embedded(let name):
            return try ChatTemplateFile.find(inDirectory: EmbeddedModels.directory(of: name))
        case .directory(let path): return try ChatTemplateFile.find(inDirectory: path)
        case .gguf(let path):
            let (key, metadata) = ("tokenizer.chat_template", try GGUFFile(path: path).metadata)
            guard metadata[key] != nil else { return nil }
            return ChatTemplate.Source(text: try metadata.text(key, file: path), file: path)
        }
    }
}
