internal import Exchange
public import Randomness

/// One response with the score that the coordinator gave it.
public struct ScoredResponse: Sendable, Equatable {
    /// The response in the trainer's encoding.
    public var payload: [UInt8]
    /// The coordinator's score.
    public var score: Double

    /// Makes a scored response.
    public init(payload: [UInt8], score: Double) {
        self.payload = payload
        self.score = score
    }
}

/// One client's scored responses of a public step.
public struct ScoredClient: Sendable, Equatable {
    /// The client's name.
    public var client: String
    /// For each item of the batch in its order, the K responses by index.
    public var groups: [[ScoredResponse]]

    /// Makes a client's responses.
    public init(client: String, groups: [[ScoredResponse]]) {
        self.client = client
        self.groups = groups
    }
}

/// All clients' responses to one item, clients in ascending order of name.
public struct ItemPool: Sendable {
    /// `groups[i][k]`: response k of client i.
    public let groups: [[ScoredResponse]]
    /// A response with at least this score is correct.
    public let acceptedScore: Double
    /// K.
    public var responsesPerItem: Int { groups[0].count }

    /// Whether a response counts as correct.
    public func isCorrect(_ response: ScoredResponse) -> Bool { response.score >= acceptedScore }

    /// The indices of a client's wrong responses.
    public func wrongIndices(of client: Int) -> [Int] {
        groups[client].indices.filter { !isCorrect(groups[client][$0]) }
    }

    /// The correct responses of all other clients, by client and index.
    public func correctElsewhere(than client: Int) -> [Origin] {
        origins.filter { $0.client != client && isCorrect(groups[$0.client][$0.index]) }
    }

    /// All responses, by client and index.
    public var origins: [Origin] {
        groups.indices.flatMap { client in
            groups[client].indices.map { Origin(client: client, index: $0) }
        }
    }
}

/// Which response of which client.
public struct Origin: Sendable, Hashable {
    /// The client's place in the ascending order of names.
    public var client: Int
    /// The response's index in the client's group.
    public var index: Int
}

/// One replacement before it is turned into bytes: the own index to drop and what comes in.
public struct Swap: Sendable, Equatable {
    /// The index in the receiving client's group.
    public var index: Int
    /// The incoming response; never the client's own.
    public var source: Origin

    /// Makes a swap.
    public init(index: Int, source: Origin) {
        self.index = index
        self.source = source
    }
}

/// Which of a client's responses to an item are replaced, and by which.
///
/// An open set: a rule is one file in `PoolRules/` and one line in ``PoolRules/all``.
public protocol PoolRule: Sendable {
    /// The word used in topology files.
    static var name: String { get }
    /// One sentence for people who choose.
    static var summary: String { get }
    /// Makes the rule; it keeps no state from step to step.
    init()

    /// The swaps for one client and item: no index twice, no source of its own, no source twice.
    ///
    /// - Parameters:
    ///   - item: All clients' responses to the item.
    ///   - client: The receiving client's place in `item.groups`.
    ///   - stream: Random numbers for this round, step, item and client alone.
    func swaps(for item: ItemPool, client: Int, stream: inout RandomStream) -> [Swap]
}

/// All pool rules.
public enum PoolRules {
    /// The rules, in the order in which help texts list them.
    public static let all: [any PoolRule.Type] = [
        BalancedRule.self,
        NoPoolRule.self,
        RandomRule.self,
        ReplaceAllRule.self,
    ]

    /// The names of all rules.
    public static var names: [String] { all.map { $0.name } }

    /// The rule of a name, or nil.
    public static func named(_ name: String) -> (any PoolRule)? {
        all.first { $0.name == name }.map { $0.init() }
    }
}
