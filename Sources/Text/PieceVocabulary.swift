/// A vocabulary of SentencePiece's pieces by the parts that both a GGUF file and a `tokenizer.json` hold.
///
/// A GGUF file has scores and no rules, a `tokenizer.json` of byte-pair encoding rules and no scores. Scores
/// are made that imply the rules; rules that no scores imply have no place in a GGUF file.
package struct PieceVocabulary: Sendable {
    /// How a text is written as pieces.
    package enum Kind: Sendable {
        /// By merging: `llama` in GGUF.
        case bytePair
        /// By the best sum of scores: `t5` in GGUF.
        case unigram
    }

    /// How a text is written as pieces.
    package let kind: Kind
    /// The pieces by id.
    package let tokens: [String]
    /// What each is, with GGUF's code (``GGUFVocabulary/TokenType``).
    package let types: [Int32]
    /// The score of each.
    package let scores: [Float]
    /// The rules by rank, as the ids of two pieces; none of a unigram model.
    package let merges: [(left: Int32, right: Int32)]
    /// What stands for a character that has no piece.
    package let unknown: Int32?
    /// Whether a space is put before a text.
    package let addsSpacePrefix: Bool
    /// SentencePiece's table of replacements; empty when there is none.
    package let precompiledCharacterMap: [UInt8]

    /// Whether characters without a piece become the pieces of their bytes.
    package var fallsBackToBytes: Bool { types.contains(GGUFVocabulary.TokenType.byte.rawValue) }

    private static let sign = Array("▁".utf8)

    /// The parts of a tokenizer; nil for one of GPT-2's byte alphabet.
    ///
    /// - Parameter source: The file's name for errors.
    /// - Throws: `TokenizerError.unsupported` for what one of the two forms does not hold.
    package init?(_ tokenizer: SubwordTokenizer, source: String) throws(TokenizerError) {
        let table = tokenizer.tokens
        let stages = tokenizer.stages
        var types = [Int32](repeating: GGUFVocabulary.TokenType.normal.rawValue, count: table.count)
        switch tokenizer.model {
        case .bytePair(let model):
            guard !model.isByteLevel else { return nil }
            kind = .bytePair
            unknown = model.unknown
            for id in types.indices where model.fallsBackToBytes && ByteToken.byte(of: table[id]) != nil {
                types[id] = GGUFVocabulary.TokenType.byte.rawValue
            }
            try Self.mark(tokenizer.added, unknown, in: &types, source)
            try Self.require(model, source)
            let scores = PieceMerges.scores(for: model.merger, types)
            try Self.require(model.merger, implied: PieceMerges.merger(table, scores, types), table, source)
            self.scores = scores.map { Float($0) }
            merges = model.merger.rules.map { ($0.left, $0.right) }
            addsSpacePrefix = try Self.addsSpace(stages, source)
            precompiledCharacterMap = []
        case .unigram(let model):
            kind = .unigram
            unknown = model.unknown
            try Self.mark(tokenizer.added, unknown, in: &types, source)
            guard !model.fallsBackToBytes else {
                throw Self.fault(source, "model.byte_fallback", "true with Unigram", "false")
            }
            scores = model.scores.map { Float($0) }
            guard model.scores.count == table.count else {
                throw Self.fault(
                    source,
                    "model.vocab",
                    "\(model.scores.count) scores for \(table.count) tokens",
                    "one each"
                )
            }
            for (id, score) in model.scores.enumerated() where Double(Float(score)) != score {
                throw Self.fault(source, "score of token \(id)", "\(score)", "a float32")
            }
            merges = []
            addsSpacePrefix = true
            precompiledCharacterMap = try Self.characterMap(stages, source)
        }
        tokens = (0..<table.count).map { table.text($0) }
        self.types = types
    }

    private static func mark(
        _ added: [AddedTokens.Entry],
        _ unknown: Int32?,
        in types: inout [Int32],
        _ source: String
    ) throws(TokenizerError) {
        for entry in added {
            let flags = [
                ("normalized", entry.isNormalized), ("single_word", entry.isSingleWord),
                ("lstrip", entry.stripsLeft), ("rstrip", entry.stripsRight),
            ].filter(\.1).map(\.0)
            guard flags.isEmpty else {
                let field = "added_tokens '\(String(decoding: entry.content, as: UTF8.self))'"
                throw fault(source, field, "\(flags.joined(separator: ", ")) true", "false, as GGUF takes it")
            }
            let type: GGUFVocabulary.TokenType =
                !entry.isSpecial ? .userDefined : entry.id == unknown ? .unknown : .control
            types[Int(entry.id)] = type.rawValue
        }
    }

    private static func require(_ model: BytePairModel, _ source: String) throws(TokenizerError) {
        guard !model.ignoresMerges else { throw fault(source, "model.ignore_merges", "true", "false") }
        guard !model.losesCharacters || model.unknown == nil || model.fusesUnknown else {
            throw fault(source, "model.fuse_unk", "false", "true, as GGUF takes it")
        }
    }

    /// Throws unless the rules are those that scores imply, and tell pieces apart.
    private static func require(
        _ merger: BytePairMerger,
        implied: BytePairMerger,
        _ table: TokenTable,
        _ source: String
    ) throws(TokenizerError) {
        func text(_ pair: UInt64) -> String {
            "'\(table.text(Int(pair >> 32))) \(table.text(Int(UInt32(truncatingIfNeeded: pair))))'"
        }
        if merger.pairs != implied.pairs {
            let (one, other) = (merger.pairs, implied.pairs)
            let rank =
                zip(one, other).enumerated().first { $0.element.0 != $0.element.1 }?.offset
                ?? min(one.count, other.count)
            throw fault(
                source,
                "merge \(rank)",
                rank < one.count ? text(one[rank]) : "no rule",
                (rank < other.count ? text(other[rank]) : "no rule") + ", as scores of pieces imply"
            )
        }
        for rules in [merger.rules, implied.rules] {
            for (one, other) in zip(rules, rules.dropFirst())
            where one.rank == other.rank && one.result != other.result {
                // Runs of one character grow from the left in whatever order their rules stand.
                guard isRun(table[Int(one.result)]), isRun(table[Int(other.result)]) else {
                    let (first, second) = (table.text(Int(one.result)), table.text(Int(other.result)))
                    throw fault(
                        source,
                        "scores",
                        "one for '\(first)' and '\(second)'",
                        "different ones, as the rules of a tokenizer.json have an order"
                    )
                }
            }
        }
    }

    private static func isRun(_ text: ArraySlice<UInt8>) -> Bool {
        let scalars = String(decoding: text, as: UTF8.self).unicodeScalars
        return scalars.allSatisfy { $0 == scalars.first }
    }

    private static func addsSpace(
        _ stages: SubwordTokenizer.Stages,
        _ source: String
    ) throws(TokenizerError) -> Bool {
        guard stages.preTokenizers.isEmpty else {
            throw fault(
                source,
                "pre_tokenizer",
                names(stages.preTokenizers.map(name)),
                "none, and a normalizer that replaces spaces"
            )
        }
        var steps = stages.normalizers[...]
        var adds = false
        if case .prepend(sign)? = steps.first {
            adds = true
            steps.removeFirst()
        }
        guard steps.count == 1, case .replace([0x20], with: sign)? = steps.first else {
            throw fault(
                source,
                "normalizer",
                names(stages.normalizers.map(name)),
                "Replace of ' ' by '▁', and Prepend of '▁' or nothing before"
            )
        }
        let decoders: [TokenDecoder] =
            [.replace(sign, with: [0x20]), .byteFallback, .fuse]
            + (adds ? [.strip(" ", start: 1, stop: 0)] : [])
        guard stages.decoders == decoders else {
            let known = "Replace, ByteFallback, Fuse" + (adds ? " and Strip of one ' ' at the start" : "")
            throw fault(source, "decoder", names(stages.decoders.map(name)), known)
        }
        return adds
    }

    private static func characterMap(
        _ stages: SubwordTokenizer.Stages,
        _ source: String
    ) throws(TokenizerError) -> [UInt8] {
        let steps = stages.preTokenizers
        guard steps.count == 3, case .split(let white, .removed, inverted: false) = steps[0],
            white.pattern == "\\s+", case .metaspace(sign, .always) = steps[1],
            case .split(let signs, .mergedWithNext, inverted: false) = steps[2], signs.pattern == "▁"
        else {
            throw fault(
                source,
                "pre_tokenizer",
                names(steps.map(name)),
                "WhitespaceSplit and Metaspace with 'always'"
            )
        }
        guard stages.decoders == [.metaspace(sign: sign, isPrepended: true)] else {
            throw fault(source, "decoder", names(stages.decoders.map(name)), "Metaspace with 'always'")
        }
        if stages.normalizers.isEmpty { return [] }
        guard stages.normalizers.count == 1, case .precompiled(let map)? = stages.normalizers.first else {
            throw fault(source, "normalizer", names(stages.normalizers.map(name)), "Precompiled or none")
        }
        return map.bytes
    }

    private static func names(_ steps: [String]) -> String {
        steps.isEmpty ? "none" : steps.joined(separator: ", ")
    }

    private static func name(_ step: Normalizer) -> String {
        switch step {
        case .prepend: "Prepend"
        case .replace, .replacePattern: "Replace"
        case .composed: "NFC"
        case .precompiled: "Precompiled"
        case .strip: "Strip"
        }
    }

    private static func name(_ step: PreTokenizer) -> String {
        switch step {
        case .split(let pattern, let behavior, _): "Split at '\(pattern.pattern)' (\(behavior.rawValue))"
        case .metaspace(_, let prepending): "Metaspace with '\(prepending.rawValue)'"
        case .prefixSpace: "ByteLevel"
        }
    }

    private static func name(_ step: TokenDecoder) -> String {
        switch step {
        case .byteLevel: "ByteLevel"
        case .byteFallback: "ByteFallback"
        case .fuse: "Fuse"
        case .replace: "Replace"
        case .strip: "Strip"
        case .metaspace(_, let isPrepended): "Metaspace with '\(isPrepended ? "always" : "never")'"
        }
    }

    private static func fault(
        _ source: String,
        _ field: String,
        _ found: String,
        _ expected: String
    ) -> TokenizerError { .unsupported(file: source, field: field, found: found, expected: expected) }
}
