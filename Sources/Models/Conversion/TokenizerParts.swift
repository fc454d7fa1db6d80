internal import FoundationEssentials
internal import Text

/// What a byte-level tokenizer is made of, read from either form of a checkpoint and written to either.
///
/// Another kind of tokenizer is refused by name. What is written is read again and compared with what was read, so that
/// what this does not carry over is an error (``Conversion``).
struct TokenizerParts {
    /// The tokens by id.
    var tokens: [String]
    /// For each token, its kind with GGUF's code: 1 ordinary, 3 special, 4 added, 5 unused.
    var types: [Int32]
    /// The rules by rank, each "left right".
    var merges: [String]
    /// How text is cut.
    var family: ByteLevelFamily
    /// Whether the begin token stands before a text that is encoded on its own.
    var addsBOS: Bool
    /// Whether the end token stands behind such a text.
    var addsEOS: Bool
    var bos: Int32?
    var eos: Int32?
    var pad: Int32?
    var unknown: Int32?
    var templates: ChatTemplates

    static let ordinary: Int32 = 1
    static let special: Int32 = 3
    static let added: Int32 = 4
    static let unused: Int32 = 5

    /// Reads the parts of a checkpoint's tokenizer.
    init(_ checkpoint: Checkpoint) throws {
        switch checkpoint.form {
        case .gguf: try self.init(checkpoint.metadata, file: checkpoint.path)
        case .huggingFace: try self.init(directory: checkpoint.path, tokenizer: checkpoint.makeTokenizer())
        }
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
    /// The keys that change nothing at one value.
    private static let neutral: [String: GGUFValue] = [
        "add_space_prefix": .integer(0), "add_sep_token": .integer(0),
    ]

    private init(_ metadata: [String: GGUFValue], file: String) throws(CheckpointError) {
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) where key.hasPrefix(Self.prefix) {
            let name = String(key.dropFirst(Self.prefix.count))
            guard !Self.known.contains(name), Self.neutral[name] != value else { continue }
            throw .badKey(file: file, key: key, detail: "has no place in a tokenizer.json")
        }
        let model = try metadata.text(Self.prefix + "model", file: file)
        guard model == "gpt2" else {
            throw .badKey(
                file: file,
                key: Self.prefix + "model",
                detail: "'\(model)' is not converted, only byte-level BPE ('gpt2')"
            )
        }
        let pre = try metadata.text(Self.prefix + "pre", file: file)
        guard let family = ByteLevelFamily.named(pre) else {
            let names = ByteLevelFamily.all.flatMap(\.names).map { "'\($0)'" }.joined(separator: ", ")
            throw .badKey(
                file: file,
                key: Self.prefix + "pre",
                detail: "'\(pre)' is not converted, only \(names)"
            )
        }
        self.family = family
        tokens = try metadata.texts(Self.prefix + "tokens", file: file)
        types = [Int32](repeating: Self.ordinary, count: tokens.count)
        if let value = metadata[Self.prefix + "token_type"] {
            guard case .integers(let found) = value, found.count == tokens.count,
                found.allSatisfy({ [1, 3, 4, 5].contains($0) })
            else {
                throw .badKey(
                    file: file,
                    key: Self.prefix + "token_type",
                    detail: "is not one of 1, 3, 4 and 5 for each of \(tokens.count) tokens"
                )
            }
            types = found.map { Int32(truncatingIfNeeded: $0) }
        }
        merges = try metadata.texts(Self.prefix + "merges", file: file)
        let flag = try metadata.integer(Self.prefix + "add_bos_token", or: family.addsBOS ? 1 : 0, file: file)
        addsBOS = flag != 0
        addsEOS = try metadata.integer(Self.prefix + "add_eos_token", or: 0, file: file) != 0
        templates = try ChatTemplates.read(metadata, file: file)
        (bos, eos, pad, unknown) = (nil, nil, nil, nil)
        bos = try id("bos", metadata, file: file)
        eos = try id("eos", metadata, file: file)
        pad = try id("padding", metadata, file: file)
        unknown = try id("unknown", metadata, file: file)
        // Ids that only fill an embedding up are no tokens.
        while types.last == Self.unused, tokens.last?.hasPrefix("[PAD") == true {
            types.removeLast()
            tokens.removeLast()
        }
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
            (Self.prefix + "model", .text("gpt2")),
            (Self.prefix + "pre", .text(family.names[0])),
            (Self.prefix + "tokens", .texts(tokens + fill)),
            (Self.prefix + "token_type", .integers(types + fill.map { _ in Self.unused })),
            (Self.prefix + "merges", .texts(merges)),
        ]
        for (role, id) in [("bos", bos), ("eos", eos), ("unknown", unknown), ("padding", pad)] {
            if let id { keys.append(("\(Self.prefix)\(role)_token_id", .unsigned(UInt32(id)))) }
        }
        keys.append((Self.prefix + "add_bos_token", .flag(addsBOS)))
        if addsEOS { keys.append((Self.prefix + "add_eos_token", .flag(true))) }
        keys += templates.ggufKeys
        return keys
    }
}
