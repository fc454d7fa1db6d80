internal import FoundationEssentials
internal import Glibc
internal import Text

extension TokenizerParts {
    /// The parts of a `tokenizer.json` that are carried over.
    struct File: Decodable {
        let normalizer: JSONValue?
        let preTokenizer: JSONValue?
        let model: Model
        let added: [Added]?

        enum CodingKeys: String, CodingKey {
            case normalizer, model
            case preTokenizer = "pre_tokenizer"
            case added = "added_tokens"
        }

        struct Model: Decodable {
            let type: String?
            let merges: [Rule]?
            let ignoreMerges: Bool?

            enum CodingKeys: String, CodingKey {
                case type, merges
                case ignoreMerges = "ignore_merges"
            }
        }

        struct Added: Decodable {
            let id: Int32
            let content: String
            let special: Bool?
            let lstrip: Bool?
            let rstrip: Bool?
            let singleWord: Bool?

            enum CodingKeys: String, CodingKey {
                case id, content, special, lstrip, rstrip
                case singleWord = "single_word"
            }
        }

        /// A pair, or in older files "left right".
        struct Rule: Decodable {
            let text: String

            init(from decoder: any Decoder) throws {
                if let text = try? decoder.singleValueContainer().decode(String.self) {
                    self.text = text
                } else {
                    text = try [String](from: decoder).joined(separator: " ")
                }
            }
        }
    }

    init(directory: String, _ tokenizer: any Tokenizer) throws {
        let path = "\(directory)/tokenizer.json"
        tokens = (0..<tokenizer.vocabularySize).map { tokenizer.token(of: Int32($0)) ?? "" }
        let pieces = try Self.pieces(of: tokenizer, path)
        if let pieces {
            (kind, types) = (.pieces(pieces), pieces.types)
        } else {
            (kind, types) = try Self.bytes(path, tokens.count)
        }
        (addsBOS, addsEOS) = (!tokenizer.sequenceStart.isEmpty, !tokenizer.sequenceEnd.isEmpty)
        (bos, eos, pad) = (tokenizer.bos, tokenizer.eos, tokenizer.pad)
        unknown = pieces?.unknown
        templates = try ChatTemplates(directory: directory)
        try readConfiguration(directory, tokenizer)
    }

    private static func bytes(
        _ path: String,
        _ count: Int
    ) throws(CheckpointError) -> (Kind, types: [Int32]) {
        let file: File
        let bytes = try ReadableFile.contents(of: path, limit: TokenizerFile.bytesMax)
        do {
            file = try JSONDecoder().decode(File.self, from: Data(bytes))
        } catch {
            throw .malformed(file: path, offset: nil, detail: JSONFault.describe(error))
        }
        guard file.model.type ?? "BPE" == "BPE", let merges = file.model.merges else {
            throw .badKey(
                file: path,
                key: "model",
                detail: "'\(file.model.type ?? "")' has no form in GGUF here, only BPE and Unigram"
            )
        }
        guard let family = ByteLevelFamily.of(file) else {
            let names = ByteLevelFamily.all.map { "'\($0.names[0])'" }.joined(separator: ", ")
            throw .badKey(
                file: path,
                key: "pre_tokenizer",
                detail: "with this normalizer it is none that GGUF has a name for here, only \(names)"
            )
        }
        for token in file.added ?? []
        where token.lstrip == true || token.rstrip == true || token.singleWord == true {
            throw .badKey(
                file: path,
                key: "added_tokens",
                detail: "'\(token.content)' takes its surroundings with it, which GGUF cannot say"
            )
        }
        var types = [Int32](repeating: ordinary, count: count)
        for token in file.added ?? [] where types.indices.contains(Int(token.id)) {
            types[Int(token.id)] = token.special ?? false ? special : added
        }
        return (.bytes(family, merges: merges.map(\.text)), types)
    }

    private mutating func readConfiguration(
        _ directory: String,
        _ tokenizer: any Tokenizer
    ) throws(CheckpointError) {
        let path = "\(directory)/tokenizer_config.json"
        if access(path, F_OK) == 0 {
            let configuration = try JSONValue.read(path, limit: TokenizerFile.bytesMax)
            unknown =
                unknown
                ?? (configuration["unk_token"]?.text ?? configuration["unk_token"]?["content"]?.text)
                .flatMap { tokenizer.id(of: $0) }
        }
    }

    /// Writes `tokenizer.json` and `tokenizer_config.json` into a folder.
    ///
    /// - Parameter positionsMax: The longest text that the model takes.
    func write(toDirectory directory: String, positionsMax: Int) throws(CheckpointError) {
        try WritableFile.write(file.bytes, to: "\(directory)/tokenizer.json")
        try WritableFile.write(
            configuration(positionsMax: positionsMax).bytes,
            to: "\(directory)/tokenizer_config.json"
        )
    }

