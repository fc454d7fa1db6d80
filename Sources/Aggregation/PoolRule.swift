package import Randomness

/// The scores of all clients' responses to one item, clients in ascending order of name: all that a pool
/// rule decides from.
package struct ItemPool: Sendable {
    /// `scores[i][k]`: the coordinator's score of response k of client i.
    package let scores: [[Double]]
    /// A response with at least this score is correct.
    package let acceptedScore: Double
    /// K.
    package var responsesPerItem: Int { scores[0].count }

    /// Whether a response with this score counts as correct.
    package func isCorrect(_ score: Double) -> Bool { score >= acceptedScore }

    /// The indices of a client's wrong responses.
    package func wrongIndices(of client: Int) -> [Int] {
        scores[client].indices.filter { !isCorrect(scores[client][$0]) }
    }

    /// The correct responses of all other clients, by client and index.
    package func correctElsewhere(than client: Int) -> [Origin] {
        origins.filter { $0.client != client && isCorrect(scores[$0.client][$0.index]) }
    }

    /// All responses, by client and index.
    package var origins: [Origin] {
        scores.indices.flatMap { client in
            scores[client].indices.map { Origin(client: client, index: $0) }
        }
    }
}

/// Which response of which client.
package struct Origin: Sendable, Hashable {
    /// The client's place in the ascending order of names.
    package var client: Int
    /// The response's index in the client's group.
    package var index: Int
}

/// One replacement before it is turned into bytes: the own index to drop and what comes in.
package struct Swap: Sendable, Equatable {
    /// The index in the receiving client's group.
    package var index: Int
    /// The incoming response; never the client's own.
    package var source: Origin

    /// Makes a swap.
    package init(index: Int, source: Origin) {
        self.index = index
        self.source = source
    }
}

/// Which of a client's responses to an item are replaced, and by which.
///
/// An open set: a rule is one type in `PoolRules/` and one line in ``PoolRules/all``.
package protocol PoolRule: Sendable {
    /// The word used in topology files.
    static var name: String { get }
    /// One sentence for people who choose.
    static var summary: String { get }
    /// Makes the rule; it keeps no state from step to step.
    init()

    /// The swaps for one client and item: no index twice, no source of its own, no source twice.
    ///
    /// - Parameters:
    ///   - item: The scores of all clients' responses to the item.
    ///   - client: The receiving client's place in `item.scores`.
    ///   - stream: Random numbers for this round, step, item and client alone.
    func swaps(for item: ItemPool, client: Int, stream: inout RandomStream) -> [Swap]
}

/// All pool rules.
package enum PoolRules {
    /// The rules, in the order in which help texts list them.
    package static let all: [any PoolRule.Type] = [
        BalancedRule.self,
        NoPoolRule.self,
        RandomRule.self,
        ReplaceAllRule.self,
    ]

    /// The names of all rules.
    package static var names: [String] { all.map { $0.name } }

    /// The rule of a name, or nil.
    package static func named(_ name: String) -> (any PoolRule)? {
        all.first { $0.name == name }.map { $0.init() }
    }
}
