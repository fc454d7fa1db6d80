/// The text of tokens that come one by one: what it has given never changes when more tokens come.
///
/// Only whole characters are given: bytes that could be the beginning of one wait for the rest. The parts
/// together are the text of `decodeBytes`, special tokens left out, with U+FFFD where that is no UTF-8.
package struct TextStream: Sendable {
    private let tokenizer: any Tokenizer
    /// The last tokens: those before `given` only say how the others are written behind them.
    private var tokens: [Int32] = []
    /// How many of `tokens` were given as text.
    private var given = 0

    /// Starts a text; special tokens are left out.
    package init(_ tokenizer: any Tokenizer) { self.tokenizer = tokenizer }

    /// Takes a token.
    ///
    /// - Returns: What can be said now; empty while a character is not whole.
    package mutating func append(_ token: Int32) -> String {
        guard !tokenizer.isSpecial(token) else { return "" }
        tokens.append(token)
        let bytes = waiting
        guard TextStream.isWhole(bytes) else { return "" }
        // One token is enough to know how the next is written behind it; no more is kept.
        tokens.removeFirst(given)
        given = tokens.count
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What is still to be said at the end: U+FFFD for a character that never became whole.
    package mutating func finish() -> String {
        let rest = String(decoding: waiting, as: UTF8.self)
        (tokens, given) = ([], 0)
        return rest
    }

    /// The bytes that are not given yet.
    private var waiting: [UInt8] {
        let before = tokenizer.decodeBytes(Array(tokens[..<given]), skipSpecial: true)
        return Array(tokenizer.decodeBytes(tokens, skipSpecial: true).dropFirst(before.count))
    }

    /// Whether no character is begun at the end.
    private static func isWhole(_ bytes: [UInt8]) -> Bool {
        // The lead byte of a sequence is at most three bytes before the end.
        for (index, byte) in bytes.enumerated().suffix(3).reversed() {
            if byte & 0xC0 == 0x80 { continue }
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 1
            return bytes.count - index >= length || byte > 0xF4
        }
        return true
    }
}
