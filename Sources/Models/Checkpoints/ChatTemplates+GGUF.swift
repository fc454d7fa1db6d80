internal import Text

extension ChatTemplates {
    private static let key = "tokenizer.chat_template"

    /// The templates in the metadata of a GGUF file.
    init(_ metadata: [String: GGUFValue], file: String) throws(CheckpointError) {
        self.init()
        for key in metadata.keys.sorted() where key == Self.key || key.hasPrefix(Self.key + ".") {
            let name = key == Self.key ? Self.usualName : String(key.dropFirst(Self.key.count + 1))
            guard add(.init(name: name, text: try metadata.text(key, file: file)), from: file) else {
                throw .badKey(
                    file: file,
                    key: key,
                    detail: "is there beside '\(Self.key)', which has its place"
                )
            }
        }
    }

    /// The keys of a GGUF file.
    var ggufKeys: [(key: String, value: GGUFFileWriter.Value)] {
        var keys: [(key: String, value: GGUFFileWriter.Value)] = []
        if let usual { keys.append((Self.key, .text(usual.text))) }
        if !named.isEmpty { keys.append((Self.key + "s", .texts(named.map(\.name)))) }
        return keys + named.map { ("\(Self.key).\($0.name)", .text($0.text)) }
    }
}