    private var file: JSONValue {
        let unknown = GGUFVocabulary.TokenType.unknown.rawValue
        let listed = tokens.enumerated().filter {
            [Self.special, Self.added, unknown].contains(types[$0.offset])
        }
        let added = JSONValue.list(
            listed.map { id, token in
                .members([
                    "id": .integer(id), "content": .text(token), "single_word": .flag(false),
                    "lstrip": .flag(false), "rstrip": .flag(false), "normalized": .flag(false),
                    "special": .flag(types[id] != Self.added),
                ])
            }
        )
        var members: [JSONValue.Member] = [
            .init(key: "version", value: .text("1.0")), .init(key: "truncation", value: .null),
            .init(key: "padding", value: .null), .init(key: "added_tokens", value: added),
            .init(key: "post_processor", value: postProcessor),
        ]
        switch kind {
        case .bytes(let family, let merges): members += Self.members(family, tokens, merges)
        case .pieces(let pieces): members += pieces.members
        }
        return .object(members)
    }

    private static func members(
        _ family: ByteLevelFamily,
        _ tokens: [String],
        _ merges: [String]
    ) -> [JSONValue.Member] {
        let decoder = JSONValue.members([
            "type": .text("ByteLevel"), "add_prefix_space": .flag(true), "trim_offsets": .flag(true),
            "use_regex": .flag(true),
        ])
        let model = JSONValue.members([
            "type": .text("BPE"), "dropout": .null, "unk_token": .null, "continuing_subword_prefix": .null,
            "end_of_word_suffix": .null, "fuse_unk": .flag(false), "byte_fallback": .flag(false),
            "ignore_merges": .flag(family.ignoresMerges),
            "vocab": .object(tokens.enumerated().map { .init(key: $0.element, value: .integer($0.offset)) }),
            "merges": .list(merges.map { .list($0.split(separator: " ").map { .text(String($0)) }) }),
        ])
        return [
            .init(key: "normalizer", value: family.normalizer ?? .null),
            .init(key: "pre_tokenizer", value: family.preTokenizer),
            .init(key: "decoder", value: decoder), .init(key: "model", value: model),
        ]
    }

    private var postProcessor: JSONValue {
        let (start, end) = (addsBOS ? bos : nil, addsEOS ? eos : nil)
        let ids = Set([start, end].compactMap { $0 }).sorted()
        guard !ids.isEmpty else { return .null }
        func text(_ id: Int32) -> JSONValue { .text(tokens[Int(id)]) }
        func sequence(_ name: String, _ type: Int) -> [JSONValue] {
            func piece(_ kind: String, _ id: JSONValue) -> JSONValue {
                .members([kind: .members(["id": id, "type_id": .integer(type)])])
            }
            return [
                start.map { piece("SpecialToken", text($0)) }, piece("Sequence", .text(name)),
                end.map { piece("SpecialToken", text($0)) },
            ].compactMap { $0 }
        }
        return .members([
            "type": .text("TemplateProcessing"),
            "single": .list(sequence("A", 0)),
            "pair": .list(sequence("A", 0) + sequence("B", 1)),
            "special_tokens": .object(
                ids.map { id in
                    let value = JSONValue.members([
                        "id": text(id), "ids": .list([.integer(Int(id))]), "tokens": .list([text(id)]),
                    ])
                    return .init(key: tokens[Int(id)], value: value)
                }
            ),
        ])
    }

    /// What `tokenizer_config.json` says; nil where there is no template.
    private static func json(_ templates: ChatTemplates) -> JSONValue? {
        let usual = templates.usual?.text
        guard !templates.named.isEmpty else { return usual.map { .text($0) } }
        let all = (usual.map { [.init(name: ChatTemplates.usualName, text: $0)] } ?? []) + templates.named
        return .list(all.map { .members(["name": .text($0.name), "template": .text($0.text)]) })
    }

    private func configuration(positionsMax: Int) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init(key: "tokenizer_class", value: .text("PreTrainedTokenizerFast")),
            .init(key: "model_max_length", value: .integer(positionsMax)),
            .init(key: "clean_up_tokenization_spaces", value: .flag(false)),
        ]
        for (role, id) in [("bos", bos), ("eos", eos), ("pad", pad), ("unk", unknown)] {
            if let id { members.append(.init(key: "\(role)_token", value: .text(tokens[Int(id)]))) }
        }
        if let json = Self.json(templates) { members.append(.init(key: "chat_template", value: json)) }
        return .object(members)
    }
}
