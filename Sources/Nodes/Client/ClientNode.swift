internal import Contract
internal import Logging
internal import Rounds
internal import Topology
internal import Transport
internal import Wire

/// A client at work: it feeds its machine with events and performs the machine's actions.
///
/// One loop takes events one by one; the trainer computes on its own thread and the connection is read
/// beside the loop, so a lost link does not stop the training, nor the training the heartbeats.
///
/// Files: this one has the loop, `+Actions` performs actions; ClientLink.swift connects, sends
/// and receives.
actor ClientNode {
    let job: Job
    let name: String
    let dialer: any Dialer
    let store: ClientStore
    let makeTrainer: @Sendable (StepTimer) throws -> any LocalTrainer
    /// What there is of held-out items, by their digests, among the client's own.
    let compare: @Sendable ([UInt8]) throws -> HeldOutOverlap?
    /// Told whom each connection leads to.
    let met: @Sendable (PeerIdentity) -> Void
    /// What `status.json` is made of besides.
    var statusKeeper: StatusKeeper
    /// How long an answer that is not a coordinator's may come instead of one.
    let patience: Duration
    /// Since when such answers have come, without a message between.
    var doubtfulSince: ContinuousClock.Instant?
    /// Slept after each local step, to play a slow machine.
    let delayPerStep: Duration
    let logger: Logger

    let (inputs, sender) = AsyncStream<Input>.makeStream()
    let (work, workSender) = AsyncStream<@Sendable () async -> Void>.makeStream()
    private let started = ContinuousClock.now
    var machine: ClientMachine
    var saved: ClientStore.Saved?
    let trainer = ComputeHost<any LocalTrainer>()
    var link: ClientLink?
    var linkNumber = 0
    var connecting: Task<Void, Never>?
    var timer: Task<Void, Never>?
    /// The blob downloaded last: an adapter, a batch or a pool.
    var downloaded: EncodedBlob?
    var offered: EncodedBlob?
    /// The adapter that the round began from.
    var broadcast: EncodedBlob?
    var feedback = ErrorFeedback()
    /// What the feedback owes, as it is saved.
    var residual: EncodedBlob?
    /// What the trainer has done since its state was saved.
    var unsaved = Unsaved.nothing
    /// What steps spend their time on.
    let clock = StepClock()
    /// Which steps get a line in the log.
    var pace = StepPace()
    /// Of the round so far.
    var reports: [SavedReport] = []
    var outcome: ClientOutcome?
    /// The first error of work beside the loop, which ends the client.
    private var failure: (any Error)?

    /// What reaches the loop. Events of a connection that was given up are dropped by its number.
    enum Input: Sendable {
        case event(ClientEvent)
        /// What was left unsaid in `status.json` may be said now.
        case statusDue
        /// The trainer has taken a step.
        case step(StepLine)
        case linked(Int, any Connection)
        case ofLink(Int, [ClientEvent], Reply?)
        /// An error of a connection that may not pass, and what it is to the machine if it does.
        case lasting(Int, TransportError, ClientEvent)
    }

    /// What a trainer has done since its state was saved.
    enum Unsaved {
        case nothing
        /// It has begun a round.
        case beginning
        case more
    }

    typealias Reply = CheckedContinuation<Void, Never>

    /// Makes a client.
    ///
    /// - Parameters:
    ///   - job: What is run.
    ///   - plan: Who it is.
    ///   - dialer: How to reach the coordinator.
    ///   - store: Its durable state.
    ///   - saved: What that state holds.
    ///   - logger: The log.
    ///   - met: Told whom each connection leads to.
    ///   - statusKeeper: What `status.json` is made of besides.
    ///   - patience: How long an answer that is not a coordinator's may come instead of one.
    ///   - compare: Finds held-out items, by their digests, among the client's own.
    ///   - makeTrainer: Makes the trainer once the coordinator has welcomed this client.
    init(
        job: Job,
        plan: ClientPlan,
        dialer: any Dialer,
        store: ClientStore,
        saved: ClientStore.Saved?,
        logger: Logger,
        met: @escaping @Sendable (PeerIdentity) -> Void,
        statusKeeper: StatusKeeper,
        patience: Duration,
        compare: @escaping @Sendable ([UInt8]) throws -> HeldOutOverlap?,
        makeTrainer: @escaping @Sendable (StepTimer) throws -> any LocalTrainer
    ) {
        self.compare = compare
        self.job = job
        name = plan.client
        self.dialer = dialer
        self.store = store
        self.saved = saved
        self.makeTrainer = makeTrainer
        self.patience = patience
        self.met = met
        self.statusKeeper = statusKeeper
        delayPerStep = job.topology.client(named: plan.client)?.delay ?? .zero
        self.logger = logger
        machine = ClientMachine(plan: plan, restoring: saved?.record ?? ClientRecord())
    }

    /// Milliseconds since the node's start.
    var now: Tick { (ContinuousClock.now - started).milliseconds }

    /// Something has happened outside.
    nonisolated func post(_ event: ClientEvent) { sender.yield(.event(event)) }

    /// The trainer has taken a step: it is recorded, and the coordinator hears of it.
    nonisolated func report(_ report: StepReport, _ kind: StepLine.Kind, seconds: [String: Double]) {
        let (round, step) = (report.round, report.steps.lowerBound)
        let metrics = report.metrics.merging(seconds) { _, measured in measured }
        sender.yield(
            .step(
                StepLine(
                    kind: kind,
                    client: name,
                    round: round,
                    step: round * job.topology.rounds.steps + step + 1,
                    examples: report.examples,
                    metrics: metrics
                )
            )
        )
        post(.stepped(StepProgress(round: round, step: step, metrics: Metric.list(metrics))))
    }

    /// Runs until the federation is finished or this client drained.
    ///
    /// - Throws: `NodeError` if the client cannot go on, `LedgerError` if its state cannot be kept,
    ///   `TransportError` if its certificate or address is at fault, `CancellationError` if the task is cancelled.
    func run() async throws -> ClientOutcome {
        let working = Task { [work] in
            await withDiscardingTaskGroup { group in
                for await job in work { group.addTask(operation: job) }
            }
        }
        sender.yield(.event(.started))
        do {
            try await loop()
        } catch {
            await shutDown(working)
            throw error
        }
        await shutDown(working)
        guard let outcome else { throw CancellationError() }
        if case .failed(let code, let reason) = outcome {
            guard let code else { throw NodeError(.failed, reason, underlying: failure) }
            throw NodeError(.refused, "\(code.name): \(reason)")
        }
        return outcome
    }

    private func loop() async throws {
        for await input in inputs {
            switch input {
            case .event(let event):
                if case .tick = event, link?.hasHeard == true { try await handle(.heard) }
                try await handle(event)
            case .statusDue: statusKeeper.isDue = false
            case .step(let line):
                statusKeeper.last = line
                await record(line)
            case .linked(let number, let connection):
                guard number == linkNumber else {
                    connection.abort()
                    continue
                }
                met(connection.peer)
                open(connection, number)
                try await handle(.connected)
            case .ofLink(let number, let events, let reply):
                defer { reply?.resume() }
                try await handle(events, ofLink: number)
            case .lasting(let number, let error, let event):
                guard number == linkNumber else { continue }
                if isFinal(error) { throw error }
                hangUp()
                try await handle(event)
            }
            writeStatus(force: outcome != nil)
            if outcome != nil { return }
        }
    }

    /// Work beside the loop has failed for good.
    func fail(_ what: String, _ error: any Error) {
        let error = faultOfState(error)
        if failure == nil { failure = error }
        post(.workFailed(reason: "\(what): \(FaultText.sentence(error))"))
    }

    /// Handles what a connection brings, chunks that follow each other in one go. An event may end the connection that
    /// brought those behind it.
    private func handle(_ events: [ClientEvent], ofLink number: Int) async throws {
        var chunks: (taken: [Chunk], of: ClientDownload)?
        for event in events {
            guard number == linkNumber else { break }
            // The machine does not hang up on a connection that is gone.
            if case .disconnected = event { hangUp() }
            if case .received = event { doubtfulSince = nil }
            for action in machine.handle(event, at: now) {
                if case .takeChunk(let chunk, let blob) = action, chunks == nil || chunks?.of == blob {
                    chunks = ((chunks?.taken ?? []) + [chunk], blob)
                    continue
                }
                if let (taken, blob) = chunks { try await take(taken, of: blob) }
                chunks = nil
                try await perform(action)
            }
        }
        if let (taken, blob) = chunks { try await take(taken, of: blob) }
    }

    private func handle(_ event: ClientEvent) async throws {
        for action in machine.handle(event, at: now) { try await perform(action) }
    }

    private func shutDown(_ working: Task<Void, Never>) async {
        timer?.cancel()
        trainer.interrupt()
        hangUp()
        sender.finish()
        workSender.finish()
        for await input in inputs {
            switch input {
            case .ofLink(_, _, let reply): reply?.resume()
            case .linked(_, let connection): connection.abort()
            case .event, .step, .statusDue, .lasting: break
            }
        }
        await working.value
    }
}
