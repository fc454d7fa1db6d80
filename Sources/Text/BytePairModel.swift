/// Byte-pair encoding of a piece of text: into bytes or characters, which are then merged by rank.
struct BytePairModel: Sendable {
    /// The texts by id.
    let tokens: TokenTable
    /// The merge rules.
    let merger: BytePairMerger
    /// Whether texts are written in GPT-2's byte alphabet, so that bytes are merged; otherwise characters
    /// are.
    let isByteLevel: Bool
    /// Whether a character without a token becomes the tokens of its bytes.
    let fallsBackToBytes: Bool
    /// What stands for a character that has no token; nil when it is left out.
    let unknown: Int32?
    /// Whether neighbouring unknown characters become one token.
    let fusesUnknown: Bool
    /// Whether a piece that is a token stays whole, whatever the rules say.
    let ignoresMerges: Bool

    /// The id of each byte, in the byte alphabet or as `<0x0A>`; -1 where there is none.
    private let idOfByte: [Int32]
    /// Ids that no text may become.
    private let isReserved: [Bool]

    private static let cachedBytesMax = 64
    private static let cachedPiecesMax = 1 << 16

    /// Makes the model of a vocabulary.
    ///
    /// - Parameter isReserved: For each id whether no text may become it.
    init(
        tokens: TokenTable,
        merger: BytePairMerger,
        isByteLevel: Bool,
        fallsBackToBytes: Bool = false,
        unknown: Int32? = nil,
        fusesUnknown: Bool = false,
        ignoresMerges: Bool = false,
        isReserved: [Bool]
    ) {
        self.tokens = tokens
        self.merger = merger
        self.isByteLevel = isByteLevel
        self.fallsBackToBytes = fallsBackToBytes
        self.unknown = unknown
        self.fusesUnknown = fusesUnknown
        self.ignoresMerges = ignoresMerges
        self.isReserved = isReserved
        idOfByte = (UInt8.min...UInt8.max).map { byte in
            let text = isByteLevel ? String(ByteAlphabet.scalars[Int(byte)]) : ByteToken.text(byte)
            return tokens.id(of: text).flatMap { isByteLevel && isReserved[Int($0)] ? nil : $0 } ?? -1
        }
    }

    /// The pieces that were encoded before in the same text.
    struct Cache {
        fileprivate var pieces = TokenTable()
        fileprivate var ids: [Int32] = []
        fileprivate var ends = [0]
    }

    /// Appends the ids of a piece.
    func encode(_ bytes: [UInt8], _ piece: Range<Int>, _ cache: inout Cache, to ids: inout [Int32]) {
        guard piece.count <= Self.cachedBytesMax else {
            ids += merged(bytes, piece)
            return
        }
        if let known = cache.pieces.id(of: bytes, piece) {
            ids += cache.ids[cache.ends[Int(known)]..<cache.ends[Int(known) + 1]]
            return
        }
        let new = merged(bytes, piece)
        ids += new
        guard cache.pieces.count < Self.cachedPiecesMax, (try? cache.pieces.append(bytes, piece)) != nil
        else {
            return
        }
        cache.ids += new
        cache.ends.append(cache.ids.count)
    }

    /// Whether there are characters that no token stands for.
    var losesCharacters: Bool { !(isByteLevel || fallsBackToBytes) || idOfByte.contains(-1) }

    /// Whether a character, as normalised, has tokens of its own.
    func canEncode(_ scalar: Unicode.Scalar) -> Bool {
        let text = Array(String(scalar).utf8)
        if !isByteLevel, id(text, 0..<text.count) != nil { return true }
        return (isByteLevel || fallsBackToBytes) && text.allSatisfy { idOfByte[Int($0)] >= 0 }
    }

    private func merged(_ bytes: [UInt8], _ piece: Range<Int>) -> [Int32] {
        if ignoresMerges, let id = whole(bytes, piece) { return [id] }
        return merger.merge(isByteLevel ? byteSymbols(bytes, piece) : characterSymbols(bytes, piece))
    }

    /// The token that a whole piece is.
    private func whole(_ bytes: [UInt8], _ piece: Range<Int>) -> Int32? {
        guard isByteLevel else { return id(bytes, piece) }
        let text = ByteAlphabet.text(bytes[piece])
        return id(text, 0..<text.count)
    }

    private func id(_ bytes: [UInt8], _ range: Range<Int>) -> Int32? {
        tokens.id(of: bytes, range).flatMap { isReserved[Int($0)] ? nil : $0 }
    }

    private func byteSymbols(_ bytes: [UInt8], _ piece: Range<Int>) -> [Int32] {
        var symbols: [Int32] = []
        symbols.reserveCapacity(piece.count)
        var wasUnknown = false
        for index in piece {
            let id = idOfByte[Int(bytes[index])]
            if id >= 0 {
                symbols.append(id)
            } else if let unknown, !(wasUnknown && fusesUnknown) {
                symbols.append(unknown)
            }
            wasUnknown = id < 0
        }
        return symbols
    }

    private func characterSymbols(_ bytes: [UInt8], _ piece: Range<Int>) -> [Int32] {
        var symbols: [Int32] = []
        symbols.reserveCapacity(piece.count)
        // An unknown character that is not written yet: the reference writes it before the next known one.
        var waiting: Int32?
        var index = piece.lowerBound
        while index < piece.upperBound {
            let range = index..<index + UTF8Reading.width(bytes[index])
            index = range.upperBound
            if let id = id(bytes, range) {
                if let unknown = waiting { symbols.append(unknown) }
                waiting = nil
                symbols.append(id)
            } else if fallsBackToBytes, range.allSatisfy({ idOfByte[Int(bytes[$0])] >= 0 }) {
                for byte in bytes[range] { symbols.append(idOfByte[Int(byte)]) }
            } else if let unknown {
                if let before = waiting, !fusesUnknown { symbols.append(before) }
                waiting = unknown
            }
        }
        if let unknown = waiting { symbols.append(unknown) }
        return symbols
    }
}

/// The tokens that stand for single bytes, `<0x00>` to `<0xFF>`.
enum ByteToken {
    /// The token of a byte.
    static func text(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return "<0x\(digits.count == 1 ? "0" : "")\(digits)>"
    }

    /// The byte of a token; nil for any other text.
    static func byte(of token: ArraySlice<UInt8>) -> UInt8? {
        guard token.count == 6, token.starts(with: "<0x".utf8), token.last == UInt8(ascii: ">") else {
            return nil
        }
        return UInt8(String(decoding: token.dropFirst(3).prefix(2), as: UTF8.self), radix: 16)
    }
}
