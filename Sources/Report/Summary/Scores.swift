/// A pass@1, 0 to 1, of all held-out questions and of each topic.
public struct Score: Codable, Sendable, Equatable {
    /// The mean over the topics.
    public var overall: Double
    /// By topic.
    public var byTopic: [String: Double]

    /// Makes a score.
    public init(overall: Double, byTopic: [String: Double]) {
        self.overall = overall
        self.byTopic = byTopic
    }
}

/// One score for each method that was run; nil for one that was not.
public struct MethodScores: Codable, Sendable, Equatable {
    /// The base model without an adapter.
    public var base: Score
    /// The federation as its topology describes it.
    public var federated: Score
    /// The same federation with nothing swapped in public steps.
    public var noSwap: Score?
    /// Every client on its own, the mean over clients.
    public var localOnly: Score?

    /// Gathers scores.
    public init(base: Score, federated: Score, noSwap: Score? = nil, localOnly: Score? = nil) {
        self.base = base
        self.federated = federated
        self.noSwap = noSwap
        self.localOnly = localOnly
    }
}

/// What is known of one finished round. Fields are nil where a run does not measure them.
public struct RoundHistory: Codable, Sendable, Equatable {
    /// How many rounds were finished with it: 1 for the first.
    public var round: Int
    /// The federation's score after it.
    public var federated: Score?
    /// The score of the same federation without swaps, after as many rounds.
    public var noSwap: Score?
    /// The mean score of clients on their own, after as many steps.
    public var localOnly: Score?
    /// Mean Euclidean distance ‖W_i − W̄‖ of the clients' adapters from their mean, before averaging.
    public var drift: Double?
    /// How far the product of the averaged factors is from the average of the products, relative to the
    /// latter's Frobenius norm.
    public var fedITGap: Double?
    /// The part of public groups, 0 to 1, whose responses are all right or all wrong, before swaps.
    public var silentBefore: Double?
    /// The same after swaps.
    public var silentAfter: Double?
    /// How many responses were swapped.
    public var swaps: Int?
    /// Bytes of this round.
    public var bytes: [ByteCount]

    /// Gathers a round.
    public init(
        round: Int,
        federated: Score? = nil,
        noSwap: Score? = nil,
        localOnly: Score? = nil,
        drift: Double? = nil,
        fedITGap: Double? = nil,
        silentBefore: Double? = nil,
        silentAfter: Double? = nil,
        swaps: Int? = nil,
        bytes: [ByteCount] = []
    ) {
        self.round = round
        self.federated = federated
        self.noSwap = noSwap
        self.localOnly = localOnly
        self.drift = drift
        self.fedITGap = fedITGap
        self.silentBefore = silentBefore
        self.silentAfter = silentAfter
        self.swaps = swaps
        self.bytes = bytes
    }
}
