internal import Aggregation
internal import Contract
internal import Ledger
internal import Logging
internal import Rounds
internal import Synchronization
internal import Topology
internal import Transport
internal import Wire

/// A coordinator at work: it feeds its machine with events and performs the machine's actions.
///
/// One loop takes events one by one, so decisions have an order; ledger, judge and sockets work beside it
/// and report back with events. What the machine records is durable before the loop goes on.
///
/// Files: this one has the loop; `+Actions` performs actions, `+Uploads` receives, `+Work` pools, merges and
/// evaluates, `+Status` tells people, `+Operators` answers them.
actor CoordinatorNode {
    /// What reaches the loop.
    enum Input: Sendable {
        case opened(Session)
        case messages(ConnectionID, [ClientMessage], Reply)
        case event(CoordinatorEvent)
        /// Cut the sessions of certificates that have been revoked.
        case revocationsChanged
    }

    /// Resumed once messages have been dealt with: a connection has what came at one time in the loop.
    typealias Reply = CheckedContinuation<Void, Never>

    /// Who evaluates: a judge of its own, so that an exchange never waits for an evaluation, with the monitors and
    /// guards of the topology.
    struct Evaluation {
        var judge: any PublicJudge
        var monitors: [(name: String, monitor: any RoundMonitor)]
        var guards: [(name: String, guardian: any RoundGuard)]

        init(_ job: Job) throws {
            let context = job.coordinatorContext
            judge = try job.makeJudge()
            monitors = try job.monitors.map { ($0.entry.name, try $0.entry.make($0.settings, context)) }
            guards = try job.guards.map { ($0.entry.name, try $0.entry.make($0.settings, context)) }
        }
    }

    let job: Job
    /// The run as the machine sees it.
    let plan: RunPlan
    let ledger: Ledger
    /// What every adapter and every update looks like, without local parts.
    let layout: AdapterLayout
    /// The durable state.
    let store: CoordinatorStore
    /// What checks and merges updates, over the same ledger.
    let bench: UpdateBench
    /// The judge that makes batches and verifies responses.
    let exchange: ComputeHost<any PublicJudge>
    let evaluation: ComputeHost<Evaluation>
    /// Writes adapters for people, in the order of the rounds.
    let exports = ComputeHost<Void>()
    let listener: any Listener
    /// Whether a peer's certificate is on the revocation list as it is now.
    let isRevoked: @Sendable (PeerIdentity) -> Bool
    /// Until when this program and the peers that are given are certified.
    let certificates: @Sendable ([PeerIdentity]) -> RunStatus.Certificates
    /// Milliseconds since 1970, for people alone.
    let wallClockMs: @Sendable () -> Int64
    /// Where `RunStatus` and the newest adapter are written; nil for nowhere.
    let files: (status: String?, adapter: String?)
    /// What was found of held-out items among those that are learnt from.
    let overlap: HeldOutOverlap?
    let logger: Logger
    let counter: TrafficLedger

    let (inputs, sender) = AsyncStream<Input>.makeStream()
    let (work, workSender) = AsyncStream<@Sendable () async -> Void>.makeStream()
    /// Uploads whose chunks are all here.
    let (arrived, arrivedSender) = AsyncStream<(Transfer, Manifest)>.makeStream()
    /// The connections of operators.
    var operators: [ObjectIdentifier: any Connection] = [:]
    /// Since when each client is being waited for, in milliseconds since 1970.
    var waitingSince: [String: Int64] = [:]
    private let nextConnection = Atomic(1)
    private let started = ContinuousClock.now
    var machine: CoordinatorMachine
    /// The connections that the machine knows.
    var sessions: [ConnectionID: Session] = [:]
    /// Those and the ones that still send their last messages.
    private var open: [ConnectionID: Session] = [:]
    var offered: [ConnectionID: EncodedBlob] = [:]
    var uploads: [ConnectionID: Manifest] = [:]
    var timer: Task<Void, Never>?
    var outcome: CoordinatorOutcome?
    /// The first error of work beside the loop, which ends the run.
    private var failure: (any Error)?
    var progress: [String: RunStatus.Client] = [:]
    /// What the adapters achieve, by round; -1 is the one that round 0 starts from.
    var evaluations: [Int: Contract.Evaluation] = [:]
    /// The evaluation of the adapter that round 0 starts from.
    var baseEvaluation: Task<Void, any Error>?
    /// How often each client's comings and goings are logged.
    var noteBudget = NoteBudget()
    /// Which steps get a line in the log.
    var pace = StepPace()
    /// By client, the newest step it reported, from 1 and counted through all rounds.
    var reached: [String: Int] = [:]
    var lastStatus = ContinuousClock.now - .seconds(10)

    /// Takes everything a coordinator works with; see the properties.
    init(
        job: Job,
        plan: RunPlan,
        ledger: Ledger,
        layout: AdapterLayout,
        store: CoordinatorStore,
        bench: UpdateBench,
        exchange: ComputeHost<any PublicJudge>,
        evaluation: ComputeHost<Evaluation>,
        listener: any Listener,
        isRevoked: @escaping @Sendable (PeerIdentity) -> Bool,
        certificates: @escaping @Sendable ([PeerIdentity]) -> RunStatus.Certificates,
        wallClockMs: @escaping @Sendable () -> Int64,
        files: (status: String?, adapter: String?),
        overlap: HeldOutOverlap?,
        logger: Logger,
        counter: TrafficLedger,
        restoring record: CoordinatorRecord,
        lingers: Bool
    ) {
        self.job = job
        self.overlap = overlap
        self.plan = plan
        self.ledger = ledger
        self.layout = layout
        self.store = store
        self.bench = bench
        self.exchange = exchange
        self.evaluation = evaluation
        self.listener = listener
        self.isRevoked = isRevoked
        self.certificates = certificates
        self.wallClockMs = wallClockMs
        self.files = files
        self.logger = logger
        self.counter = counter
        machine = CoordinatorMachine(plan: plan, restoring: record, lingers: lingers)
    }

    /// Milliseconds since the node's start.
    var now: Tick {
        let elapsed = ContinuousClock.now - started
        return elapsed.components.seconds * 1000 + elapsed.components.attoseconds / 1_000_000_000_000_000
    }

    /// Something has happened outside.
    nonisolated func post(_ event: CoordinatorEvent) { sender.yield(.event(event)) }

    /// The revocation list was reread.
    nonisolated func revocationsChanged() { sender.yield(.revocationsChanged) }

    /// Runs until the federation is finished or drained.
    ///
    /// - Throws: `NodeError` if the run cannot go on, `LedgerError` if state cannot be kept,
    ///   `CancellationError` if the task is cancelled.
    func run() async throws -> CoordinatorOutcome {
        // Before anyone can connect: the machine takes up what the record has under way before it hears of clients.
        sender.yield(.event(.started))
        let listening = Task { [listener, logger] in
            do {
                try await listener.serve { try await self.serve($0) }
            } catch {
                self.post(.workFailed(reason: "cannot accept connections: \(FaultText.sentence(error))"))
                logger.error("the listener failed", metadata: ["reason": "\(FaultText.sentence(error))"])
            }
        }
        let working = Task { [work] in
            await withDiscardingTaskGroup { group in
                for await job in work { group.addTask(operation: job) }
            }
        }
        workSender.yield { await self.verifyArrived() }
        try await exports.prepare {}
        evaluateBase()
        do {
            try await loop()
        } catch {
            await shutDown(listening, working)
            throw error
        }
        await shutDown(listening, working)
        guard let outcome else { throw CancellationError() }
        if case .failed(let reason) = outcome { throw NodeError(.failed, reason, underlying: failure) }
        return outcome
    }

    private func loop() async throws {
        for await input in inputs {
            switch input {
            case .opened(let session):
                sessions[session.id] = session
                open[session.id] = session
                try await handle(
                    .connected(
                        session.id,
                        certifiedName: session.certifiedName,
                        address: session.connection.remoteAddress
                    )
                )
            case .messages(let id, let messages, let reply):
                defer { reply.resume() }
                try await handle(messages, from: id)
            case .event(.disconnected(let id)):
                open[id] = nil
                guard sessions.removeValue(forKey: id) != nil else { continue }
                forget(id)
                try await handle(.disconnected(id))
            case .event(let event):
                if case .tick = event {
                    for id in sessions.keys.sorted() where sessions[id]?.hasHeard == true {
                        try await handle(.heard(id))
                    }
                }
                try await handle(event)
            case .revocationsChanged:
                try await cutRevoked()
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

    /// Handles what a connection brings, chunks that follow each other in one go.
    private func handle(_ messages: [ClientMessage], from id: ConnectionID) async throws {
        var chunks: (taken: [Chunk], of: Transfer)?
        for message in messages {
            // A message may end the connection that brought those behind it.
            guard sessions[id] != nil else { break }
            for action in machine.handle(.received(id, message), at: now) {
                if case .takeChunk(let chunk, let transfer) = action, chunks == nil || chunks?.of == transfer
                {
                    chunks = ((chunks?.taken ?? []) + [chunk], transfer)
                    continue
                }
                if let (taken, transfer) = chunks { try await take(taken, of: transfer) }
                chunks = nil
                try await perform(action)
            }
        }
        if let (taken, transfer) = chunks { try await take(taken, of: transfer) }
    }

    private func handle(_ event: CoordinatorEvent) async throws {
        for action in machine.handle(event, at: now) { try await perform(action) }
    }

    /// Cuts the sessions of revoked certificates. Their clients are not shut out for good: they may come back
    /// with new ones, and the listener refuses the old.
    private func cutRevoked() async throws {
        for session in sessions.values.sorted(by: { $0.id < $1.id }) where isRevoked(session.connection.peer)
        {
            logger.warning("the certificate was revoked", metadata: ["client": "\(session.certifiedName)"])
            session.post(.message(.refused(Refused(code: .revoked, message: "the certificate was revoked"))))
            session.finish()
            sessions[session.id] = nil
            forget(session.id)
            try await handle(.disconnected(session.id))
        }
    }

    /// One connection, from its admission to the transport until its end.
    private nonisolated func serve(_ connection: any Connection) async throws {
        guard let name = connection.peer.clientName else { return await serveOperator(connection) }
        let id = ConnectionID(nextConnection.add(1, ordering: .relaxed).oldValue)
        let session = Session(id, connection, certifiedName: name, counter: counter)
        if case .terminated = sender.yield(.opened(session)) { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await session.sendAll() }
            // After a violation the machine says why and closes; otherwise there is nobody left to say it to.
            if await read(session) { session.finish() }
            await group.waitForAll()
            post(.disconnected(id))
        }
    }

    /// Takes messages until the connection ends; false after bytes that are no message.
    private nonisolated func read(_ session: Session) async -> Bool {
        do {
            var kind = TrafficKind.control
            while let frames = try await session.connection.inbound.nextBatch() {
                let (messages, fault) = ClientMessage.read(frames)
                for (frame, message) in zip(frames, messages) {
                    switch message {
                    case .offerUpdate: kind = .update
                    case .offerResponses: kind = .responses
                    default: break
                    }
                    counter.add(frame.type == .chunk ? kind : .control, .up, bytes: frame.byteCount)
                }
                await submit(session.id, messages)
                if let fault { throw fault }
            }
        } catch let error as WireError {
            post(.undecodable(session.id, code: error.code, message: "\(error)"))
            return false
        } catch {
            logger.debug(
                "connection ended",
                metadata: ["client": "\(session.certifiedName)", "reason": "\(error)"]
            )
        }
        return true
    }

    /// Hands messages to the loop and waits until they have been dealt with.
    private nonisolated func submit(_ id: ConnectionID, _ messages: [ClientMessage]) async {
        await withCheckedContinuation { reply in
            if case .terminated = sender.yield(.messages(id, messages, reply)) { reply.resume() }
        }
    }

    private func shutDown(_ listening: Task<Void, Never>, _ working: Task<Void, Never>) async {
        timer?.cancel()
        sender.finish()
        for await input in inputs {
            if case .messages(_, _, let reply) = input { reply.resume() }
            if case .opened(let session) = input {
                open[session.id] = session
                session.finish()
            }
        }
        for session in sessions.values { session.finish() }
        await withDiscardingTaskGroup { [operators] group in
            for connection in operators.values { group.addTask { await connection.close() } }
        }
        await listener.close()
        // A peer that does not read its last messages must not hold this end up.
        let patience = Task { [open] in
            guard (try? await Task.sleep(for: Self.farewellTime)) != nil else { return }
            for session in open.values { session.connection.abort() }
        }
        await listening.value
        patience.cancel()
        arrivedSender.finish()
        workSender.finish()
        await working.value
        do {
            try await store.add(counter.flush(round: min(machine.record.completedRounds, plan.rounds - 1)))
        } catch {
            logger.error(
                "byte counts could not be kept",
                metadata: ["reason": "\(FaultText.sentence(error))"]
            )
        }
        writeStatus(force: true)
    }

    private static let farewellTime = Duration.seconds(5)
}
