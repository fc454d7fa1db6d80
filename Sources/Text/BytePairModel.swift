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

    /// Which characters stand side by side in a token: between others no rule joins anything, so that a
    /// long piece can
    /// be cut there. Nil where pieces are cut already.
    private let junctions: Junctions?

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
        junctions = isByteLevel || ignoresMerges ? nil : Junctions(tokens)
        idOfByte = (UInt8.min...UInt8.max).map { byte in
            let text = isByteLevel ? String(ByteAlphabet.scalars[Int(byte)]) : ByteToken.text(byte)
            return tokens.id(of: text).flatMap { isByteLevel && isReserved[Int($0)] ? nil : $0 } ?? -1
        }
    }

    /// Appends the ids of a piece.
    func encode(_ bytes: [UInt8], _ piece: Range<Int>, _ cache: inout PieceCache, to ids: inout [Int32]) {
        guard let junctions, piece.count > PieceCache.bytesMax else {
            cache.append(bytes, piece, to: &ids) { merged(bytes, piece) }
            return
        }
        var start = piece.lowerBound
        // The character before, if it has a token.
        var before: UInt32?
        var index = start
        while index < piece.upperBound {
            let scalar = UTF8Reading.scalar(bytes, index)
            let isKnown = id(bytes, index..<index + scalar.width) != nil
            if isKnown, let before, !junctions.mayHold(before, scalar.value) {
                cache.append(bytes, start..<index, to: &ids) { merged(bytes, start..<index) }
                start = index
            }
            before = isKnown ? scalar.value : nil
            index += scalar.width
        }
        let rest = start..<piece.upperBound
        cache.append(bytes, rest, to: &ids) { merged(bytes, rest) }
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

/// The pairs of neighbouring characters in the tokens of a vocabulary, as bits: a pair that is there is
/// always found, and
/// one that is not is found seldom.
private struct Junctions: Sendable {
    private static let bitsLog2 = 22
    private var words = [UInt64](repeating: 0, count: 1 << (bitsLog2 - 6))

    init(_ tokens: TokenTable) {
        for id in 0..<tokens.count {
            let range = tokens.range(of: id)
            var before: UInt32?
            var index = range.lowerBound
            while index < range.upperBound {
                let scalar = UTF8Reading.scalar(tokens.bytes, index)
                if let before {
                    let bit = Junctions.bit(before, scalar.value)
                    words[bit >> 6] |= 1 << UInt64(bit & 63)
                }
                before = scalar.value
                index += scalar.width
            }
        }
    }

    func mayHold(_ first: UInt32, _ second: UInt32) -> Bool {
        let bit = Junctions.bit(first, second)
        return words[bit >> 6] >> UInt64(bit & 63) & 1 == 1
    }

    private static func bit(_ first: UInt32, _ second: UInt32) -> Int {
        let key = UInt64(first) << 21 | UInt64(second)
        return Int((key &* 0x9E37_79B9_7F4A_7C15) >> UInt64(64 - bitsLog2))
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
