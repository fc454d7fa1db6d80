/// A conversation as tokens, with those that are learned from.
package struct TokenisedConversation: Sendable, Equatable {
    /// The tokens, up to the end of the last answer: what comes after it cannot change the loss.
    package var tokens: [Int32]
    /// Where in `tokens` each answer is, the token that ends its turn included; ascending and disjoint, none empty.
    package var answers: [Range<Int>]
    /// Whether a part of the conversation was cut off at the end.
    package var isCut: Bool

    /// Makes a conversation.
    package init(tokens: [Int32], answers: [Range<Int>], isCut: Bool = false) {
        self.tokens = tokens
        self.answers = answers
        self.isCut = isCut
    }

    /// How many tokens are learned from.
    package var answerTokenCount: Int { answers.reduce(0) { $0 + $1.count } }

    /// The conversation's first `limit` tokens, without what follows the last answer in them; nil if no token of an
    /// answer is among them.
    ///
    /// - Parameter limit: The most tokens, at least 1.
    package func cut(to limit: Int) -> TokenisedConversation? {
        precondition(limit >= 1, "TokenisedConversation.cut: at least one token stays")
        guard tokens.count > limit else { return self }
        let kept = answers.filter { $0.lowerBound < limit }
            .map { $0.lowerBound..<min($0.upperBound, limit) }
        guard let last = kept.last else { return nil }
        return TokenisedConversation(tokens: Array(tokens[..<last.upperBound]), answers: kept, isCut: true)
    }
}

/// How many conversations were too long.
package struct CutCount: Sendable, Equatable {
    /// Those that lost their end and are still learned from.
    package var cut = 0
    /// Those left out, because nothing of an answer would have stayed.
    package var dropped = 0

    /// None yet.
    package init() {}

    /// Cuts conversations and counts.
    ///
    /// - Parameters:
    ///   - conversations: The conversations.
    ///   - limit: The most tokens of each, at least 1.
    /// - Returns: Those that are left, in order.
    package mutating func cut(_ conversations: [TokenisedConversation], to limit: Int)
        -> [TokenisedConversation]
    {
        var left: [TokenisedConversation] = []
        left.reserveCapacity(conversations.count)
        for conversation in conversations {
            guard let short = conversation.cut(to: limit) else {
                dropped += 1
                continue
            }
            if short.isCut { cut += 1 }
            left.append(short)
        }
        return left
    }
}
