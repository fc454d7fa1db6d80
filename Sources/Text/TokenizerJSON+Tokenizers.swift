// From the file's description to a tokenizer, refusing what is not implemented.

extension TokenizerJSON {
    func bytePair(names: SpecialNames, name: String) throws(TokenizerError) -> BytePairTokenizer {
        try requireAbsent(normalizer?.type, "normalizer", name)
        try requirePostProcessor(name)
        try requireAbsent(model.dropout.flatMap { $0 == 0 ? nil : "\($0)" }, "model.dropout", name)
        try requireAbsent(prefix(model.subwordPrefix), "model.continuing_subword_prefix", name)
        try requireAbsent(prefix(model.wordSuffix), "model.end_of_word_suffix", name)
        try requireAbsent(model.byteFallback == true ? "true" : nil, "model.byte_fallback", name)
        try requireAbsent(model.ignoreMerges == true ? "true" : nil, "model.ignore_merges", name)
        let cut = try bytePairPreTokenizer(name)

        var tokens = try tokenList(name)
        var types = [Int32](repeating: BytePairTokenizer.TokenType.normal.rawValue, count: tokens.count)
        for added in addedTokens ?? [] {
            try check(added, name)
            tokens[Int(added.id)] = added.content
            let type: BytePairTokenizer.TokenType = added.special ?? false ? .control : .userDefined
            types[Int(added.id)] = type.rawValue
        }
        let ids = Dictionary(
            tokens.enumerated().map { ($1, Int32($0)) },
            uniquingKeysWith: { first, _ in first }
        )
        let eos = SpecialNames.id(names.eos, or: ["<|im_end|>", "<eos>", "</s>", "<|endoftext|>"], in: ids)
        return try BytePairTokenizer(
            tokens: tokens,
            tokenTypes: types,
            merges: try mergePairs(name),
            preTokenizer: cut,
            bos: SpecialNames.id(names.bos, or: ["<|im_start|>", "<bos>", "<s>", "<|endoftext|>"], in: ids),
            eos: eos,
            pad: SpecialNames.id(names.pad, or: ["<pad>", "<|pad|>"], in: ids) ?? eos,
            source: name
        )
    }

    func character(name: String) throws(TokenizerError) -> CharacterTokenizer {
        try requireAbsent(normalizer?.type, "normalizer", name)
        try requirePostProcessor(name)
        let expected = "a Split on the empty string, isolated, so that each character is a token"
        guard let split = preTokenizer else {
            throw .unsupported(file: name, field: "pre_tokenizer", found: "null", expected: expected)
        }
        let isEach =
            split.pattern?.text?.isEmpty ?? ["", ".", "(?s:.)", "[\\s\\S]"].contains(split.pattern?.regex)
        guard split.type == "Split", isEach, split.behavior == "Isolated", split.invert != true else {
            throw .unsupported(file: name, field: "pre_tokenizer", found: split.type, expected: expected)
        }
        var tokens = try tokenList(name)
        for added in addedTokens ?? [] {
            try check(added, name)
            tokens[Int(added.id)] = added.content
        }
        let special = Set((addedTokens ?? []).map(\.content))
        for (id, token) in tokens.enumerated()
        where CharacterTokenizer.isSpecial(token) && !special.contains(token) {
            throw .unsupported(
                file: name,
                field: "model.vocab id \(id)",
                found: "'\(token)', several characters",
                expected: "one character, or an entry in added_tokens"
            )
        }
        return try CharacterTokenizer(tokens: tokens, source: name)
    }

    func word(names: SpecialNames, name: String) throws(TokenizerError) -> WordTokenizer {
        try requireAbsent(normalizer?.type, "normalizer", name)
        try requirePostProcessor(name)
        var tokens = try tokenList(name)
        var special: Set<String> = []
        for added in addedTokens ?? [] {
            try check(added, name)
            tokens[Int(added.id)] = added.content
            if added.special ?? false { special.insert(added.content) }
        }
        return try WordTokenizer(tokens: tokens, special: special, names: names, source: name)
    }

