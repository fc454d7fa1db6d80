internal import FoundationEssentials

/// Finds the chat template in a model's folder: `chat_template.jinja`, or `chat_template` of `tokenizer_config.json`.
package enum ChatTemplateFile {
    /// The name of the template that is used where there are several.
    package static let standardName = "default"

    /// The template of a folder; nil where it has none.
    ///
    /// - Throws: `TokenizerError` for a file that cannot be read, and for several templates without a default.
    package static func find(inDirectory path: String) throws(TokenizerError) -> ChatTemplate.Source? {
        let alone = "\(path)/chat_template.jinja"
        if FileManager.default.fileExists(atPath: alone) {
            guard let text = String(validating: try TokenizerFile.read(alone), as: UTF8.self) else {
                throw .malformed(
                    file: alone,
                    field: "file",
                    found: "bytes that are not UTF-8",
                    expected: "a text"
                )
            }
            return ChatTemplate.Source(text: text, file: alone)
        }
        let file = "\(path)/tokenizer_config.json"
        guard FileManager.default.fileExists(atPath: file) else { return nil }
        return try find(inConfiguration: TokenizerFile.read(file), file: file)
    }

    /// The template of a `tokenizer_config.json`; nil where it has none.
    static func find(
        inConfiguration bytes: [UInt8],
        file: String
    ) throws(TokenizerError) -> ChatTemplate.Source? {
        let root: JSONNode
        do {
            root = JSONNode(try JSONReader.value(of: bytes), field: "file", file: file)
        } catch {
            throw .malformed(file: file, field: "file", found: error.found, expected: error.expected)
        }
        guard let node = try root.child("chat_template") else { return nil }
        if case .text(let text) = node.value { return ChatTemplate.Source(text: text, file: file) }
        guard case .array(let values) = node.value else { throw node.fault("a text or a list of named ones") }
        var named: [(name: String, text: String)] = []
        for (index, value) in values.enumerated() {
            let entry = JSONNode(value, field: "\(node.field)[\(index)]", file: file)
            named.append((try entry.required("name").text(), try entry.required("template").text()))
        }
        guard !named.isEmpty else { return nil }
        guard let chosen = named.first(where: { $0.name == standardName }) else {
            throw .unsupported(
                file: file,
                field: "chat_template",
                found: "templates named \(named.map(\.name).joined(separator: ", "))",
                expected: "one named '\(standardName)'"
            )
        }
        return ChatTemplate.Source(text: chosen.text, file: file)
    }
}
