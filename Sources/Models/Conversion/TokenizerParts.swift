internal import FoundationEssentials
internal import Text

/// What a tokenizer is made of, read from either form of a checkpoint and written to either.
///
/// A tokenizer that is no ``Kind`` is refused by name. What is written is read again and compared with what
/// was read, so that what this does not carry over is an error (``Conversion``).
struct TokenizerParts {
    /// What text is written as.
    enum Kind {
        /// Bytes in GPT-2's alphabet, cut by a family's pattern; the rules by rank, each "left right".
        case bytes(ByteLevelFamily, merges: [String])
        /// SentencePiece's pieces.
        case pieces(PieceVocabulary)

        /// `tokenizer.ggml.model`.
        var ggufModel: String {
            switch self {
            case .bytes: "gpt2"
            case .pieces(let pieces): pieces.kind == .unigram ? "t5" : "llama"
            }
        }
    }

    /// The tokens by id.
    var tokens: [String]
    /// For each token, what it is with GGUF's code (`GGUFVocabulary.TokenType`).
    var types: [Int32]
    /// What text is written as.
    var kind: Kind
    /// Whether the begin token stands before a text that is encoded on its own.
    var addsBOS: Bool
    /// Whether the end token stands behind such a text.
    var addsEOS: Bool
    var bos: Int32?
    var eos: Int32?
    var pad: Int32?
    var unknown: Int32?
    var templates: ChatTemplates

    static let ordinary = GGUFVocabulary.TokenType.normal.rawValue
    static let special = GGUFVocabulary.TokenType.control.rawValue
    static let added = GGUFVocabulary.TokenType.userDefined.rawValue
    static let unused = GGUFVocabulary.TokenType.unused.rawValue

    /// Reads the parts of a checkpoint's tokenizer.
    init(_ checkpoint: Checkpoint) throws {
        let tokenizer = try checkpoint.makeTokenizer()
        switch checkpoint.form {
        case .gguf: try self.init(checkpoint.metadata, tokenizer, file: checkpoint.path)
        case .huggingFace: try self.init(directory: checkpoint.path, tokenizer)
        }
    }

    /// The pieces of a tokenizer that has some.
    static func pieces(of tokenizer: any Tokenizer, _ file: String) throws(TokenizerError) -> PieceVocabulary?
    {
        guard let tokenizer = tokenizer as? SubwordTokenizer else { return nil }
        return try PieceVocabulary(tokenizer, source: file)
    }
}

// MARK: - GGUF

extension TokenizerParts {
    private static let prefix = "tokenizer.ggml."
    /// The keys that are carried over, and those that say nothing here.
    private static let known: Set<String> = [
        "model", "pre", "tokens", "token_type", "merges", "add_bos_token", "bos_token_id", "eos_token_id",
        "unknown_token_id", "padding_token_id", "scores", "add_eos_token",
    ]
    /// Those that only pieces have.
    private static let knownOfPieces: Set<String> = ["add_space_prefix", "remove_extra_whitespaces"]
    /// The keys that change nothing at one value.
    private static let neutral: [String: GGUFValue] = [
        "add_space_prefix": .integer(0), "add_sep_token": .integer(0),
    ]

