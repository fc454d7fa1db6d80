internal import FoundationEssentials

/// The chat templates of a model, wherever it keeps them: `chat_template.jinja` and `tokenizer_config.json`
/// of a folder, or the metadata of a GGUF file.
package struct ChatTemplates: Sendable {
    /// A template with a name.
    package struct Named: Sendable, Equatable {
        /// The name.
        package let name: String
        /// The template's text.
        package let text: String

        /// Makes a template with a name.
        package init(name: String, text: String) { (self.name, self.text) = (name, text) }
    }

    /// The name of the template that is used where there are several.
    package static let usualName = "default"

    /// The one that is used unless another is asked for.
    package private(set) var usual: ChatTemplate.Source?
    /// Others in ascending order of name.
    package private(set) var named: [Named] = []

    /// No templates.
    package init() {}

    /// The templates of a folder; `chat_template.jinja` goes before what `tokenizer_config.json` says.
    ///
    /// - Throws: `TokenizerError` for a file that cannot be read, or says something else.
    package init(directory path: String) throws(TokenizerError) {
        self.init()
        let configuration = "\(path)/tokenizer_config.json"
        if FileManager.default.fileExists(atPath: configuration) {
            self = try ChatTemplates(configuration: TokenizerFile.read(configuration), file: configuration)
        }
        let alone = "\(path)/chat_template.jinja"
        guard FileManager.default.fileExists(atPath: alone) else { return }
        guard let text = String(validating: try TokenizerFile.read(alone), as: UTF8.self) else {
            let found = "bytes that are not UTF-8"
            throw .malformed(file: alone, field: "file", found: found, expected: "a text")
        }
        usual = .init(text: text, file: alone)
    }

    /// The templates of a `tokenizer_config.json`.
    init(configuration bytes: [UInt8], file: String) throws(TokenizerError) {
        let root: JSONNode
        do {
            root = JSONNode(try JSONReader.value(of: bytes), field: "file", file: file)
        } catch {
            throw .malformed(file: file, field: "file", found: error.found, expected: error.expected)
        }
        guard let node = try root.child("chat_template") else { return }
        if case .text(let text) = node.value {
            usual = .init(text: text, file: file)
            return
        }
        guard case .array(let values) = node.value else { throw node.fault("a text or a list of named ones") }
        for (index, value) in values.enumerated() {
            let entry = JSONNode(value, field: "\(node.field)[\(index)]", file: file)
            let template = Named(
                name: try entry.required("name").text(),
                text: try entry.required("template").text()
            )
            guard add(template, from: file) else {
                throw entry.fault("a template of another name than those before")
            }
        }
    }

    /// Adds a template, the usual one by its name.
    ///
    /// - Returns: Whether there was none of its name.
    package mutating func add(_ template: Named, from file: String) -> Bool {
        if template.name == Self.usualName {
            guard usual == nil else { return false }
            usual = .init(text: template.text, file: file)
            return true
        }
        let place = named.firstIndex { $0.name >= template.name } ?? named.count
        guard place == named.count || named[place].name != template.name else { return false }
        named.insert(template, at: place)
        return true
    }

    /// The template that a conversation is rendered with; nil where there is none at all.
    ///
    /// - Throws: `TokenizerError.unsupported` for several templates without a usual one.
    package func source(file: String) throws(TokenizerError) -> ChatTemplate.Source? {
        guard usual == nil, !named.isEmpty else { return usual }
        throw .unsupported(
            file: file,
            field: "chat_template",
            found: "templates named \(named.map(\.name).joined(separator: ", "))",
            expected: "one named '\(Self.usualName)'"
        )
    }
}
