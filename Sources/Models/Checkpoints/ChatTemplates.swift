internal import Glibc
internal import Text

/// The chat templates of a checkpoint.
struct ChatTemplates: Equatable {
    /// The one that is used unless another is asked for.
    var usual: String?
    /// Others by name.
    var named: [Named] = []

    /// A template with a name.
    struct Named: Equatable {
        let name: String
        let text: String
    }

    private static let key = "tokenizer.chat_template"
    private static let member = "chat_template"
    private static let usualName = "default"

    /// The templates of a folder: `chat_template.jinja`, which goes before `chat_template` in `tokenizer_config.json`.
    static func read(directory: String) throws(CheckpointError) -> ChatTemplates {
        var templates = ChatTemplates()
        let path = "\(directory)/tokenizer_config.json"
        if access(path, F_OK) == 0 {
            let value = try JSONValue.read(path, limit: TokenizerFile.bytesMax)[member]
            templates.usual = value?.text
            for template in value?.list ?? [] {
                guard let name = template["name"]?.text, let text = template["template"]?.text else {
                    throw .badKey(file: path, key: member, detail: "a template without its name or text")
                }
                if name == usualName {
                    templates.usual = text
                } else {
                    templates.named.append(.init(name: name, text: text))
                }
            }
        }
        let file = "\(directory)/chat_template.jinja"
        guard access(file, F_OK) == 0 else { return templates }
        let bytes = try ReadableFile.contents(of: file, limit: TokenizerFile.bytesMax)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .malformed(file: file, offset: nil, detail: "is not UTF-8")
        }
        templates.usual = text
        return templates
    }

    /// The templates in the metadata of a GGUF file.
    static func read(_ metadata: [String: GGUFValue], file: String) throws(CheckpointError) -> ChatTemplates {
        var templates = ChatTemplates()
        if metadata[key] != nil { templates.usual = try metadata.text(key, file: file) }
        for name in metadata.keys.sorted() where name.hasPrefix(key + ".") {
            let text = try metadata.text(name, file: file)
            templates.named.append(.init(name: String(name.dropFirst(key.count + 1)), text: text))
        }
        return templates
    }

    /// The keys of a GGUF file.
    var ggufKeys: [(key: String, value: GGUFFileWriter.Value)] {
        var keys: [(key: String, value: GGUFFileWriter.Value)] = []
        if let usual { keys.append((Self.key, .text(usual))) }
        if !named.isEmpty { keys.append((Self.key + "s", .texts(named.map(\.name)))) }
        return keys + named.map { ("\(Self.key).\($0.name)", .text($0.text)) }
    }

    /// What `tokenizer_config.json` says; nil where there is no template.
    var json: JSONValue? {
        guard !named.isEmpty else { return usual.map { .text($0) } }
        let all = (usual.map { [Named(name: Self.usualName, text: $0)] } ?? []) + named
        return .list(all.map { .members(["name": .text($0.name), "template": .text($0.text)]) })
    }
}