    private init(_ metadata: [String: GGUFValue], _ tokenizer: any Tokenizer, file: String) throws {
        tokens = try metadata.texts(Self.prefix + "tokens", file: file)
        types = try Self.types(metadata, tokens.count, file: file)
        // Ids that only fill an embedding up are no tokens.
        while types.last == Self.unused, tokens.last?.hasPrefix("[PAD") == true {
            types.removeLast()
            tokens.removeLast()
        }
        let isBytes = try metadata.text(Self.prefix + "model", file: file) == "gpt2"
        guard isBytes || !types.contains(Self.unused) else {
            throw CheckpointError.badKey(
                file: file,
                key: Self.prefix + "token_type",
                detail: "has unused pieces (5) among others, which a tokenizer.json has no word for"
            )
        }
        let pieces = try Self.pieces(of: tokenizer, file)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) where key.hasPrefix(Self.prefix) {
            let name = String(key.dropFirst(Self.prefix.count))
            guard !Self.known.contains(name), Self.neutral[name] != value,
                pieces == nil || !Self.knownOfPieces.contains(name),
                pieces?.kind != .unigram || name != "precompiled_charsmap"
            else { continue }
            throw CheckpointError.badKey(file: file, key: key, detail: "has no place in a tokenizer.json")
        }
        let addsBOS: Bool
        if let pieces {
            (kind, addsBOS) = (.pieces(pieces), !tokenizer.sequenceStart.isEmpty)
        } else {
            let (family, merges) = try Self.bytes(metadata, types, file: file)
            kind = .bytes(family, merges: merges)
            addsBOS = family.addsBOS
        }
        let flag = try metadata.integer(Self.prefix + "add_bos_token", or: addsBOS ? 1 : 0, file: file)
        self.addsBOS = flag != 0
        let ends = tokenizer.sequenceEnd.isEmpty ? 0 : 1
        addsEOS = try metadata.integer(Self.prefix + "add_eos_token", or: ends, file: file) != 0
        templates = try ChatTemplates(metadata, file: file)
        (bos, eos, pad, unknown) = (nil, nil, nil, nil)
        bos = try id("bos", metadata, file: file)
        eos = try id("eos", metadata, file: file)
        pad = try id("padding", metadata, file: file)
        unknown = try id("unknown", metadata, file: file) ?? pieces?.unknown
    }

    private static func types(
        _ metadata: [String: GGUFValue],
        _ count: Int,
        file: String
    ) throws(CheckpointError) -> [Int32] {
        let key = prefix + "token_type"
        guard let value = metadata[key] else { return [Int32](repeating: ordinary, count: count) }
        guard case .integers(let found) = value, found.count == count,
            found.allSatisfy({ (1...6).contains($0) })
        else {
            throw .badKey(file: file, key: key, detail: "is not one of 1 to 6 for each of \(count) tokens")
        }
        return found.map { Int32(truncatingIfNeeded: $0) }
    }

    private static func bytes(
        _ metadata: [String: GGUFValue],
        _ types: [Int32],
        file: String
    ) throws(CheckpointError) -> (ByteLevelFamily, merges: [String]) {
        let pre = try metadata.text(prefix + "pre", file: file)
        guard let family = ByteLevelFamily.named(pre) else {
            let names = ByteLevelFamily.all.flatMap(\.names).map { "'\($0)'" }.joined(separator: ", ")
            throw .badKey(file: file, key: prefix + "pre", detail: "'\(pre)' is not converted, only \(names)")
        }
        guard types.allSatisfy({ [ordinary, special, added, unused].contains($0) }) else {
            throw .badKey(
                file: file,
                key: prefix + "token_type",
                detail: "has others than 1, 3, 4 and 5 in a byte-level vocabulary"
            )
        }
        return (family, try metadata.texts(prefix + "merges", file: file))
    }

    private func id(_ role: String, _ metadata: [String: GGUFValue], file: String) throws(CheckpointError)
        -> Int32?
    {
        let key = "\(Self.prefix)\(role)_token_id"
        guard metadata[key] != nil else { return nil }
        let value = try metadata.integer(key, file: file)
        guard tokens.indices.contains(value) else {
            throw .badKey(file: file, key: key, detail: "\(value) is not the id of a token")
        }
        return Int32(value)
    }

    /// The keys of a GGUF file.
    ///
    /// - Parameter rows: How many rows the embedding has: as many tokens there must be.
    func ggufKeys(rows: Int) -> [(key: String, value: GGUFFileWriter.Value)] {
        let fill = (tokens.count..<max(rows, tokens.count)).map { "[PAD\($0)]" }
        var keys: [(key: String, value: GGUFFileWriter.Value)] = [
            (Self.prefix + "model", .text(kind.ggufModel)),
            (Self.prefix + "tokens", .texts(tokens + fill)),
            (Self.prefix + "token_type", .integers(types + fill.map { _ in Self.unused })),
        ]
        switch kind {
        case .bytes(let family, let merges):
            keys.append((Self.prefix + "pre", .text(family.names[0])))
            keys.append((Self.prefix + "merges", .texts(merges)))
        case .pieces(let pieces):
            keys.append((Self.prefix + "pre", .text("default")))
            keys += pieces.ggufKeys(fill: fill.count).map { (Self.prefix + $0.key, $0.value) }
        }
        for (role, id) in [("bos", bos), ("eos", eos), ("unknown", unknown), ("padding", pad)] {
            if let id { keys.append(("\(Self.prefix)\(role)_token_id", .unsigned(UInt32(id)))) }
        }
        keys.append((Self.prefix + "add_bos_token", .flag(addsBOS)))
        if addsEOS || kind.ggufModel == "t5" {
            keys.append((Self.prefix + "add_eos_token", .flag(addsEOS)))
        }
        keys += templates.ggufKeys
        return keys
    }
}
