internal import Wire

/// All decisions of a coordinator, as a value: events in, actions out.
///
/// No clock, socket, file, lock or randomness inside; the same events at the same times give the same
/// actions. Facts are recorded before anyone hears of them (`CoordinatorAction.record`), so that a
/// machine restored from the record gives every client the answer that the dead one would have given.
///
///     starting ─► steps and updates of round p ─► aggregating ─► evaluating ─► checkpointing ─► round p+1
///                                                                                   └─► finished
///
/// An evaluation may end in a veto: the adapter of the round before goes on in place of the merged one.
///
/// Files: this one has the state and the way through it; `+Sessions` who is connected, `+Requests` what
/// clients ask for, `+Uploads` what they send, `+Phases` when a wait ends, `+Timers` deadlines and
/// heartbeats.
package struct CoordinatorMachine: Sendable {
    /// What the run is.
    package internal(set) var plan: RunPlan
    /// What is durable.
    package internal(set) var record: CoordinatorRecord

    /// Where the run stands. Within a round it follows from ``record``.
    enum Phase: Equatable {
        /// Waiting for clients before the first round.
        case starting
        /// A round is under way.
        case round(Int)
        /// All rounds are done; clients are told.
        case finished
        /// Over; events are ignored.
        case ended
    }

    /// A contribution that came too late; the step is nil for an update.
    struct Late: Hashable {
        var client: String
        var round: Int
        var step: Int?
    }

    var phase = Phase.starting
    var connections: [ConnectionID: Connection] = [:]
    /// The connection of each admitted client.
    var sessions: [String: ConnectionID] = [:]
    /// Clients that missed a deadline while disconnected: nobody waits for them until they are back.
    var absent: Set<String> = []
    /// Clients that have said goodbye before the end: no quorum counts on them until they are back.
    var departed: Set<String> = []
    /// Clients that have asked for a later round without an update in this one.
    var passed: Set<String> = []
    /// The quorum from the next round on, where clients that were added have changed it.
    var nextQuorum: Int?
    /// Connections that were sent `Finished`.
    var told: Set<ConnectionID> = []
    /// Late contributions that were noted: who repeats one adds nothing to the record or the log.
    var notedLate: Set<Late> = []
    /// When the present wait ends, or nil if its clock has not started.
    var deadline: Tick?
    /// The present wait's deadline has passed, below quorum.
    var isOverdue = false
    /// When to look for idle peers again.
    var housekeeping: Tick = 0
    /// The number of the newest session.
    var newestSession: UInt64
    /// How many sessions one durable fact speaks for.
    static let sessionsPerFact: UInt64 = 1000
    /// Whether the end of a run that was over at the start waits for its deadline although all have heard of it: a
    /// client may have lost its state since.
    private var lingers: Bool
    /// The time that the node's timer is set to.
    var timer: Tick?
    /// The public steps of a round.
    let publicSteps: [Int]
    var knownClients: Set<String>
    var now: Tick = 0
    var actions: [CoordinatorAction] = []

    /// Makes the machine of a new or a restarted coordinator; its first event must be `started`.
    ///
    /// - Parameters:
    ///   - plan: What the run is.
    ///   - record: What an earlier coordinator of the same run made durable.
    ///   - lingers: Whether to stay until the deadline of the farewell if the run is over already, for clients that
    ///     have lost what they heard of its end.
    package init(
        plan: RunPlan,
        restoring record: CoordinatorRecord = CoordinatorRecord(),
        lingers: Bool = false
    ) {
        precondition(record.completedRounds <= plan.rounds, "the record is of a longer run")
        self.plan = plan
        self.record = record
        self.lingers = lingers && record.completedRounds == plan.rounds
        newestSession = record.sessionsReserved
        publicSteps = plan.schedule.compactMap { phase in
            switch phase {
            case .local: nil
            case .publicStep(let step): step
            }
        }
        knownClients = Set(plan.clients)
    }

    /// Takes an event and returns what to do about it, in order.
    ///
    /// - Parameters:
    ///   - event: What has happened.
    ///   - now: When; never earlier than the time of the event before.
    package mutating func handle(_ event: CoordinatorEvent, at now: Tick) -> [CoordinatorAction] {
        guard phase != .ended else { return [] }
        self.now = max(self.now, now)
        switch event {
        case .started: start()
        case .connected(let id, let name, let address): connect(id, certifiedName: name, address: address)
        case .disconnected(let id): disconnect(id)
        case .received(let id, let message): receive(message, from: id)
        case .undecodable(let id, let code, let message): violation(id, code, message)
        case .transferStored(let transfer): stored(transfer)
        case .transferFailed(let transfer, let code, let message): failed(transfer, code, message)
        case .pooled(let round, let step): pooled(round: round, step: step)
        case .aggregated(let round, let adapter): advance(.aggregated(round: round, adapter: adapter), round)
        case .evaluated(let round): advance(.evaluated(round: round), round)
        case .vetoed(let round, let adapter): advance(.vetoed(round: round, adapter: adapter), round)
        case .checkpointed(let round): advance(.roundCompleted(round: round), round)
        case .workFailed(let reason): end(.failed(reason: reason))
        case .expelled(let client, let code, let message): expel(client, code, message)
        case .tick: tick()
        case .heard(let id): heard(id)
        case .membersAdded(let clients, let quorum): add(clients, quorum: quorum)
        case .drainRequested(let milliseconds): drain(reconnectAfterMs: milliseconds)
        }
        if phase != .ended { updateTimer() }
        defer { actions = [] }
        return actions
    }

    /// Makes a fact durable and known.
    mutating func establish(_ fact: CoordinatorFact) {
        record.apply(fact)
        actions.append(.record(fact))
    }

    /// Takes up the run where the record has it.
    private mutating func start() {
        housekeeping = now + plan.heartbeatMs / 2
        guard record.completedRounds < plan.rounds else { return finish() }
        if let current = record.current {
            phase = .round(current.round)
            return resume(current)
        }
        guard record.completedRounds == 0 else { return beginRound() }
        deadline = now + plan.deadlines.startMs
    }

    /// Asks again for the work that the record says is under way.
    private mutating func resume(_ current: RoundProgress) {
        if let clients = current.closedWith {
            askForWork(current, clients)
        } else if let step = current.unpooledStep {
            computePool(step: step)
        } else {
            startClock()
            tryToClose()
        }
    }

    /// Begins the round after the last complete one.
    mutating func beginRound() {
        let round = record.completedRounds
        phase = .round(round)
        passed = []
        if let nextQuorum { plan.quorum = nextQuorum }
        nextQuorum = nil
        establish(.roundBegan(round: round))
        startClock()
        answerWaiting()
        tryToClose()
    }

    /// Records that a piece of the round's last work is done, and asks for the next one.
    private mutating func advance(_ fact: CoordinatorFact, _ round: Int) {
        guard let current = record.current, current.round == round, let clients = current.closedWith else {
            return
        }
        guard record.fits(fact) else { return }
        establish(fact)
        if let current = record.current { return askForWork(current, clients) }
        if record.completedRounds < plan.rounds { beginRound() } else { finish() }
    }

    private mutating func askForWork(_ current: RoundProgress, _ clients: [String]) {
        deadline = nil
        if !current.isAggregated {
            actions.append(.aggregate(round: current.round, clients: clients))
        } else if !current.isEvaluated {
            actions.append(.evaluate(round: current.round, clients: clients))
        } else {
            actions.append(.checkpoint(round: current.round))
        }
    }

    /// Tells the waiting clients of the end, and waits for the others to ask.
    private mutating func finish() {
        phase = .finished
        deadline = now + plan.lingerMs
        answerWaiting()
        endIfAllKnow()
    }

    /// The clients that have not heard of the end, as far as they will ever be told.
    package var uninformed: [String] {
        plan.clients.filter { !record.informed.contains($0) && record.quarantined[$0] == nil }
    }

    /// Ends once every client has been told and has gone.
    mutating func endIfAllKnow() {
        guard phase == .finished, sessions.isEmpty, uninformed.isEmpty, !lingers else { return }
        end(.completed)
    }

    /// Ends at once; clients that are connected are told why, and to come back if that makes sense.
    mutating func end(_ outcome: CoordinatorOutcome) {
        for id in connections.keys.sorted() {
            if case .failed = outcome {
                send(.refused(Refused(code: .internal, message: "the run cannot go on")), to: id)
            }
            actions.append(.close(id))
        }
        connections = [:]
        sessions = [:]
        phase = .ended
        actions.append(.finish(outcome))
    }

    private mutating func drain(reconnectAfterMs: Int) {
        for id in connections.keys.sorted() {
            send(.drain(Drain(reconnectAfterMs: reconnectAfterMs)), to: id)
        }
        // Who is only waiting for clients to hear of the end has done its part.
        end(phase == .finished ? .completed : .drained)
    }
}