    private func bytePairPreTokenizer(_ name: String) throws(TokenizerError) -> PreTokenizer {
        let steps = preTokenizer.map { $0.type == "Sequence" ? $0.pretokenizers ?? [] : [$0] } ?? []
        let expected = "ByteLevel, or Digits (individual) and then ByteLevel"
        guard let last = steps.last, last.type == "ByteLevel", steps.count <= 2 else {
            let found = steps.isEmpty ? "null" : steps.map(\.type).joined(separator: ", ")
            throw .unsupported(file: name, field: "pre_tokenizer", found: found, expected: expected)
        }
        guard last.addPrefixSpace != true, last.useRegex != false else {
            throw .unsupported(
                file: name,
                field: "pre_tokenizer",
                found: "ByteLevel with a prefix space or without its pattern",
                expected: "add_prefix_space false and use_regex true"
            )
        }
        guard steps.count == 2 else { return .gpt2 }
        guard steps[0].type == "Digits", steps[0].individualDigits == true else {
            throw .unsupported(
                file: name,
                field: "pre_tokenizer",
                found: "\(steps[0].type) before ByteLevel",
                expected: expected
            )
        }
        return .smolLM
    }

    /// The vocabulary by id; added tokens may extend it, but no id may be missing or given twice.
    private func tokenList(_ name: String) throws(TokenizerError) -> [String] {
        var ids = model.vocab
        var added: [String: Int32] = [:]
        for token in addedTokens ?? [] {
            let field = "added_tokens '\(token.content)'"
            if let other = added.updateValue(token.id, forKey: token.content) {
                throw .malformed(
                    file: name,
                    field: field,
                    found: "ids \(other) and \(token.id)",
                    expected: "each token once"
                )
            }
            guard token.id >= 0, !token.content.isEmpty else {
                throw .malformed(
                    file: name,
                    field: field,
                    found: "id \(token.id)",
                    expected: "a text and an id from 0"
                )
            }
            if let other = ids[token.content], other != token.id {
                throw .malformed(
                    file: name,
                    field: field,
                    found: "id \(token.id), and \(other) in the vocabulary",
                    expected: "one id"
                )
            }
            ids[token.content] = token.id
        }
        var tokens = [String?](repeating: nil, count: ids.count)
        for (token, id) in ids.sorted(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
            guard tokens.indices.contains(Int(id)) else {
                throw .malformed(
                    file: name,
                    field: "model.vocab",
                    found: "id \(id) for '\(token)'",
                    expected: "ids 0 to \(ids.count - 1), each once"
                )
            }
            guard tokens[Int(id)] == nil else {
                throw .malformed(
                    file: name,
                    field: "model.vocab",
                    found: "id \(id) given twice",
                    expected: "each id once"
                )
            }
            tokens[Int(id)] = token
        }
        return tokens.compactMap { $0 }
    }

    private func mergePairs(_ name: String) throws(TokenizerError) -> [(String, String)] {
        var pairs: [(String, String)] = []
        pairs.reserveCapacity(model.merges?.count ?? 0)
        for (rank, merge) in (model.merges ?? []).enumerated() {
            if let right = merge.right {
                pairs.append((merge.left, right))
            } else {
                pairs.append(try MergeRule.parse(merge.left, rank, name))
            }
        }
        return pairs
    }

    private func check(_ token: AddedToken, _ name: String) throws(TokenizerError) {
        let flags = [("single_word", token.singleWord), ("lstrip", token.lstrip), ("rstrip", token.rstrip)]
        for (flag, value) in flags where value == true {
            throw .unsupported(
                file: name,
                field: "added_tokens '\(token.content)'",
                found: "\(flag) true",
                expected: "false"
            )
        }
    }

    /// ByteLevel only moves offsets, which this code does not keep.
    private func requirePostProcessor(_ name: String) throws(TokenizerError) {
        try requireAbsent(
            postProcessor.flatMap { $0.type == "ByteLevel" ? nil : $0.type },
            "post_processor",
            name
        )
    }

    private func requireAbsent(_ found: String?, _ field: String, _ name: String) throws(TokenizerError) {
        guard let found else { return }
        throw .unsupported(file: name, field: field, found: found, expected: "none")
    }

    private func prefix(_ text: String?) -> String? {
        text.flatMap { $0.isEmpty ? nil : "'\($0)'" }
    }
}
