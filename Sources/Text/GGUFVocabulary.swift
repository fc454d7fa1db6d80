/// The vocabulary in a GGUF file's metadata, and the tokenizer that it describes.
package struct GGUFVocabulary: Sendable {
    /// What a token is, with the codes of `tokenizer.ggml.token_type`.
    package enum TokenType: Int32, Sendable {
        /// An ordinary token.
        case normal = 1
        /// The token for what has none.
        case unknown = 2
        /// A special token.
        case control = 3
        /// An added token, recognised always.
        case userDefined = 4
        /// An id that is never used.
        case unused = 5
        /// A byte of a byte fallback.
        case byte = 6
    }

    /// `tokenizer.ggml.model`.
    package var model: String
    /// `tokenizer.ggml.pre`.
    package var pre: String?
    /// The tokens by id.
    package var tokens: [String]
    /// A type for each token; empty when all are normal.
    package var types: [Int32] = []
    /// A score for each token; empty when there is none.
    package var scores: [Double] = []
    /// The rules by rank, each "left right".
    package var merges: [String] = []
    /// The id that begins a sequence.
    package var bos: Int32?
    /// The id that ends a sequence.
    package var eos: Int32?
    /// The id that fills unused places.
    package var pad: Int32?
    /// The id of what has no token.
    package var unknown: Int32?
    /// Whether `bos` stands before a text that is encoded on its own; the family's custom if not given.
    package var addsBOS: Bool?
    /// Whether `eos` stands behind such a text; the family's custom if not given.
    package var addsEOS: Bool?
    /// Whether a space is put before a text; the family's custom if not given.
    package var addsSpacePrefix: Bool?
    /// Whether a run of white space counts as one; the family's custom if not given.
    package var removesExtraWhitespace: Bool?
    /// SentencePiece's table of replacements; empty when there is none.
    package var precompiledCharacterMap: [UInt8] = []

    private static let sign = Array("▁".utf8)

    /// Makes the description of a vocabulary.
    package init(model: String, pre: String? = nil, tokens: [String]) {
        self.model = model
        self.pre = pre
        self.tokens = tokens
    }

    /// Makes the tokenizer.
    ///
    /// - Parameter source: The file's name for errors.
    /// - Throws: `TokenizerError.unsupported` for a kind that is not known, and `malformed` for counts that
    ///   differ,
    ///   duplicate tokens, rules about unknown tokens, and ids outside of the vocabulary.
    package func tokenizer(source: String) throws(TokenizerError) -> any Tokenizer {
        let checked = try checked(source)
        switch model {
        case "gpt2": return try checked.bytePair(source)
        case "llama": return try checked.sentencePiece(source)
        case "t5": return try checked.unigram(source)
        default:
            throw .unsupported(
                file: source,
                field: "tokenizer.ggml.model",
                found: "'\(model)'",
                expected: "'gpt2' (byte-level BPE), 'llama' (SentencePiece BPE) or 't5' (unigram)"
            )
        }
    }

    /// The vocabulary with a type for each token, without the unused ids at its end that fill an embedding
    /// up.
    private func checked(_ source: String) throws(TokenizerError) -> GGUFVocabulary {
        var checked = self
        if types.isEmpty {
            checked.types = [Int32](repeating: TokenType.normal.rawValue, count: tokens.count)
        }
        for (field, count) in [("token types", checked.types.count), ("scores", scores.count)]
        where count != tokens.count && count > 0 {
            throw .malformed(
                file: source,
                field: field,
                found: "\(count)",
                expected: "\(tokens.count), one each"
            )
        }
        for (id, type) in checked.types.enumerated() where TokenType(rawValue: type) == nil {
            throw .malformed(file: source, field: "type of token \(id)", found: "\(type)", expected: "1 to 6")
        }
        while checked.types.last == TokenType.unused.rawValue, checked.tokens.last?.hasPrefix("[PAD") == true
        {
            checked.types.removeLast()
            checked.tokens.removeLast()
            if !scores.isEmpty { checked.scores.removeLast() }
        }
        return checked
    }

    private func bytePair(_ source: String) throws(TokenizerError) -> SubwordTokenizer {
        let family = try PreTokenizerName.stages(pre, source)
        let (table, reserved) = try table(source)
        let merger = try merger(table, reserved, source)
        let bytePair = BytePairModel(
            tokens: table,
            merger: merger,
            isByteLevel: true,
            ignoresMerges: family.ignoresMerges,
            isReserved: reserved
        )
        return try subword(.bytePair(bytePair), table, family.stages, addsBOS: family.addsBOS, source)
    }

    /// The longest piece of a vocabulary without merge rules.
    private static let pieceBytesMax = 1024

    private func sentencePiece(_ source: String) throws(TokenizerError) -> SubwordTokenizer {
        guard scores.count == tokens.count else {
            throw .malformed(
                file: source,
                field: "scores",
                found: "\(scores.count)",
                expected: "\(tokens.count), one each"
            )
        }
        let (table, reserved) = try table(source)
        // Every split of every piece is looked for: the time of one grows with the square of its length.
        if let id = (0..<table.count).first(where: { table.range(of: $0).count > Self.pieceBytesMax }) {
            throw .malformed(
                file: source,
                field: "tokens id \(id)",
                found: "a piece of \(table.range(of: id).count) bytes",
                expected: "at most \(Self.pieceBytesMax)"
            )
        }
        let addsSpace = addsSpacePrefix ?? true
        let bytePair = BytePairModel(
            tokens: table,
            merger: PieceMerges.merger(table, scores, types),
            isByteLevel: false,
            fallsBackToBytes: types.contains(TokenType.byte.rawValue),
            unknown: unknown ?? types.firstIndex(of: TokenType.unknown.rawValue).map(Int32.init),
            fusesUnknown: true,
            isReserved: reserved
        )
        let stages = SubwordTokenizer.Stages(
            normalizers: (addsSpace ? [.prepend(Self.sign)] : []) + [.replace([0x20], with: Self.sign)],
            decoders: [.replace(Self.sign, with: [0x20]), .byteFallback, .fuse]
                + (addsSpace ? [.strip(" ", start: 1, stop: 0)] : [])
        )
        return try subword(.bytePair(bytePair), table, stages, addsBOS: true, source)
    }

    private func unigram(_ source: String) throws(TokenizerError) -> SubwordTokenizer {
        let (table, reserved) = try table(source)
        let unknown = unknown ?? types.firstIndex(of: TokenType.unknown.rawValue).map(Int32.init)
        guard scores.count == tokens.count, let unknown, table.count > Int(unknown), unknown >= 0 else {
            throw .malformed(
                file: source,
                field: "vocabulary",
                found: "\(scores.count) scores and unknown id \(unknown.map(String.init) ?? "none")",
                expected: "\(tokens.count) scores and an unknown token"
            )
        }
        guard addsSpacePrefix ?? true, removesExtraWhitespace ?? true else {
            throw .unsupported(
                file: source,
                field: "tokenizer.ggml.add_space_prefix and remove_extra_whitespaces",
                found: "false with a unigram model",
                expected: "true"
            )
        }
        var normalizers: [Normalizer] = []
        if !precompiledCharacterMap.isEmpty {
            guard let map = PrecompiledCharacterMap(precompiledCharacterMap) else {
                throw .malformed(
                    file: source,
                    field: "tokenizer.ggml.precompiled_charsmap",
                    found: "something else",
                    expected: "a table of SentencePiece"
                )
            }
            normalizers = [.precompiled(map)]
        }
        let stages = SubwordTokenizer.Stages(
            normalizers: normalizers,
            preTokenizers: [
                .split(try Self.automaton("\\s+", source), .removed, inverted: false),
                .metaspace(sign: Self.sign, .always),
                .split(try Self.automaton("▁", source), .mergedWithNext, inverted: false),
            ],
            decoders: [.metaspace(sign: Self.sign, isPrepended: true)]
        )
        let unigram = UnigramModel(
            tokens: table,
            scores: scores,
            unknown: unknown,
            fallsBackToBytes: false,
            isReserved: reserved
        )
        return try subword(.unigram(unigram), table, stages, addsBOS: false, addsEOS: true, source)
    }

    private func subword(
        _ model: SubwordTokenizer.Model,
        _ table: TokenTable,
        _ stages: SubwordTokenizer.Stages,
        addsBOS custom: Bool,
        addsEOS customEnd: Bool = false,
        _ source: String
    ) throws(TokenizerError) -> SubwordTokenizer {
        var added: [AddedTokens.Entry] = []
        for (id, type) in types.enumerated() {
            let isSpecial = type == TokenType.control.rawValue || type == TokenType.unknown.rawValue
            guard isSpecial || type == TokenType.userDefined.rawValue else { continue }
            added.append(.init(id: Int32(id), content: Array(table[id]), isSpecial: isSpecial))
        }
        return try SubwordTokenizer(
            tokens: table,
            added: added,
            model: model,
            stages: stages,
            roles: .init(
                bos: bos,
                eos: eos,
                pad: pad ?? eos,
                unk: unknown,
                sequenceStart: addsBOS ?? custom ? bos.map { [$0] } ?? [] : [],
                sequenceEnd: addsEOS ?? customEnd ? eos.map { [$0] } ?? [] : []
            ),
            source: source
        )
    }

    private func table(_ source: String) throws(TokenizerError) -> (TokenTable, isReserved: [Bool]) {
        let reserved = types.map {
            $0 == TokenType.control.rawValue || $0 == TokenType.unknown.rawValue
                || $0 == TokenType.unused.rawValue
        }
        do {
            return (try TokenTable(tokens), reserved)
        } catch {
            throw .malformed(
                file: source,
                field: "token \(error.second)",
                found: "the same text as token \(error.first)",
                expected: "a new token"
            )
        }
    }

    private func merger(
        _ table: TokenTable,
        _ reserved: [Bool],
        _ source: String
    ) throws(TokenizerError) -> BytePairMerger {
        var merger = BytePairMerger(capacity: merges.count)
        for (rank, rule) in merges.enumerated() {
            let bytes = Array(rule.utf8)
            let (left, right) = try MergeRule.halves(bytes, 0..<bytes.count, rank, source)
            try MergeRule.add(bytes, left, right, rank, to: &merger, table, reserved, source)
        }
        return merger
    }

    private static func automaton(_ pattern: String, _ source: String) throws(TokenizerError)
        -> PatternAutomaton
    {
        do {
            return try PatternAutomaton(pattern)
        } catch {
            throw .unsupported(
                file: source,
                field: "pre-tokenizer",
                found: error.construct,
                expected: "a pattern without it"
            )
        }
    }

    /// The families of byte-level vocabularies by the names that GGUF files give their pre-tokenizers.
    private enum PreTokenizerName {
        private static let llama3 = [
            "llama-bpe", "llama3", "llama-v3", "pixtral", "falcon3", "falcon-h1", "lfm2",
        ]
        private static let gpt2 = ["gpt-2", "gpt2", "phi-2", "modern-bert", "mellum", "a.x-4.0", "exaone4"]
        private static let smolLM = ["smollm", "starcoder", "refact", "command-r"]
        private static let qwen2 = ["qwen2", "deepseek-r1-qwen", "megrez", "kormo"]
        private static let gpt4o = ["gpt-4o", "llama4", "kanana2"]
        /// Llama 3's pattern, with the rules always applied.
        private static let smaug = ["smaug-bpe", "dbrx"]

        static func stages(
            _ name: String?,
            _ source: String
        ) throws(TokenizerError) -> (stages: SubwordTokenizer.Stages, ignoresMerges: Bool, addsBOS: Bool) {
            var stages = SubwordTokenizer.Stages(decoders: [.byteLevel])
            var patterns: [String]
            var ignoresMerges = false
            switch name {
            case let name? where llama3.contains(name):
                patterns = [KnownPatterns.llama3]
                ignoresMerges = true
            case let name? where smaug.contains(name): patterns = [KnownPatterns.llama3]
            case let name? where gpt2.contains(name): patterns = [KnownPatterns.gpt2]
            case let name? where smolLM.contains(name): patterns = [KnownPatterns.digit, KnownPatterns.gpt2]
            case let name? where qwen2.contains(name):
                patterns = [KnownPatterns.qwen2]
                // The vocabularies were made from composed text; their own tokenizers compose it.
                stages.normalizers = [.composed]
            case let name? where gpt4o.contains(name): patterns = [KnownPatterns.gpt4o]
            case "tekken":
                patterns = [KnownPatterns.tekken]
                ignoresMerges = true
            default:
                let known = (llama3 + gpt2 + smolLM + qwen2 + gpt4o + smaug + ["tekken"]).sorted()
                throw .unsupported(
                    file: source,
                    field: "tokenizer.ggml.pre",
                    found: name.map { "'\($0)'" } ?? "nothing",
                    expected: "one of \(known.joined(separator: ", "))"
                )
            }
            for pattern in patterns {
                stages.preTokenizers.append(
                    .split(try GGUFVocabulary.automaton(pattern, source), .isolated, inverted: false)
                )
            }
            return (stages, ignoresMerges, addsBOS: ignoresMerges)
        }
    }
}
