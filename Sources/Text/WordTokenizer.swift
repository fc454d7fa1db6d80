/// One token for each word between white space, as small models of made-up languages use it.
///
/// A word that has no token is left out, or becomes `<unk>` if the vocabulary has that. Decoding puts a
/// space between tokens.
package struct WordTokenizer: Tokenizer {
    /// The tokens by id.
    package let tokens: [String]
    /// The id of `<bos>`, or what a file names so.
    package let bos: Int32?
    /// The id of `<eos>`, or what a file names so.
    package let eos: Int32?
    /// The id of `<pad>`, or what a file names so.
    package let pad: Int32?
    /// What stands before a text that is encoded on its own.
    package let sequenceStart: [Int32]
    /// What stands behind it.
    package let sequenceEnd: [Int32]

    private let idOfToken: [String: Int32]
    private let special: AddedTokens
    private let unknown: Int32?

    package let kind = "one id for each word"

    /// How many ids there are.
    package var vocabularySize: Int { tokens.count }
    /// The id of `<unk>`.
    package var unk: Int32? { unknown }

    /// Makes a tokenizer from its tokens by id; those of the form `<name>` are special. A text begins with `<bos>`, if
    /// there is one.
    ///
    /// - Throws: `TokenizerError.malformed` for tokens that are empty, hold white space or come twice.
    package init(tokens: [String]) throws(TokenizerError) {
        let special = Set(tokens.filter { $0.hasPrefix("<") && $0.hasSuffix(">") })
        try self.init(
            tokens: tokens,
            special: special,
            names: SpecialNames(),
            ends: nil,
            source: "vocabulary"
        )
    }

    /// Makes a tokenizer from a file's tokens.
    ///
    /// - Parameters:
    ///   - tokens: The tokens by id.
    ///   - special: Which of them plain text never stands for.
    ///   - names: The tokens that begin, end and fill sequences; the usual names where not given.
    ///   - ends: What stands before and behind a text that is encoded on its own; nil for `bos`, if there is one, and nothing.
    ///   - source: The file's name for errors.
    init(
        tokens: [String],
        special: Set<String>,
        names: SpecialNames,
        ends: (start: [Int32], end: [Int32])?,
        source: String
    ) throws(TokenizerError) {
        var ids: [String: Int32] = [:]
        for (id, token) in tokens.enumerated() {
            guard !token.isEmpty, !token.unicodeScalars.contains(where: \.properties.isWhitespace) else {
                throw .malformed(
                    file: source,
                    field: "token \(id)",
                    found: token.isEmpty ? "empty text" : "'\(token)', which holds white space",
                    expected: "a word"
                )
            }
            guard let other = ids.updateValue(Int32(id), forKey: token) else { continue }
            throw .malformed(
                file: source,
                field: "token \(id)",
                found: "the same text as token \(other)",
                expected: "a new token"
            )
        }
        self.tokens = tokens
        idOfToken = ids
        self.special = AddedTokens(
            tokens.enumerated().filter { special.contains($1) }.map {
                .init(id: Int32($0), content: Array($1.utf8), isSpecial: true)
            }
        )
        unknown = ids["<unk>"]
        bos = SpecialNames.id(names.bos, or: ["<bos>"], in: ids)
        eos = SpecialNames.id(names.eos, or: ["<eos>"], in: ids)
        pad = SpecialNames.id(names.pad, or: ["<pad>"], in: ids)
        (sequenceStart, sequenceEnd) = ends ?? (bos.map { [$0] } ?? [], [])
    }

    /// The ids of a text.
    package func encode(_ text: String, plain: [Range<Int>]) -> [Int32] {
        let bytes = Array(text.utf8)
        var ids: [Int32] = []
        special.cut(bytes, plain: plain) { stretch in
            for word in WordTokenizer.words(of: String(decoding: bytes[stretch], as: UTF8.self)) {
                if let id = plainID(of: word) ?? unknown { ids.append(id) }
            }
        } token: {
            ids.append($0)
        }
        return ids
    }

    /// The bytes that ids stand for, a space between two tokens.
    package func decodeBytes(_ ids: [Int32], skipSpecial: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        for id in ids where tokens.indices.contains(Int(id)) && !(skipSpecial && special.contains(id)) {
            if !bytes.isEmpty { bytes.append(0x20) }
            bytes += tokens[Int(id)].utf8
        }
        return bytes
    }

    /// Calls `body` with what decides which ids a text gets.
    package func forEachIdentityPart(_ body: (_ bytes: [UInt8]) -> Void) {
        IdentityWriter.write("words", to: body) { $0.vocabulary(tokens, self) }
    }

    /// The id of a token.
    package func id(of token: String) -> Int32? { idOfToken[token] }

    /// The text of a token.
    package func token(of id: Int32) -> String? {
        tokens.indices.contains(Int(id)) ? tokens[Int(id)] : nil
    }

    /// Whether an id is a special token.
    package func isSpecial(_ id: Int32) -> Bool { special.contains(id) }

    /// The first character of the first word that has no token.
    package func firstUnencodable(in text: String) -> Unicode.Scalar? {
        WordTokenizer.words(of: text).first { plainID(of: $0) == nil }?.first
    }

    private func plainID(of word: String.UnicodeScalarView.SubSequence) -> Int32? {
        idOfToken[String(word)].flatMap { special.contains($0) ? nil : $0 }
    }

    private static func words(of text: String) -> [String.UnicodeScalarView.SubSequence] {
        text.unicodeScalars.split { $0.properties.isWhitespace }
    }
}

extension WordTokenizer: FileTokenizer {
    /// The vocabulary as a `tokenizer.json` that Hugging Face's `tokenizers` loads and encodes alike.
    package func fileBytes() -> [UInt8] { file.bytes() }

    /// The `tokenizer_config.json` to put beside it, so that `transformers` knows the special tokens.
    package func configurationBytes() -> [UInt8] { file.configurationBytes(for: self) }

    private var file: WordLevelFile {
        WordLevelFile(
            tokens: tokens,
            isSpecial: { idOfToken[$0].map { special.contains($0) } ?? false },
            preTokenizer: #"{"type": "WhitespaceSplit"}"#,
            decoder: "null",
            start: sequenceStart.map { tokens[Int($0)] },
            end: sequenceEnd.map { tokens[Int($0)] }
        )
    }
}
