// From the file's description to a tokenizer, refusing what is not implemented.

extension TokenizerJSON {
    /// The tokenizer that the file describes.
    func tokenizer(_ configuration: TokenizerConfiguration) throws(TokenizerError) -> any Tokenizer {
        let type = try model.child("type")?.text() ?? (merges == nil ? "none" : "BPE")
        switch type {
        case "BPE": return try bytePair(configuration)
        case "Unigram": return try unigram(configuration)
        case "WordLevel":
            let step = try preTokenizer.isNull ? nil : preTokenizer.child("type")?.text()
            return step == "WhitespaceSplit" ? try word(configuration.names) : try character()
        default:
            throw .unsupported(
                file: name,
                field: "model.type",
                found: "'\(type)'",
                expected: "'BPE', 'Unigram' or 'WordLevel'"
            )
        }
    }

    private func bytePair(_ configuration: TokenizerConfiguration) throws(TokenizerError) -> SubwordTokenizer
    {
        try model.requireKeys([
            "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
            "byte_fallback", "ignore_merges",
        ])
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            guard let affix = try model.child(key), try !affix.text().isEmpty else { continue }
            throw affix.unsupported(affix.value.kind, "none")
        }
        if let dropout = try model.child("dropout"), dropout.value != .number(0) {
            throw dropout.unsupported(dropout.value.kind, "none")
        }
        let normalizers = try normalizers()
        let (steps, isByteLevel) = try preTokenizers(after: normalizers)
        let fallsBack = try model.flag("byte_fallback", or: false)
        if isByteLevel, fallsBack {
            throw .unsupported(
                file: name,
                field: "model.byte_fallback",
                found: "true with ByteLevel",
                expected: "false"
            )
        }
        let (added, tokens) = try vocabulary(configuration)
        let reserved = Self.reserved(added, tokens.count)
        var unknown: Int32?
        if let node = try model.child("unk_token") {
            let text = try node.text()
            unknown = tokens.id(of: text)
            if unknown == nil, !text.isEmpty { throw node.fault("a token of the vocabulary") }
        }
        let bytePair = BytePairModel(
            tokens: tokens,
            merger: try merger(tokens, isReserved: reserved),
            isByteLevel: isByteLevel,
            fallsBackToBytes: fallsBack,
            unknown: unknown,
            fusesUnknown: try model.flag("fuse_unk", or: false),
            ignoresMerges: try model.flag("ignore_merges", or: false),
            isReserved: reserved
        )
        return try subword(
            .bytePair(bytePair),
            tokens,
            added,
            .init(normalizers: normalizers, preTokenizers: steps, decoders: try decoders()),
            configuration
        )
    }

    private func unigram(_ configuration: TokenizerConfiguration) throws(TokenizerError) -> SubwordTokenizer {
        try model.requireKeys(["type", "unk_id", "byte_fallback"])
        guard vocabulary.scores.count == vocabulary.ids.count, !vocabulary.scores.isEmpty else {
            throw .malformed(
                file: name,
                field: "model.vocab",
                found: "a vocabulary without scores",
                expected: "an array of texts with scores"
            )
        }
        let (added, tokens) = try vocabulary(configuration)
        let unknown = try model.required("unk_id")
        guard let id = Int32(exactly: try unknown.integer()), vocabulary.ids.indices.contains(Int(id)) else {
            throw unknown.fault("an id below \(vocabulary.ids.count)")
        }
        let normalizers = try normalizers()
        let (steps, isByteLevel) = try preTokenizers(after: normalizers)
        guard !isByteLevel else {
            throw .unsupported(
                file: name,
                field: "pre_tokenizer",
                found: "ByteLevel with a Unigram model",
                expected: "Metaspace"
            )
        }
        let model = UnigramModel(
            tokens: tokens,
            scores: vocabulary.scores,
            unknown: id,
            fallsBackToBytes: try model.flag("byte_fallback", or: false),
            isReserved: Self.reserved(added, tokens.count)
        )
        return try subword(
            .unigram(model),
            tokens,
            added,
            .init(normalizers: normalizers, preTokenizers: steps, decoders: try decoders()),
            configuration
        )
    }

    private func subword(
        _ model: SubwordTokenizer.Model,
        _ tokens: TokenTable,
        _ added: [AddedTokens.Entry],
        _ stages: SubwordTokenizer.Stages,
        _ configuration: TokenizerConfiguration
    ) throws(TokenizerError) -> SubwordTokenizer {
        try configuration.check(stages, file: name)
        let names = configuration.names
        let eos = SpecialNames.id(
            names.eos,
            or: ["<|im_end|>", "<eos>", "</s>", "<|endoftext|>"],
            in: tokens
        )
        let ends = try checked(sequenceEnds(), tokens.count)
        // The token that a file itself puts first is the one that begins a sequence, if nothing else is said.
        let first = names.bos == nil && ends.start.count == 1 ? ends.start.first : nil
        let usual = SpecialNames.id(
            names.bos,
            or: ["<|im_start|>", "<bos>", "<s>", "<|endoftext|>"],
            in: tokens
        )
        return try SubwordTokenizer(
            tokens: tokens,
            added: added,
            model: model,
            stages: stages,
            roles: .init(
                bos: first ?? usual,
                eos: eos,
                pad: SpecialNames.id(names.pad, or: ["<pad>", "<|pad|>"], in: tokens) ?? eos,
                unk: names.unk.flatMap { tokens.id(of: $0) },
                sequenceStart: ends.start,
                sequenceEnd: ends.end
            ),
            source: name
        )
    }

    /// The added tokens, with what the configuration says about them, and the texts by id.
    private func vocabulary(
        _ configuration: TokenizerConfiguration
    ) throws(TokenizerError) -> ([AddedTokens.Entry], TokenTable) {
        let added = try added()
        let tokens = try tokenTable(added)
        return (try configuration.entries(added.map(\.entry), tokens, file: name), tokens)
    }

    /// Which ids plain text never becomes.
    static func reserved(_ added: [AddedTokens.Entry], _ count: Int) -> [Bool] {
        var reserved = [Bool](repeating: false, count: count)
        for entry in added where entry.isSpecial { reserved[Int(entry.id)] = true }
        return reserved
    }

    private func character() throws(TokenizerError) -> CharacterTokenizer {
        let ends = try requireWordLevel()
        let expected = "a Split on the empty string, isolated, so that each character is a token"
        guard !preTokenizer.isNull else {
            throw .unsupported(file: name, field: "pre_tokenizer", found: "null", expected: expected)
        }
        let type = try preTokenizer.required("type").text()
        let pattern = type == "Split" ? try preTokenizer.required("pattern") : nil
        let regex = try pattern?.child("Regex")?.text()
        let isEach =
            try pattern?.child("String")?.text().isEmpty ?? ["", ".", "(?s:.)", "[\\s\\S]"].contains(regex)
        guard type == "Split", isEach, try preTokenizer.child("behavior")?.text() == "Isolated",
            try !preTokenizer.flag("invert", or: false)
        else { throw preTokenizer.unsupported(type, expected) }
        let added = try added()
        let table = try tokenTable(added)
        let tokens = (0..<table.count).map { table.text($0) }
        let special = Set(added.map(\.content))
        for (id, token) in tokens.enumerated()
        where CharacterTokenizer.isSpecial(token) && !special.contains(token) {
            throw .unsupported(
                file: name,
                field: "model.vocab id \(id)",
                found: "'\(token)', several characters",
                expected: "one character, or an entry in added_tokens"
            )
        }
        return try CharacterTokenizer(tokens: tokens, ends: ends, source: name)
    }

    private func word(_ names: SpecialNames) throws(TokenizerError) -> WordTokenizer {
        let ends = try requireWordLevel()
        let added = try added()
        let table = try tokenTable(added)
        return try WordTokenizer(
            tokens: (0..<table.count).map { table.text($0) },
            special: Set(added.filter(\.entry.isSpecial).map(\.content)),
            names: names,
            ends: ends,
            source: name
        )
    }

    /// Whole tokens are read from files that do nothing to the text; what stands around it is returned. A file that says
    /// nothing of that is of a model that was made here before files did, and begins every text with `bos`: nil.
    private func requireWordLevel() throws(TokenizerError) -> (start: [Int32], end: [Int32])? {
        guard normalizer.isNull else {
            throw normalizer.unsupported(normalizer.value.kind, "none with a WordLevel model")
        }
        for token in try added()
        where token.entry.isSingleWord || token.entry.stripsLeft || token.entry.stripsRight {
            throw .unsupported(
                file: name,
                field: token.field,
                found: "single_word, lstrip or rstrip true",
                expected: "false with a WordLevel model"
            )
        }
        return postProcessor.isNull ? nil : try checked(sequenceEnds(), tokenTable(added()).count)
    }

    /// The ids around a text, each of which must be a token's.
    private func checked(
        _ ends: (start: [Int32], end: [Int32]),
        _ count: Int
    ) throws(TokenizerError) -> (start: [Int32], end: [Int32]) {
        for id in ends.start + ends.end where id >= count {
            throw .malformed(
                file: name,
                field: "post_processor",
                found: "id \(id)",
                expected: "an id below \(count)"
            )
        }
        return ends
    }
}
