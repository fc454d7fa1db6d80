package import Contract
internal import Randomness

/// What a public step gives back: a pool for each client, and what to log of the step.
package struct PublicStepOutcome: Sendable {
    /// A client and what it gets.
    package struct ClientPool: Sendable, Equatable {
        /// The client's name.
        package var client: String
        /// Its scores and replacements, by item.
        package var pool: ResponsePool
    }

    /// One pool for each client, in ascending order of name.
    package var pools: [ClientPool]
    /// Counts over the step.
    package var statistics: PoolStatistics

    /// Pools the responses of a public step by a rule.
    ///
    /// All swaps are decided from the scores. Then one client's responses after the other are read, so that
    /// no more than one client's are in memory besides what is sent, and those of no client whose responses
    /// go nowhere.
    ///
    /// The result depends on the set of clients and not on their order. Random choices come from the
    /// stream (seed, "pool", round, step, item, client), so one client's choices do not depend on
    /// another item or on who else takes part.
    ///
    /// - Parameters:
    ///   - step: What was asked, the scores of every participating client, K for each item, and how to read
    ///     its responses, K for each item. Traps otherwise: see ``ResponseSet``.
    ///   - acceptedScore: A response with at least this score counts as correct.
    ///   - rule: Which responses are replaced by which.
    ///   - seed: The federation's seed.
    ///   - merged: What all clients are told besides.
    ///   - metrics: The judge's figures for the step.
    /// - Throws: What reading a client's responses throws.
    package init(
        of step: ScoredStep,
        acceptedScore: Double,
        rule: any PoolRule,
        seed: UInt64,
        merged: [UInt8] = [],
        metrics: [String: Double] = [:]
    ) throws {
        let batch = step.batch
        let clients = PublicStepOutcome.sorted(step)
        var tally = PoolStatistics(clients: clients.map(\.name), items: batch.items.count)
        var groups = [[PooledGroup]](repeating: [], count: clients.count)
        var deliveries = [[Delivery]](repeating: [], count: clients.count)
        for (index, item) in batch.items.enumerated() {
            let pool = ItemPool(scores: clients.map { $0.scores[index] }, acceptedScore: acceptedScore)
            for (place, client) in clients.enumerated() {
                var stream = RandomStream(seed: seed, "pool", batch.round, batch.step, item.id, client.name)
                let swaps = rule.swaps(for: pool, client: place, stream: &stream).sorted {
                    $0.index < $1.index
                }
                var group = PooledGroup(itemID: item.id, scores: pool.scores[place])
                for swap in swaps {
                    let source = swap.source
                    precondition(source.client != place, "a pool rule gave a client its own response")
                    deliveries[source.client].append(
                        Delivery(
                            item: index,
                            index: source.index,
                            receiver: place,
                            position: group.replacements.count
                        )
                    )
                    let score = pool.scores[source.client][source.index]
                    group.replacements.append(Replacement(index: swap.index, score: score, payload: []))
                    tally.clients[source.client].exported += 1
                }
                tally.count(group, of: place, item: index, in: pool)
                groups[place].append(group)
            }
        }
        for (place, client) in clients.enumerated() where !deliveries[place].isEmpty {
            let responses = try step.responses(of: client.name)
            precondition(
                PublicStepOutcome.isComplete(responses, to: batch),
                "client '\(client.name)' has not \(batch.responsesPerItem) responses to each item"
            )
            for delivery in deliveries[place] {
                groups[delivery.receiver][delivery.item].replacements[delivery.position].payload =
                    responses[delivery.item][delivery.index].payload
            }
        }
        pools = zip(clients, groups).map { client, groups in
            ClientPool(
                client: client.name,
                pool: ResponsePool(round: batch.round, step: batch.step, groups: groups, merged: merged)
            )
        }
        tally.metrics = metrics
        statistics = tally
    }

    /// Takes the pools that a judge made of a step by itself.
    ///
    /// The statistics count the step's scores; replacements count as imported, and as nobody's export, since
    /// only the judge knows where they are from.
    ///
    /// - Parameters:
    ///   - pools: A pool for each client that answered, by name, and for nobody else.
    ///   - metrics: The judge's figures for the step.
    ///   - step: What was asked, and the scores of every participating client.
    ///   - acceptedScore: A response with at least this score counts as correct.
    /// - Throws: ``CombinationFault`` naming the client.
    package init(
        pools: [String: ResponsePool],
        metrics: [String: Double],
        of step: ScoredStep,
        acceptedScore: Double
    ) throws(CombinationFault) {
        let clients = PublicStepOutcome.sorted(step)
        let names = Set(clients.map(\.name))
        if let stranger = pools.keys.sorted().first(where: { !names.contains($0) }) {
            throw .unexpected(client: stranger)
        }
        var tally = PoolStatistics(clients: clients.map(\.name), items: step.batch.items.count)
        tally.metrics = metrics
        var entries: [ClientPool] = []
        for (place, client) in clients.enumerated() {
            guard let pool = pools[client.name] else { throw .missing(client: client.name) }
            do {
                try pool.check(against: step.batch)
            } catch {
                throw .unfit(client: client.name, error)
            }
            for (index, group) in pool.groups.enumerated() {
                let item = ItemPool(scores: clients.map { $0.scores[index] }, acceptedScore: acceptedScore)
                tally.count(group, of: place, item: index, in: item)
            }
            entries.append(ClientPool(client: client.name, pool: pool))
        }
        self.pools = entries
        statistics = tally
    }

    /// One response on its way: where it is among its client's own, and which replacement it becomes.
    private struct Delivery {
        let item: Int
        let index: Int
        let receiver: Int
        let position: Int
    }

    /// The clients in ascending order of name; traps unless each has K scores for each item.
    private static func sorted(_ step: ScoredStep) -> [(name: String, scores: [[Double]])] {
        for client in step.clients {
            precondition(
                isComplete(client.scores, to: step.batch),
                "client '\(client.name)' has not \(step.batch.responsesPerItem) scores for each item"
            )
        }
        return step.clients.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    private static func isComplete<Element>(_ rows: [[Element]], to batch: PublicBatch) -> Bool {
        rows.count == batch.items.count && rows.allSatisfy { $0.count == batch.responsesPerItem }
    }
}

/// Why the pools that a judge combined are refused.
package enum CombinationFault: Error, Equatable, CustomStringConvertible {
    /// A client that answered gets nothing.
    case missing(client: String)
    /// A pool for a client that did not answer.
    case unexpected(client: String)
    /// A client's pool is not one of the batch.
    case unfit(client: String, PoolFault)

    /// What is wrong, with the client's name.
    package var description: String {
        switch self {
        case .missing(let client): "combined pools: client '\(client)' answered and has none"
        case .unexpected(let client): "combined pools: client '\(client)' has one and did not answer"
        case .unfit(let client, let fault):
            "combined pools: the one for client '\(client)' does not fit the batch: \(fault)"
        }
    }
}

/// Counts over one public step.
package struct PoolStatistics: Sendable, Equatable {
    /// One client's part.
    package struct ClientStatistics: Sendable, Equatable {
        /// The client's name.
        package var client: String
        /// How many of its own responses are correct.
        package var correct = 0
        /// How many of its own responses were replaced.
        package var imported = 0
        /// How many responses of its own went to other clients by a pool rule; one that goes to two counts
        /// twice.
        package var exported = 0
    }

    /// How many groups (client × item) there are.
    package var groups: Int
    /// How many responses there are in all.
    package var responses = 0
    /// Groups whose own scores are all equal: they would teach nothing by themselves.
    package var silentBefore = 0
    /// Groups whose scores are all equal after replacement.
    package var silentAfter = 0
    /// For each item in the batch's order, the swaps over all clients.
    package var swapsPerItem: [Int]
    /// By client, in ascending order of name.
    package var clients: [ClientStatistics]
    /// A judge's own figures for pools that it combined; empty for those of a pool rule.
    package var metrics: [String: Double] = [:]

    /// All swaps of the step.
    package var swaps: Int { swapsPerItem.reduce(0, +) }

    init(clients names: [String], items: Int) {
        groups = names.count * items
        swapsPerItem = [Int](repeating: 0, count: items)
        clients = names.map { ClientStatistics(client: $0) }
    }

    /// Counts what one client gets for one item.
    mutating func count(_ group: PooledGroup, of client: Int, item: Int, in pool: ItemPool) {
        var scores = pool.scores[client]
        responses += scores.count
        clients[client].correct += scores.count { pool.isCorrect($0) }
        if isSilent(scores) { silentBefore += 1 }
        for replacement in group.replacements { scores[replacement.index] = replacement.score }
        if isSilent(scores) { silentAfter += 1 }
        clients[client].imported += group.replacements.count
        swapsPerItem[item] += group.replacements.count
    }

    private func isSilent(_ scores: [Double]) -> Bool {
        scores.allSatisfy { $0 == scores[0] }
    }
}
