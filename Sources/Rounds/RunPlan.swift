public import Digest
public import Wire

/// A point in time: milliseconds since an origin of the node's choice that never goes back.
public typealias Tick = Int64

/// Everything about a run that is fixed before it starts: what the coordinator's machine knows.
public struct RunPlan: Sendable, Equatable {
    /// The federation's name.
    public var federation: String
    /// The seed that every random stream is derived from.
    public var seed: UInt64
    /// The names of all clients, in ascending order.
    public private(set) var clients: [String]
    /// The trainer's name.
    public var trainer: String
    /// The trainer's settings, JSON in UTF-8.
    public var settings: [UInt8]
    /// SHA-256 of the base model's weights file.
    public var baseModel: SHA256Digest
    /// How updates must be packed.
    public var encoding: TensorEncoding
    /// How many rounds the run has.
    public var rounds: Int
    /// How many steps a round has, local and public together.
    public var steps: Int
    /// q: how many local steps go before each public one; 0 for a run without public steps.
    public var localPerPublic: Int
    /// How many clients a phase needs to go on without the others once its deadline has passed.
    public var quorum: Int
    /// How long phases wait for stragglers.
    public var deadlines: PhaseDeadlines
    /// How often a side that has nothing to say sends a heartbeat, in milliseconds.
    public var heartbeatMs: Tick
    /// A peer that says nothing for so long is disconnected, in milliseconds. Longer than a chunk takes
    /// on the slowest line.
    public var idleMs: Tick
    /// How long a finished coordinator waits for clients that have not heard of it, in milliseconds.
    public var lingerMs: Tick
    /// A client is shut out when so many of its contributions were refused for what they contain.
    public var refusalsMax: Int

    /// Makes a plan; traps on values that a checked topology does not have.
    public init(
        federation: String,
        seed: UInt64,
        clients: [String],
        trainer: String,
        settings: [UInt8],
        baseModel: SHA256Digest,
        encoding: TensorEncoding,
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
        self.federation = federation
        self.seed = seed
        self.clients = clients.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        self.trainer = trainer
        self.settings = settings
        self.baseModel = baseModel
        self.encoding = encoding
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

    /// The sequence of phases within every round.
    public var schedule: [RoundPhase] { roundSchedule(steps: steps, localPerPublic: localPerPublic) }
}

/// How long the coordinator waits for stragglers, in milliseconds.
///
/// The clock of a public step and of the collection of updates starts with the first contribution to
/// it. How long local training takes is thus no matter of deadlines, only how far clients lie apart.
public struct PhaseDeadlines: Sendable, Equatable {
    /// From the coordinator's start until it goes ahead without missing clients.
    public var startMs: Tick
    /// From the first accepted responses of a public step.
    public var publicStepMs: Tick
    /// From the first accepted update of a round.
    public var updateMs: Tick

    /// Makes deadlines; each must be positive.
    public init(startMs: Tick = 600_000, publicStepMs: Tick = 600_000, updateMs: Tick = 600_000) {
        precondition(startMs > 0 && publicStepMs > 0 && updateMs > 0, "deadlines are positive")
        self.startMs = startMs
        self.publicStepMs = publicStepMs
        self.updateMs = updateMs
    }
}
