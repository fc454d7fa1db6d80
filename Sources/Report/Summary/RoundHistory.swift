/// What is known of one finished round. Fields are nil where a run does not measure them.
package struct RoundHistory: Codable, Sendable, Equatable {
    /// How many rounds were finished with it: 1 for the first.
    package var round: Int
    /// The federation's score after it.
    package var federated: Score?
    /// The score of the same federation without swaps, after as many rounds.
    package var noSwap: Score?
    /// The mean score of clients on their own, after as many steps.
    package var localOnly: Score?
    /// Mean Euclidean distance ‖W_i − W̄‖ of the clients' adapters from their mean, before averaging.
    package var drift: Double?
    /// How far the product of the averaged factors is from the average of the products, relative to the
    /// latter's Frobenius norm.
    package var fedITGap: Double?
    /// The part of public groups, 0 to 1, whose responses are all accepted or all refused, before
    /// swaps.
    package var silentBefore: Double?
    /// The same after swaps.
    package var silentAfter: Double?
    /// How many responses were swapped.
    package var swaps: Int?
    /// Bytes of this round.
    package var bytes: [ByteCount]
    /// Why the round was not taken, so that the adapter from before it went on; nil for a round that was.
    package var vetoed: String?
    /// Whose updates were in a round that was not taken.
    package var vetoedClients: [String]?
    /// What monitors measured after it, by name.
    package var monitors: [String: Double]?

    /// By client, what was measured of its update on the way: its norm, what transforms did, what the encoding owes.
    package var updates: [String: [String: Double]]?

    /// What the judge measured when it combined responses itself, as the mean over the round's public steps.
    package var combined: [String: Double]?

    /// What else the evaluation after it measured, by name.
    package var metrics: [String: Double]?

    /// Gathers a round.
    package init(
        round: Int,
        federated: Score? = nil,
        noSwap: Score? = nil,
        localOnly: Score? = nil,
        drift: Double? = nil,
        fedITGap: Double? = nil,
        silentBefore: Double? = nil,
        silentAfter: Double? = nil,
        swaps: Int? = nil,
        bytes: [ByteCount] = [],
        vetoed: String? = nil,
        vetoedClients: [String]? = nil,
        monitors: [String: Double]? = nil,
        updates: [String: [String: Double]]? = nil,
        combined: [String: Double]? = nil,
        metrics: [String: Double]? = nil
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
        self.vetoed = vetoed
        self.vetoedClients = vetoedClients
        self.monitors = monitors
        self.updates = updates
        self.combined = combined
        self.metrics = metrics
    }
}
