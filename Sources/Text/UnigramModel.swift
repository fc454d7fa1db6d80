/// The unigram language model over pieces (Kudo, 2018): of all ways to write a text as tokens the one whose
/// scores add
/// up to most, found by Viterbi's algorithm.
struct UnigramModel: Sendable {
    /// The score of each id.
    let scores: [Double]
    /// What stands for characters that have no token.
    let unknown: Int32
    /// Whether characters without a token become the tokens of their bytes.
    let fallsBackToBytes: Bool

    /// How much less than the lowest score an unknown character has.
    private static let unknownPenalty = 10.0

    private let trie: TokenTrie
    /// The id of each byte's token; empty when one of them is missing.
    private let idOfByte: [Int32]
    private let unknownScore: Double

    /// Makes the model of a vocabulary.
    ///
    /// - Parameter isReserved: For each id whether no text may become it.
    init(tokens: TokenTable, scores: [Double], unknown: Int32, fallsBackToBytes: Bool, isReserved: [Bool]) {
        self.scores = scores
        self.unknown = unknown
        self.fallsBackToBytes = fallsBackToBytes
        trie = TokenTrie(tokens) { $0 < scores.count && !isReserved[$0] }
        let ids = (UInt8.min...UInt8.max).compactMap { tokens.id(of: ByteToken.text($0)) }
        idOfByte = ids.count == 256 && fallsBackToBytes ? ids : []
        unknownScore = (scores.min() ?? 0) - Self.unknownPenalty
    }

    /// Whether a character, as normalised, has tokens of its own.
    func canEncode(_ scalar: Unicode.Scalar) -> Bool {
        if !idOfByte.isEmpty { return true }
        let text = Array(String(scalar).utf8)
        var isToken = false
        trie.prefixes(of: text, 0..<text.count) { _, end in if end == text.count { isToken = true } }
        return isToken
    }

    /// The ids of a piece.
    func encode(_ bytes: [UInt8], _ piece: Range<Int>) -> [Int32] {
        let count = piece.count
        // Of the best way to each place: its score, its last token, and where that begins.
        var best = [Double](repeating: -.infinity, count: count + 1)
        var last = [Int32](repeating: -1, count: count + 1)
        var from = [Int32](repeating: -1, count: count + 1)
        best[0] = 0
        var place = 0
        while place < count {
            let width = UTF8Reading.width(bytes[piece.lowerBound + place])
            let here = best[place]
            var hasSingle = false
            func offer(_ end: Int, _ score: Double, _ id: Int32) {
                guard from[end] < 0 || score > best[end] else { return }
                best[end] = score
                last[end] = id
                from[end] = Int32(place)
            }
            trie.prefixes(of: bytes, piece.lowerBound + place..<piece.upperBound) { id, end in
                let end = end - piece.lowerBound
                offer(end, scores[Int(id)] + here, id)
                if end - place == width { hasSingle = true }
            }
            if !hasSingle { offer(place + width, unknownScore + here, unknown) }
            place += width
        }
        return path(bytes, piece, last, from)
    }

    /// Walks back along the best way; neighbouring unknown characters become one token, or their bytes.
    private func path(_ bytes: [UInt8], _ piece: Range<Int>, _ last: [Int32], _ from: [Int32]) -> [Int32] {
        var reversed: [Int32] = []
        var end = piece.count
        var wasUnknown = false
        while end > 0 {
            let start = Int(from[end])
            let isUnknown = last[end] == unknown
            if isUnknown, !idOfByte.isEmpty {
                for index in (start..<end).reversed() {
                    reversed.append(idOfByte[Int(bytes[piece.lowerBound + index])])
                }
            } else if !(isUnknown && wasUnknown) {
                reversed.append(last[end])
            }
            wasUnknown = isUnknown
            end = start
        }
        return reversed.reversed()
    }
}

/// A trie over the texts of a vocabulary.
private struct TokenTrie: Sendable {
    /// By open addressing: node and byte, or all ones.
    private var keys: [UInt64] = []
    private var children: [Int32] = []
    /// The token that ends at each node, or -1.
    private var tokens: [Int32] = [-1]

    private static let none = UInt64.max

    init(_ table: TokenTable, where isKnown: (Int) -> Bool) {
        resize(to: 1 << 10)
        for id in 0..<table.count where isKnown(id) {
            var node = 0
            for byte in table[id] {
                let key = UInt64(node) << 8 | UInt64(byte)
                var slot = slot(of: key)
                if keys[slot] == Self.none {
                    if tokens.count * 2 > keys.count {
                        resize(to: keys.count * 2)
                        slot = self.slot(of: key)
                    }
                    keys[slot] = key
                    children[slot] = Int32(tokens.count)
                    tokens.append(-1)
                }
                node = Int(children[slot])
            }
            if node > 0 { tokens[node] = Int32(id) }
        }
    }

    /// Calls `found` for each token that a stretch begins with, shortest first, with where it ends.
    func prefixes(of bytes: [UInt8], _ stretch: Range<Int>, found: (_ id: Int32, _ end: Int) -> Void) {
        var node = 0
        for index in stretch {
            let slot = slot(of: UInt64(node) << 8 | UInt64(bytes[index]))
            guard keys[slot] != Self.none else { return }
            node = Int(children[slot])
            if tokens[node] >= 0 { found(tokens[node], index + 1) }
        }
    }

    private func slot(of key: UInt64) -> Int {
        let mask = keys.count - 1
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 24) & mask
        while keys[slot] != key, keys[slot] != Self.none { slot = (slot + 1) & mask }
        return slot
    }

    private mutating func resize(to size: Int) {
        let (oldKeys, oldChildren) = (keys, children)
        keys = [UInt64](repeating: Self.none, count: size)
        children = [Int32](repeating: -1, count: size)
        for index in oldKeys.indices where oldKeys[index] != Self.none {
            let slot = slot(of: oldKeys[index])
            keys[slot] = oldKeys[index]
            children[slot] = oldChildren[index]
        }
    }
}
