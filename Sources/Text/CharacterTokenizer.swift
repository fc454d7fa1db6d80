/// One token for each character, as small models of digits and signs use it.
///
/// Tokens of more than one character, such as `<eos>`, are special. A character that has no token is
/// left out, or becomes `<unk>` if the vocabulary has that.
package struct CharacterTokenizer: Tokenizer {
    /// The tokens by id.
    package let tokens: [String]
    /// The id of `<bos>`.
    package let bos: Int32?
    /// The id of `<eos>`.
    package let eos: Int32?
    /// The id of `<pad>`.
    package let pad: Int32?
    /// What stands before a text that is encoded on its own.
    package let sequenceStart: [Int32]
    /// What stands behind it.
    package let sequenceEnd: [Int32]

    private let idOfToken: [String: Int32]
    private let idOfScalar: [Unicode.Scalar: Int32]
    private let special: AddedTokens
    private let unknown: Int32?

    /// The 32 tokens of the small arithmetic models.
    package static let arithmetic = CharacterTokenizer(
        distinct: ["<pad>", "<bos>", "<eos>"] + "0123456789+-*%=,:><srmckwbxdo".map(String.init)
    )

    package let kind = "one id for each character"

    /// How many ids there are.
    package var vocabularySize: Int { tokens.count }
    /// The id of `<unk>`.
    package var unk: Int32? { unknown }

    /// Makes a tokenizer from its tokens by id.
    ///
    /// - Parameters:
    ///   - tokens: The tokens: single characters, and special ones of several.
    ///   - ends: What stands before and behind a text that is encoded on its own; `<bos>`, if there is one, and
    ///     nothing if not given.
    ///   - source: The file's name for errors.
    /// - Throws: `TokenizerError.malformed` for empty and duplicate tokens.
    package init(
        tokens: [String],
        ends: (start: [Int32], end: [Int32])? = nil,
        source: String = "vocabulary"
    ) throws(TokenizerError) {
        var seen: [String: Int] = [:]
        for (id, token) in tokens.enumerated() {
            guard !token.isEmpty else {
                throw .malformed(
                    file: source,
                    field: "token \(id)",
                    found: "empty text",
                    expected: "a character"
                )
            }
            guard let other = seen.updateValue(id, forKey: token) else { continue }
            throw .malformed(
                file: source,
                field: "token \(id)",
                found: "the same text as token \(other)",
                expected: "a new token"
            )
        }
        self.init(distinct: tokens, ends: ends)
    }

    private init(distinct tokens: [String], ends: (start: [Int32], end: [Int32])? = nil) {
        self.tokens = tokens
        var ids: [String: Int32] = [:]
        var scalars: [Unicode.Scalar: Int32] = [:]
        var entries: [AddedTokens.Entry] = []
        for (id, token) in tokens.enumerated() {
            ids[token] = Int32(id)
            if CharacterTokenizer.isSpecial(token) {
                entries.append(.init(id: Int32(id), content: Array(token.utf8), isSpecial: true))
            } else if let scalar = token.unicodeScalars.first {
                scalars[scalar] = Int32(id)
            }
        }
        idOfToken = ids
        idOfScalar = scalars
        special = AddedTokens(entries)
        unknown = ids["<unk>"]
        bos = ids["<bos>"]
        eos = ids["<eos>"]
        pad = ids["<pad>"]
        (sequenceStart, sequenceEnd) = ends ?? (bos.map { [$0] } ?? [], [])
    }

    /// Whether a token is special by its form: more than one character.
    static func isSpecial(_ token: String) -> Bool { token.unicodeScalars.count > 1 }

    /// The ids of a text.
    package func encode(_ text: String, plain: [Range<Int>]) -> [Int32] {
        let bytes = Array(text.utf8)
        var ids: [Int32] = []
        special.cut(bytes, plain: plain) { stretch in
            for scalar in String(decoding: bytes[stretch], as: UTF8.self).unicodeScalars {
                if let id = idOfScalar[scalar] ?? unknown { ids.append(id) }
            }
        } token: {
            ids.append($0)
        }
        return ids
    }

    /// The bytes that ids stand for.
    package func decodeBytes(_ ids: [Int32], skipSpecial: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        for id in ids where tokens.indices.contains(Int(id)) && !(skipSpecial && special.contains(id)) {
            bytes += tokens[Int(id)].utf8
        }
        return bytes
    }

    /// Calls `body` with what decides which ids a text gets.
    package func forEachIdentityPart(_ body: (_ bytes: [UInt8]) -> Void) {
        IdentityWriter.write("characters", to: body) { $0.vocabulary(tokens, self) }
    }

    /// The id of a token.
    package func id(of token: String) -> Int32? { idOfToken[token] }

    /// The text of a token.
    package func token(of id: Int32) -> String? {
        tokens.indices.contains(Int(id)) ? tokens[Int(id)] : nil
    }

    /// Whether an id is a special token.
    package func isSpecial(_ id: Int32) -> Bool { special.contains(id) }

    /// The first character that has no token.
    package func firstUnencodable(in text: String) -> Unicode.Scalar? {
        text.unicodeScalars.first { idOfScalar[$0] == nil }
    }
}
