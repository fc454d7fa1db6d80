// The vocabulary of a file by id, with its added tokens and merge rules.

extension TokenizerJSON {
    /// A token that is recognised before the model looks at a text.
    struct AddedToken {
        let content: String
        let id: Int
        let field: String
        let entry: AddedTokens.Entry
    }

    /// The added tokens in the file's order.
    func added() throws(TokenizerError) -> [AddedToken] {
        if addedTokens.isNull { return [] }
        var tokens: [AddedToken] = []
        for node in try addedTokens.elements() {
            try node.requireKeys([
                "id", "content", "special", "single_word", "lstrip", "rstrip", "normalized",
            ])
            let content = try node.required("content").text()
            let id = try node.required("id").integer()
            let field = "added_tokens '\(content)'"
            guard !content.isEmpty, let number = Int32(exactly: id), number >= 0 else {
                throw .malformed(
                    file: name,
                    field: field,
                    found: "id \(id)",
                    expected: "a text and an id from 0"
                )
            }
            tokens.append(
                AddedToken(
                    content: content,
                    id: id,
                    field: field,
                    entry: try Self.entry(node, content, number)
                )
            )
        }
        return tokens
    }

    /// An added token with its flags.
    static func entry(
        _ node: JSONNode,
        _ content: String,
        _ id: Int32
    ) throws(TokenizerError) -> AddedTokens.Entry {
        let isSpecial = try node.flag("special", or: false)
        return AddedTokens.Entry(
            id: id,
            content: Array(content.utf8),
            isSpecial: isSpecial,
            isNormalized: try node.flag("normalized", or: !isSpecial),
            isSingleWord: try node.flag("single_word", or: false),
            stripsLeft: try node.flag("lstrip", or: false),
            stripsRight: try node.flag("rstrip", or: false)
        )
    }

    /// The texts by id; added tokens may extend the vocabulary, but no id may be missing or given twice.
    func tokenTable(_ added: [AddedToken]) throws(TokenizerError) -> TokenTable {
        var table = TokenTable(
            capacity: vocabulary.ids.count + added.count,
            bytes: vocabulary.bytes.count + added.count * 16
        )
        var ids = vocabulary.ids
        for entry in vocabulary.ids.indices {
            do {
                try table.append(vocabulary.bytes, vocabulary.range(of: entry))
            } catch {
                let text = String(decoding: vocabulary.bytes[vocabulary.range(of: entry)], as: UTF8.self)
                throw .malformed(
                    file: name,
                    field: "model.vocab",
                    found: "'\(text)' with the ids \(ids[Int(error.first)]) and \(ids[entry])",
                    expected: "each text once"
                )
            }
        }
        var seen: Set<[UInt8]> = []
        for token in added {
            guard seen.insert(token.entry.content).inserted else {
                throw .malformed(
                    file: name,
                    field: token.field,
                    found: "the text a second time",
                    expected: "each token once"
                )
            }
            if let entry = table.id(of: token.content) {
                guard ids[Int(entry)] != token.id else { continue }
                throw .malformed(
                    file: name,
                    field: token.field,
                    found: "id \(token.id), and \(ids[Int(entry)]) in the vocabulary",
                    expected: "one id"
                )
            }
            try? table.append(token.entry.content, 0..<token.entry.content.count)
            ids.append(token.id)
        }
        return try inOrder(table, ids)
    }

    private func inOrder(_ table: TokenTable, _ ids: [Int]) throws(TokenizerError) -> TokenTable {
        var entries = [Int32](repeating: -1, count: ids.count)
        var isInOrder = true
        for (entry, id) in ids.enumerated() {
            guard entries.indices.contains(id) else {
                throw .malformed(
                    file: name,
                    field: "model.vocab",
                    found: "id \(id) for '\(table.text(entry))'",
                    expected: "ids 0 to \(ids.count - 1), each once"
                )
            }
            guard entries[id] < 0 else {
                throw .malformed(
                    file: name,
                    field: "model.vocab",
                    found: "id \(id) given twice",
                    expected: "each id once"
                )
            }
            entries[id] = Int32(entry)
            if entry != id { isInOrder = false }
        }
        if isInOrder { return table }
        var ordered = TokenTable(capacity: ids.count, bytes: table.bytes.count)
        for entry in entries { try? ordered.append(table.bytes, table.range(of: Int(entry))) }
        return ordered
    }

    /// The merge rules, without those that would make a reserved token of plain text.
    func merger(_ tokens: TokenTable, isReserved: [Bool]) throws(TokenizerError) -> BytePairMerger {
        let rules = merges ?? Merges()
        var merger = BytePairMerger(capacity: rules.ends.count)
        var start = 0
        for (rank, end) in rules.ends.enumerated() {
            defer { start = end.right }
            var left = start..<end.left
            var right = end.left..<end.right
            if right.isEmpty {
                (left, right) = try MergeRule.halves(rules.bytes, start..<end.right, rank, name)
            }
            try MergeRule.add(rules.bytes, left, right, rank, to: &merger, tokens, isReserved, name)
        }
        return merger
    }
}

/// Reads merge rules.
enum MergeRule {
    /// The two parts of a rule "left right".
    static func halves(
        _ bytes: [UInt8],
        _ rule: Range<Int>,
        _ rank: Int,
        _ source: String
    ) throws(TokenizerError) -> (Range<Int>, Range<Int>) {
        let spaces = rule.filter { bytes[$0] == 0x20 }
        guard spaces.count == 1, spaces[0] > rule.lowerBound, spaces[0] + 1 < rule.upperBound else {
            throw .malformed(
                file: source,
                field: "merge \(rank)",
                found: "'\(String(decoding: bytes[rule], as: UTF8.self))'",
                expected: "two tokens and one space"
            )
        }
        return (rule.lowerBound..<spaces[0], spaces[0] + 1..<rule.upperBound)
    }

    /// Adds a rule whose parts and whole are in the vocabulary.
    static func add(
        _ bytes: [UInt8],
        _ left: Range<Int>,
        _ right: Range<Int>,
        _ rank: Int,
        to merger: inout BytePairMerger,
        _ tokens: TokenTable,
        _ isReserved: [Bool],
        _ source: String
    ) throws(TokenizerError) {
        let whole: Int32?
        if left.upperBound == right.lowerBound {
            whole = tokens.id(of: bytes, left.lowerBound..<right.upperBound)
        } else {
            let text = Array(bytes[left] + bytes[right])
            whole = tokens.id(of: text, 0..<text.count)
        }
        guard let first = tokens.id(of: bytes, left), let second = tokens.id(of: bytes, right), let whole
        else {
            let rule =
                "\(String(decoding: bytes[left], as: UTF8.self)) "
                + String(decoding: bytes[right], as: UTF8.self)
            throw .malformed(
                file: source,
                field: "merge \(rank)",
                found: "'\(rule)'",
                expected: "tokens whose parts and whole are in the vocabulary"
            )
        }
        guard !isReserved[Int(whole)] else { return }
        merger.append(left: first, right: second, result: whole)
    }
}
