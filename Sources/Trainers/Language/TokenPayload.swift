/// Token ids as response bytes: little-endian int32, end of sequence included.
enum TokenPayload {
    /// The bytes of some token ids.
    static func encode(_ tokens: [Int32]) -> [UInt8] {
        tokens.flatMap { token in withUnsafeBytes(of: token.littleEndian, Array.init) }
    }

    /// Why bytes are not a response.
    enum Fault: Error, Equatable {
        case empty
        case partialToken(bytes: Int)
        case tooLong(tokens: Int)
        case badToken(Int32, position: Int)

        /// The fault in words.
        var reason: String {
            switch self {
            case .empty: "it has no token"
            case .partialToken(let bytes): "\(bytes) bytes are not whole int32 token ids"
            case .tooLong(let tokens): "\(tokens) tokens are too many"
            case .badToken(let token, let position):
                "token id \(token) at position \(position) is not in the vocabulary"
            }
        }
    }

    /// The token ids of some bytes.
    ///
    /// - Parameters:
    ///   - bytes: What a peer sent.
    ///   - vocabulary: Ids must lie in 0 ..< vocabulary.
    ///   - limit: At most this many tokens.
    static func decode(_ bytes: [UInt8], vocabulary: Int, limit: Int) throws(Fault) -> [Int32] {
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.count % 4 == 0 else { throw .partialToken(bytes: bytes.count) }
        guard bytes.count / 4 <= limit else { throw .tooLong(tokens: bytes.count / 4) }
        var tokens: [Int32] = []
        tokens.reserveCapacity(bytes.count / 4)
        for start in stride(from: 0, to: bytes.count, by: 4) {
            let word = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << (8 * UInt32($1)) }
            let token = Int32(bitPattern: word)
            guard token >= 0, token < vocabulary else { throw .badToken(token, position: start / 4) }
            tokens.append(token)
        }
        return tokens
    }
}
