public import Exchange
internal import Randomness

/// What a public step gives back: a pool for each client, and what to log of the step.
public struct PublicStepOutcome: Sendable {
    /// A client and what it gets.
    public struct ClientPool: Sendable, Equatable {
        /// The client's name.
        public var client: String
        /// Its scores and replacements, by item.
        public var pool: ResponsePool
    }

    /// One pool for each client, in ascending order of name.
    public var pools: [ClientPool]
    /// Counts over the step.
    public var statistics: PoolStatistics

    /// Pools the responses of a public step.
    ///
    /// The result depends on the set of clients and not on their order. Random choices come from the
    /// stream (seed, "pool", round, step, item, client), so one client's choices do not depend on
    /// another item or on who else takes part.
    ///
    /// - Parameters:
    ///   - clients: The scored responses of every participating client; each has one group for each
    ///     item with K responses. Traps otherwise: see ``ResponseSet``.
    ///   - batch: The step's items.
    ///   - acceptedScore: A response with at least this score counts as correct.
    ///   - rule: Which responses are replaced by which.
    ///   - seed: The federation's seed.
    public init(
        of clients: [ScoredClient],
        batch: PublicBatch,
        acceptedScore: Double,
        rule: any PoolRule,
        seed: UInt64
    ) {
        let sorted = clients.sorted { $0.client.utf8.lexicographicallyPrecedes($1.client.utf8) }
        for client in sorted {
            precondition(
                client.groups.count == batch.items.count
                    && client.groups.allSatisfy { $0.count == batch.responsesPerItem },
                "client '\(client.client)' has not \(batch.responsesPerItem) responses to each item"
            )
        }
        var tally = PoolStatistics(clients: sorted.map(\.client), items: batch.items.count)
        var groups = [[PooledGroup]](repeating: [], count: sorted.count)
        for (index, item) in batch.items.enumerated() {
            let pool = ItemPool(groups: sorted.map { $0.groups[index] }, acceptedScore: acceptedScore)
            for (place, client) in sorted.enumerated() {
                var stream = RandomStream(seed: seed, "pool", batch.round, batch.step, item.id, client.client)
                let swaps = rule.swaps(for: pool, client: place, stream: &stream).sorted {
                    $0.index < $1.index
                }
                tally.count(swaps, client: place, item: index, in: pool)
                groups[place].append(
                    PooledGroup(
                        itemID: item.id,
                        scores: pool.groups[place].map(\.score),
                        replacements: swaps.map { swap in
                            let incoming = pool.groups[swap.source.client][swap.source.index]
                            return Replacement(
                                index: swap.index,
                                score: incoming.score,
                                payload: incoming.payload
                            )
                        }
                    )
                )
            }
        }
        pools = zip(sorted, groups).map { client, groups in
            ClientPool(
                client: client.client,
                pool: ResponsePool(round: batch.round, step: batch.step, groups: groups)
            )
        }
        statistics = tally
    }
}

/// Counts over one public step.
public struct PoolStatistics: Sendable, Equatable {
    /// One client's part.
    public struct ClientStatistics: Sendable, Equatable {
        /// The client's name.
        public var client: String
        /// How many of its own responses are correct.
        public var correct = 0
        /// How many of its own responses were replaced.
        public var imported = 0
        /// How many responses of its own went to other clients; one that goes to two counts twice.
        public var exported = 0
    }

    /// How many groups (client × item) there are.
    public var groups: Int
    /// How many responses there are in all.
    public var responses = 0
    /// Groups whose own scores are all equal: they would teach nothing by themselves.
    public var silentBefore = 0
    /// Groups whose scores are all equal after replacement.
    public var silentAfter = 0
    /// For each item in the batch's order, the swaps over all clients.
    public var swapsPerItem: [Int]
    /// By client, in ascending order of name.
    public var clients: [ClientStatistics]

    /// All swaps of the step.
    public var swaps: Int { swapsPerItem.reduce(0, +) }

    init(clients names: [String], items: Int) {
        groups = names.count * items
        swapsPerItem = [Int](repeating: 0, count: items)
        clients = names.map { ClientStatistics(client: $0) }
    }

    /// Counts one client's group.
    mutating func count(_ swaps: [Swap], client: Int, item: Int, in pool: ItemPool) {
        var scores = pool.groups[client].map(\.score)
        responses += scores.count
        clients[client].correct += pool.groups[client].count { pool.isCorrect($0) }
        if isSilent(scores) { silentBefore += 1 }
        for swap in swaps {
            precondition(swap.source.client != client, "a pool rule gave a client its own response")
            scores[swap.index] = pool.groups[swap.source.client][swap.source.index].score
            clients[swap.source.client].exported += 1
        }
        if isSilent(scores) { silentAfter += 1 }
        clients[client].imported += swaps.count
        swapsPerItem[item] += swaps.count
    }

    private func isSilent(_ scores: [Double]) -> Bool {
        scores.allSatisfy { $0 == scores[0] }
    }
}
