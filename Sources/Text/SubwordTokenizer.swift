/// A vocabulary of parts of words with its rules: byte-pair encoding over bytes or characters, or a unigram
/// model.
///
/// Text is cut at added tokens, normalised, cut by the pre-tokenizer, and each piece is encoded by the
/// model. A
/// character without a token is left out or becomes the unknown token, as in the reference implementations.
package struct SubwordTokenizer: Tokenizer {
    /// What encodes a piece.
    enum Model: Sendable {
        case bytePair(BytePairModel)
        case unigram(UnigramModel)
    }

    /// What happens around the model, in the order of the steps.
    struct Stages: Sendable {
        var normalizers: [Normalizer] = []
        var preTokenizers: [PreTokenizer] = []
        /// How the texts of tokens become text; without any they are joined by spaces.
        var decoders: [TokenDecoder] = []
    }

    /// The ids with a meaning of their own.
    struct Roles: Sendable {
        var bos: Int32?
        var eos: Int32?
        var pad: Int32?
        var unk: Int32?
        /// What stands before and behind a text that is encoded on its own.
        var sequenceStart: [Int32] = []
        var sequenceEnd: [Int32] = []
    }

    /// The texts by id.
    let tokens: TokenTable
    /// The added tokens.
    let added: [AddedTokens.Entry]
    /// What encodes a piece.
    let model: Model
    /// What happens around the model.
    let stages: Stages
    private let roles: Roles
    private let addedTokens: AddedTokens
    private let normalizedAddedTokens: AddedTokens

    package var kind: String {
        switch model {
        case .bytePair(let model) where model.isByteLevel: "byte-pair encoding of bytes"
        case .bytePair(let model):
            "byte-pair encoding of characters\(model.fallsBackToBytes ? " with byte fallback" : "")"
        case .unigram: "unigram"
        }
    }

    /// How many ids there are.
    package var vocabularySize: Int { tokens.count }
    /// The id that begins a sequence.
    package var bos: Int32? { roles.bos }
    /// The id that ends a sequence.
    package var eos: Int32? { roles.eos }
    /// The id that fills unused places.
    package var pad: Int32? { roles.pad }
    /// The id that stands for what has no token.
    package var unk: Int32? { roles.unk }
    /// What stands before a text that is encoded on its own.
    package var sequenceStart: [Int32] { roles.sequenceStart }
    /// What stands behind a text that is encoded on its own.
    package var sequenceEnd: [Int32] { roles.sequenceEnd }

    /// Makes a tokenizer of its parts.
    ///
    /// - Throws: `TokenizerError.malformed` for ids outside of the vocabulary.
    init(
        tokens: TokenTable,
        added: [AddedTokens.Entry],
        model: Model,
        stages: Stages,
        roles: Roles,
        source: String
    ) throws(TokenizerError) {
        for (name, id) in [("bos", roles.bos), ("eos", roles.eos), ("pad", roles.pad), ("unk", roles.unk)] {
            guard let id, id < 0 || id >= tokens.count else { continue }
            let expected = "an id below \(tokens.count)"
            throw .malformed(file: source, field: name, found: "id \(id)", expected: expected)
        }
        self.tokens = tokens
        self.added = added
        self.model = model
        self.stages = stages
        self.roles = roles
        addedTokens = AddedTokens(added.filter { !$0.isNormalized })
        // Such a token is looked for as the normaliser writes it.
        normalizedAddedTokens = AddedTokens(
            added.filter(\.isNormalized).map { entry in
                AddedTokens.Entry(
                    id: entry.id,
                    content: SubwordTokenizer.normalized(entry.content, stages.normalizers),
                    isSpecial: entry.isSpecial,
                    isSingleWord: entry.isSingleWord,
                    stripsLeft: entry.stripsLeft,
                    stripsRight: entry.stripsRight
                )
            }
        )
    }

    /// The ids of a text.
    package func encode(_ text: String, plain: [Range<Int>]) -> [Int32] {
        let bytes = Array(text.utf8)
        var ids: [Int32] = []
        ids.reserveCapacity(bytes.count / 3)
        var cache = PieceCache()
        addedTokens.cut(bytes, plain: plain) { stretch in
            encode(bytes, stretch, plain, &cache, to: &ids)
        } token: {
            ids.append($0)
        }
        return ids
    }

    /// The bytes that ids stand for.
    package func decodeBytes(_ ids: [Int32], skipSpecial: Bool) -> [UInt8] {
        decode(ids, skipSpecial, keepsBytes: true)
    }

    /// The text that ids stand for; bytes that are no UTF-8 become U+FFFD.
    package func decode(_ ids: [Int32], skipSpecial: Bool) -> String {
        String(decoding: decode(ids, skipSpecial, keepsBytes: false), as: UTF8.self)
    }

    /// The id of a token: special ones by their content, others as the vocabulary writes them.
    package func id(of token: String) -> Int32? { tokens.id(of: token) }

    /// The text of a token.
    package func token(of id: Int32) -> String? {
        id >= 0 && id < tokens.count ? tokens.text(Int(id)) : nil
    }

    /// Whether an id is a special token.
    package func isSpecial(_ id: Int32) -> Bool {
        addedTokens.contains(id) || normalizedAddedTokens.contains(id)
    }

    /// The first character of the normalised text that has no token, or has one only in part.
    package func firstUnencodable(in text: String) -> Unicode.Scalar? {
        let bytes = SubwordTokenizer.normalized(Array(text.utf8), stages.normalizers)
        let written = stages.preTokenizers.reduce(bytes) { bytes, step in
            guard case .metaspace(let sign, _) = step else { return bytes }
            return Normalizer.replace([0x20], with: sign, in: bytes)
        }
        return String(decoding: written, as: UTF8.self).unicodeScalars.first { scalar in
            switch model {
            case .bytePair(let model): !model.canEncode(scalar)
            case .unigram(let model): !model.canEncode(scalar)
            }
        }
    }

    private static func normalized(_ bytes: [UInt8], _ steps: [Normalizer]) -> [UInt8] {
        steps.reduce(bytes) { $1.apply($0) }
    }

    private func encode(
        _ bytes: [UInt8],
        _ stretch: Range<Int>,
        _ plain: [Range<Int>],
        _ cache: inout PieceCache,
        to ids: inout [Int32]
    ) {
        let isWhole = stretch.count == bytes.count
        let given = isWhole ? bytes : Array(bytes[stretch])
        let written = SubwordTokenizer.normalized(given, stages.normalizers)
        guard !normalizedAddedTokens.isEmpty else {
            encodePieces(written, isFirst: stretch.lowerBound == 0, &cache, to: &ids)
            return
        }
        let parts = plain.filter { $0.overlaps(stretch) }.map { part in
            let lower = max(part.lowerBound, stretch.lowerBound) - stretch.lowerBound
            let upper = min(part.upperBound, stretch.upperBound) - stretch.lowerBound
            return place(
                of: lower,
                in: given
            )..<(upper == given.count ? written.count : place(of: upper, in: given))
        }
        normalizedAddedTokens.cut(written, plain: parts) { rest in
            let isFirst = stretch.lowerBound == 0 && rest.lowerBound == 0
            encodePieces(Array(written[rest]), isFirst: isFirst, &cache, to: &ids)
        } token: {
            ids.append($0)
        }
    }

    /// Where a place of a text is after normalisation.
    private func place(of index: Int, in bytes: [UInt8]) -> Int {
        index == 0 ? 0 : SubwordTokenizer.normalized(Array(bytes[..<index]), stages.normalizers).count
    }

    private func encodePieces(
        _ bytes: [UInt8],
        isFirst: Bool,
        _ cache: inout PieceCache,
        to ids: inout [Int32]
    ) {
        var text = PreTokenizedText(bytes, isFirst: isFirst)
        for step in stages.preTokenizers { text.apply(step) }
        switch model {
        case .bytePair(let model):
            let bytes = text.bytes
            for piece in text.pieces { model.encode(bytes, piece, &cache, to: &ids) }
        case .unigram(let model):
            let bytes = text.bytes
            for piece in text.pieces { cache.append(bytes, piece, to: &ids) { model.encode(bytes, piece) } }
        }
    }

    private func decode(_ ids: [Int32], _ skipSpecial: Bool, keepsBytes: Bool) -> [UInt8] {
        let known = ids.filter { $0 >= 0 && $0 < tokens.count && !(skipSpecial && isSpecial($0)) }
        let texts = known.map { Array(tokens[Int($0)]) }
        guard !stages.decoders.isEmpty else { return Array(texts.joined(separator: [0x20])) }
        return stages.decoders.reduce(texts) { $1.apply($0, keepsBytes: keepsBytes) }.flatMap { $0 }
    }
}
