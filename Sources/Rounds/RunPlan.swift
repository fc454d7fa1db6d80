package import Contract
package import Wire

/// A point in time: milliseconds since an origin of the node's choice that never goes back.
package typealias Tick = Int64

/// Everything about a run that is fixed before it starts: what the coordinator's machine knows.
package struct RunPlan: Sendable, Equatable {
    /// The federation's name.
    package var federation: String
    /// The seed that every random stream is derived from.
    package var seed: UInt64
    /// The names of all clients, in ascending order.
    package private(set) var clients: [String]
    /// The trainer's name.
    package var trainer: String
    /// The trainer's settings, JSON in UTF-8.
    package var settings: [UInt8]
    /// Everything that all members must agree on, in the order in which it is compared.
    package private(set) var fingerprint: [FingerprintPart]
    /// How updates must be packed.
    package var encoding: TensorEncoding
    /// Digests of the held-out items, as a welcome has them.
    package var heldOut: [UInt8]
    /// How many rounds the run has.
    package var rounds: Int
    /// How many steps a round has, local and public together.
    package var steps: Int
    /// q: how many local steps go before each public one; 0 for a run without public steps.
    package var localPerPublic: Int
    /// How many clients a phase needs to go on without the others once its deadline has passed, as long as so
    /// many can take part in it.
    package var quorum: Int
    /// How long phases wait for stragglers.
    package var deadlines: PhaseDeadlines
    /// How often a side that has nothing to say sends a heartbeat, in milliseconds.
    package var heartbeatMs: Tick
    /// A peer that says nothing for so long is disconnected, in milliseconds. Longer than a chunk takes
    /// on the slowest line.
    package var idleMs: Tick
    /// How long a finished coordinator waits for clients that have not heard of it, in milliseconds.
    package var lingerMs: Tick
    /// A client is shut out when so many of its contributions were refused for what they contain.
    package var refusalsMax: Int

    /// Makes a plan; traps on values that a checked topology does not have, and on a fingerprint that
    /// `Hello.check` throws for.
    package init(
        federation: String,
        seed: UInt64,
        clients: [String],
        trainer: String,
        settings: [UInt8],
        fingerprint: [FingerprintPart],
        encoding: TensorEncoding,
        heldOut: [UInt8] = [],
        rounds: Int,
        steps: Int,
        localPerPublic: Int,
        quorum: Int,
        deadlines: PhaseDeadlines = PhaseDeadlines(),
        heartbeatMs: Tick = 5_000,
        idleMs: Tick = 30_000,
        lingerMs: Tick = 60_000,
        refusalsMax: Int = 3
    ) {
        precondition(Set(clients).count == clients.count, "a client is listed twice")
        precondition(rounds > 0 && steps > 0 && localPerPublic >= 0, "a run has rounds and steps")
        precondition((1...clients.count).contains(quorum), "quorum \(quorum) of \(clients.count) clients")
        precondition(heartbeatMs > 0 && idleMs > heartbeatMs && lingerMs >= 0, "idle time > heartbeat > 0")
        precondition(refusalsMax > 0, "refusalsMax is \(refusalsMax)")
        requireSound(fingerprint)
        self.federation = federation
        self.seed = seed
        self.clients = clients.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        self.trainer = trainer
        self.settings = settings
        self.fingerprint = fingerprint
        self.encoding = encoding
        self.heldOut = heldOut
        self.rounds = rounds
        self.steps = steps
        self.localPerPublic = localPerPublic
        self.quorum = quorum
        self.deadlines = deadlines
        self.heartbeatMs = heartbeatMs
        self.idleMs = idleMs
        self.lingerMs = lingerMs
        self.refusalsMax = refusalsMax
    }

    /// Adds clients that are not there yet.
    mutating func add(_ added: [String]) {
        let known = Set(clients)
        clients = (clients + Set(added).subtracting(known)).sorted {
            $0.utf8.lexicographicallyPrecedes($1.utf8)
        }
    }

    /// The quorum of a phase that so many clients can take part in: those that were refused, shut out or have
    /// left do not hold it up, and nothing is done for nobody.
    func quorum(of able: Int) -> Int { max(1, min(quorum, able)) }

    /// The sequence of phases within every round.
    package var schedule: [RoundPhase] { roundSchedule(steps: steps, localPerPublic: localPerPublic) }
}

/// Traps on a fingerprint that no hello can carry: the node checks it before it makes a plan.
func requireSound(_ fingerprint: [FingerprintPart]) {
    do {
        try Hello.check(fingerprint)
    } catch {
        preconditionFailure("the fingerprint cannot be sent: \(error)")
    }
}

/// How long the coordinator waits for stragglers, in milliseconds.
///
/// The clock of a public step and of the collection of updates starts with the first contribution to
/// it. How long local training takes is thus no matter of deadlines, only how far clients lie apart.
package struct PhaseDeadlines: Sendable, Equatable {
    /// From the coordinator's start until it goes ahead without missing clients.
    package var startMs: Tick
    /// From the first accepted responses of a public step.
    package var publicStepMs: Tick
    /// From the first accepted update of a round.
    package var updateMs: Tick

    /// Makes deadlines; each must be positive.
    package init(startMs: Tick = 600_000, publicStepMs: Tick = 600_000, updateMs: Tick = 600_000) {
        precondition(startMs > 0 && publicStepMs > 0 && updateMs > 0, "deadlines are positive")
        self.startMs = startMs
        self.publicStepMs = publicStepMs
        self.updateMs = updateMs
    }
}
