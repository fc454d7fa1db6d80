package import Digest
package import Wire

/// What a coordinator durably knows: the sum of its facts.
///
/// A machine restored from a record goes on where the one that made it was killed.
package struct CoordinatorRecord: Sendable, Equatable {
    /// The largest number that a session may have had.
    package private(set) var sessionsReserved: UInt64 = 0
    /// How many rounds are complete.
    package private(set) var completedRounds = 0
    /// The round under way, or nil between rounds.
    package private(set) var current: RoundProgress?
    /// The round before, so that a client which missed the acknowledgement can still get it.
    package private(set) var previous: RoundProgress?
    /// The digest of the newest adapter that goes on, or nil before the first aggregation.
    package private(set) var adapter: SHA256Digest?
    /// The rounds whose merged adapter was not taken, in ascending order.
    package private(set) var vetoed: [Int] = []
    /// How often each client's contributions were refused for what they contain.
    package private(set) var refusals: [String: Int] = [:]
    /// The clients that are shut out, and why.
    package private(set) var quarantined: [String: ErrorCode] = [:]
    /// The clients that know that the run is over.
    package private(set) var informed: Set<String> = []
    /// The clients that were added while the run was under way, by the round from which they take part.
    package private(set) var added: [String: Int] = [:]
    /// How many updates came too late.
    package private(set) var lateUpdates = 0

    /// A record of nothing: a run that has not begun.
    package init() {}

    /// Adds up facts in the order in which they were recorded.
    ///
    /// - Throws: ``RecordFault`` for a fact that cannot follow the ones before it.
    package init(replaying facts: some Sequence<CoordinatorFact>) throws(RecordFault) {
        for fact in facts {
            guard fits(fact) else { throw RecordFault(fact: fact) }
            apply(fact)
        }
    }

    /// Whether a fact can follow what is known.
    func fits(_ fact: CoordinatorFact) -> Bool {
        switch fact {
        case .sessionsReserved(let last): last > sessionsReserved
        case .quarantined, .updateLate, .informed: true
        case .memberAdded(let round, _): round >= completedRounds
        case .roundBegan(let round): current == nil && round == completedRounds
        case .responsesAccepted(let round, let step, let client, _):
            isOpen(round) && current?.closedSteps[step] == nil && current?.responses[step]?[client] == nil
        case .responsesRefused(let round, let step, _, _): isOpen(round) && current?.closedSteps[step] == nil
        case .stepClosed(let round, let step, _): isOpen(round) && current?.closedSteps[step] == nil
        case .pooled(let round, let step): isOpen(round) && current?.closedSteps[step] != nil
        case .updateAccepted(let round, let client, _, _): isOpen(round) && current?.updates[client] == nil
        case .updateRefused(let round, let client, _): isOpen(round) && current?.updates[client] == nil
        case .roundClosed(let round, _): isOpen(round)
        case .aggregated(let round, _):
            current?.round == round && current?.closedWith != nil && current?.isAggregated == false
        case .evaluated(let round), .vetoed(let round, _):
            current?.round == round && current?.isAggregated == true && current?.isEvaluated == false
        case .roundCompleted(let round): current?.round == round && current?.isEvaluated == true
        }
    }

    private func isOpen(_ round: Int) -> Bool { current?.round == round && current?.closedWith == nil }

    /// Adds a fact; traps if it cannot follow what is known.
    mutating func apply(_ fact: CoordinatorFact) {
        precondition(fits(fact), "the fact '\(fact)' does not fit the record")
        switch fact {
        case .sessionsReserved(let last): sessionsReserved = last
        case .roundBegan(let round):
            current = RoundProgress(round: round)
            // Whoever has heard of an end has heard of that of fewer rounds.
            informed = []
        case .responsesAccepted(_, let step, let client, let digest):
            current?.responses[step, default: [:]][client] = digest
        case .responsesRefused(_, let step, let client, let code):
            current?.responsesRefused[step, default: [:]][client] = code
            refusals[client, default: 0] += 1
        case .stepClosed(_, let step, let clients): current?.closedSteps[step] = Set(clients)
        case .pooled(_, let step): current?.pooledSteps.insert(step)
        case .updateAccepted(_, let client, let digest, let examples):
            current?.updates[client] = AcceptedUpdate(digest: digest, examples: examples)
        case .updateRefused(_, let client, let code):
            current?.updatesRefused[client] = code
            refusals[client, default: 0] += 1
        case .updateLate: lateUpdates += 1
        case .roundClosed(_, let clients): current?.closedWith = clients
        case .aggregated(_, let digest):
            current?.isAggregated = true
            adapter = digest
        case .evaluated: current?.isEvaluated = true
        case .vetoed(let round, let digest):
            current?.isEvaluated = true
            adapter = digest
            vetoed.append(round)
        case .roundCompleted(let round):
            completedRounds = round + 1
            previous = current
            current = nil
        case .quarantined(let client, let code): quarantined[client] = code
        case .memberAdded(let round, let client): added[client] = round
        case .informed(let client): informed.insert(client)
        }
    }

    /// Whether a client takes part in a round: those that were added later do not.
    package func takesPart(_ client: String, in round: Int) -> Bool {
        added[client].map { $0 <= round } ?? true
    }

    /// How many of the clients do not take part in a round yet.
    func newcomers(in round: Int) -> Int { added.isEmpty ? 0 : added.values.count { $0 > round } }

    /// The update of a client that counts in a round, as far back as the round before.
    func acceptedUpdate(round: Int, client: String) -> AcceptedUpdate? {
        if current?.round == round { return current?.updates[client] }
        if previous?.round == round { return previous?.updates[client] }
        return nil
    }
}

/// What is durably known of one round.
package struct RoundProgress: Sendable, Equatable {
    /// The round, from 0.
    package let round: Int
    /// By public step and client, the digest of the responses that count.
    package internal(set) var responses: [Int: [String: SHA256Digest]] = [:]
    /// By public step and client, why responses were refused for good.
    package internal(set) var responsesRefused: [Int: [String: ErrorCode]] = [:]
    /// By closed public step, the clients whose responses it was closed with.
    package internal(set) var closedSteps: [Int: Set<String>] = [:]
    /// The closed steps whose pools are durable.
    package internal(set) var pooledSteps: Set<Int> = []
    /// By client, the update that counts.
    package internal(set) var updates: [String: AcceptedUpdate] = [:]
    /// By client, why its update was refused for good.
    package internal(set) var updatesRefused: [String: ErrorCode] = [:]
    /// The clients whose updates the round was closed with, in ascending order; nil while it is open.
    package internal(set) var closedWith: [String]?
    /// Whether the next adapter is durable.
    package internal(set) var isAggregated = false
    /// Whether the next adapter was evaluated, whether or not it is taken.
    package internal(set) var isEvaluated = false

    init(round: Int) { self.round = round }

    /// The closed step whose pools are still to be made, if there is one.
    var unpooledStep: Int? { closedSteps.keys.first { !pooledSteps.contains($0) } }
}

/// An update that counts.
package struct AcceptedUpdate: Sendable, Hashable {
    /// The digest of its bytes.
    package var digest: SHA256Digest
    /// The private examples behind it.
    package var examples: Int
}

/// A fact that cannot follow the ones before it: the log is damaged or of another run.
package struct RecordFault: Error, Equatable, CustomStringConvertible {
    /// The fact.
    package var fact: CoordinatorFact

    /// What does not fit.
    package var description: String { "the recorded fact '\(fact)' does not follow from those before it" }
}
