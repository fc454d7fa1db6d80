/// Byte-level byte-pair encoding as GPT-2, SmolLM and their relatives use it.
///
/// Text is cut at special tokens, then by the pre-tokenizer, and each piece's UTF-8 bytes are merged
/// by rank. A byte without a token of its own is left out, as in the reference implementations.
package struct BytePairTokenizer: Tokenizer {
    /// How text is cut before merging.
    package let preTokenizer: PreTokenizer
    /// The id that begins a sequence.
    package let bos: Int32?
    /// The id that ends a sequence.
    package let eos: Int32?
    /// The id that fills unused places.
    package let pad: Int32?

    private let tokens: [String]
    private let tokenBytes: [[UInt8]]
    private let idOfToken: [String: Int32]
    private let idOfByte: [Int32?]
    private let special: SpecialTokens
    private let merger: BytePairMerger

    /// How many ids there are.
    package var vocabularySize: Int { tokenBytes.count }

    /// What the tokens of a vocabulary are, with the codes of GGUF's `tokenizer.ggml.token_type`.
    package enum TokenType: Int32, Sendable {
        /// An ordinary token.
        case normal = 1
        /// The token for what has none.
        case unknown = 2
        /// A special token, recognised only on request.
        case control = 3
        /// An added token, recognised always.
        case userDefined = 4
        /// An id that is never used.
        case unused = 5
        /// A byte of a byte fallback.
        case byte = 6
    }

    /// Makes a tokenizer from the arrays of GGUF metadata.
    ///
    /// - Parameters:
    ///   - tokens: The tokens by id, in GPT-2's byte alphabet (`tokenizer.ggml.tokens`).
    ///   - tokenTypes: A type for each token, or empty when all are normal.
    ///   - merges: The rules by rank, each "left right" (`tokenizer.ggml.merges`).
    ///   - preTokenizer: How text is cut before merging.
    ///   - bos: The id that begins a sequence.
    ///   - eos: The id that ends a sequence.
    ///   - pad: The id that fills unused places.
    ///   - source: The file's name for errors.
    /// - Throws: `TokenizerError.malformed` for counts that differ, duplicate tokens, rules about
    ///   unknown tokens, and ids outside of the vocabulary.
    package init(
        tokens: [String],
        tokenTypes: [Int32],
        merges: [String],
        preTokenizer: PreTokenizer,
        bos: Int32?,
        eos: Int32?,
        pad: Int32?,
        source: String
    ) throws(TokenizerError) {
        var pairs: [(String, String)] = []
        pairs.reserveCapacity(merges.count)
        for (rank, rule) in merges.enumerated() { pairs.append(try MergeRule.parse(rule, rank, source)) }
        try self.init(
            tokens: tokens,
            tokenTypes: tokenTypes,
            merges: pairs,
            preTokenizer: preTokenizer,
            bos: bos,
            eos: eos,
            pad: pad,
            source: source
        )
    }

    /// Makes a tokenizer from rules that are already pairs.
    init(
        tokens: [String],
        tokenTypes: [Int32],
        merges: [(String, String)],
        preTokenizer: PreTokenizer,
        bos: Int32?,
        eos: Int32?,
        pad: Int32?,
        source: String
    ) throws(TokenizerError) {
        guard tokenTypes.isEmpty || tokenTypes.count == tokens.count else {
            throw .malformed(
                file: source,
                field: "token types",
                found: "\(tokenTypes.count)",
                expected: "\(tokens.count), one each"
            )
        }
        for (name, id) in [("bos", bos), ("eos", eos), ("pad", pad)] {
            guard let id, !tokens.indices.contains(Int(id)) else { continue }
            throw .malformed(
                file: source,
                field: name,
                found: "id \(id)",
                expected: "an id below \(tokens.count)"
            )
        }
        self.preTokenizer = preTokenizer
        (self.bos, self.eos, self.pad) = (bos, eos, pad)

        self.tokens = tokens
        idOfToken = try BytePairTokenizer.index(tokens, source)
        var tokenBytes: [[UInt8]] = []
        tokenBytes.reserveCapacity(tokens.count)
        var entries: [SpecialTokens.Entry] = []
        var idOfByte = [Int32?](repeating: nil, count: 256)
        for (id, token) in tokens.enumerated() {
            let type = tokenTypes.isEmpty ? .normal : TokenType(rawValue: tokenTypes[id])
            if type == .control || type == .userDefined {
                let content = Array(token.utf8)
                entries.append(.init(id: Int32(id), content: content, isSpecial: type == .control))
                tokenBytes.append(content)
                continue
            }
            let bytes = ByteAlphabet.bytes(of: token)
            if bytes.count == 1 { idOfByte[Int(bytes[0])] = Int32(id) }
            tokenBytes.append(bytes)
        }
        self.tokenBytes = tokenBytes
        self.idOfByte = idOfByte
        special = SpecialTokens(entries)
        merger = try MergeRule.table(merges, idOfToken, source)
    }

    /// The ids of a text.
    package func encode(_ text: String, plain: [Range<Int>]) -> [Int32] {
        let bytes = Array(text.utf8)
        var ids: [Int32] = []
        special.cut(bytes, plain: plain) { stretch in
            encodePlain(bytes[stretch], into: &ids)
        } special: {
            ids.append($0)
        }
        return ids
    }

    /// The bytes that ids stand for.
    package func decodeBytes(_ ids: [Int32], skipSpecial: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        for id in ids where tokenBytes.indices.contains(Int(id)) && !(skipSpecial && special.contains(id)) {
            bytes += tokenBytes[Int(id)]
        }
        return bytes
    }

    /// The id of a token: special ones by their content, others in the byte alphabet.
    package func id(of token: String) -> Int32? { idOfToken[token] }

    /// The text of a token.
    package func token(of id: Int32) -> String? {
        tokens.indices.contains(Int(id)) ? tokens[Int(id)] : nil
    }

    /// Whether an id is a special token.
    package func isSpecial(_ id: Int32) -> Bool { special.contains(id) }

    /// The first character with a byte that has no token.
    package func firstUnencodable(in text: String) -> Unicode.Scalar? {
        text.unicodeScalars.first { scalar in
            Unicode.UTF8.encode(scalar)?.contains { idOfByte[Int($0)] == nil } ?? true
        }
    }

    private func encodePlain(_ bytes: ArraySlice<UInt8>, into ids: inout [Int32]) {
        for piece in preTokenizer.pieces(of: String(decoding: bytes, as: UTF8.self)) {
            let start = bytes.startIndex
            let range = start + piece.lowerBound..<start + piece.upperBound
            ids += merger.merge(bytes[range].compactMap { idOfByte[Int($0)] })
        }
    }

    private static func index(_ tokens: [String], _ source: String) throws(TokenizerError) -> [String: Int32]
    {
        var index: [String: Int32] = [:]
        index.reserveCapacity(tokens.count)
        for (id, token) in tokens.enumerated() {
            guard let other = index.updateValue(Int32(id), forKey: token) else { continue }
            throw .malformed(
                file: source,
                field: "token \(id)",
                found: "the same text as token \(other)",
                expected: "a new token"
            )
        }
        return index
    }
}

/// Reads merge rules.
enum MergeRule {
    static func parse(_ rule: String, _ rank: Int, _ source: String) throws(TokenizerError) -> (
        String, String
    ) {
        let parts = rule.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 2, let left = String(parts[0]), let right = String(parts[1]), !left.isEmpty,
            !right.isEmpty
        else {
            throw .malformed(
                file: source,
                field: "merge \(rank)",
                found: "'\(rule)'",
                expected: "two tokens and one space"
            )
        }
        return (left, right)
    }

    static func table(
        _ pairs: [(String, String)],
        _ ids: [String: Int32],
        _ source: String
    ) throws(TokenizerError) -> BytePairMerger {
        var merger = BytePairMerger(capacity: pairs.count)
        for (rank, pair) in pairs.enumerated() {
            guard let left = ids[pair.0], let right = ids[pair.1], let result = ids[pair.0 + pair.1] else {
                throw .malformed(
                    file: source,
                    field: "merge \(rank)",
                    found: "'\(pair.0) \(pair.1)'",
                    expected: "tokens whose parts and whole are in the vocabulary"
                )
            }
            merger.append(left: left, right: right, result: result)
        }
        return merger
    }
}
