internal import Aggregation
package import Contract
internal import FoundationEssentials
internal import Ledger
package import Logging
internal import Rounds
internal import Synchronization
internal import Tensors
internal import Topology
internal import Transport
internal import Wire

/// What the executable `coordinator` is: a coordinator over TLS with its state on disk.
package final class CoordinatorProcess: Sendable {
    private let job: Job
    private let topologyFile: String
    private let registry: Registry
    /// The topology as it counts: with the clients that were added since the start.
    private let topology: Mutex<Topology>
    private let context: TLSContext
    private let layout: (state: String, status: String, adapter: String)
    private let lingers: Bool
    private let logger: Logger
    private let node = Running()
    private let draining = StopFlag()
    private let keeper: IdentityKeeper

    /// Reads topology and identity and checks that they fit; nothing runs yet.
    ///
    /// - Parameters:
    ///   - topologyFile: The topology.
    ///   - identity: The folder of the coordinator's identity.
    ///   - state: The folder of its state.
    ///   - lingers: Whether to stay for the farewell time when a finished run is started again.
    ///   - registry: The trainers, monitors and guards there are.
    ///   - logger: The log.
    package init(
        topologyFile: String,
        identity: String,
        state: String,
        lingers: Bool = false,
        registry: Registry,
        logger: Logger
    ) throws {
        job = try Job.load(topologyFile, registry)
        topology = Mutex(job.topology)
        self.topologyFile = topologyFile
        self.registry = registry
        context = try TLSContext(directory: identity, now: Date(), checksTime: false)
        let expected = PeerIdentity(federation: job.topology.federation, role: .coordinator)
        try context.identity.peer.require(expected, folder: identity)
        layout = (state, state + "/status.json", state + "/adapter")
        self.lingers = lingers
        self.logger = logger
        keeper = IdentityKeeper(context, logger: logger) { [node] in
            node.value.withLock { $0 }?.revocationsChanged()
        }
    }

    /// Runs until the federation is finished or drained.
    ///
    /// - Returns: Whether it is finished.
    package func run() async throws -> Bool {
        guard try await keeper.waitUntilValid(isStopping: { draining.isSet }) else { return false }
        let watching = Task { [keeper] in await keeper.watch() }
        defer { watching.cancel() }
        try Compute.prepare(threads: job.topology.coordinator.threads, logger: logger)
        let transport = TCPTransport(logger: logger)
        do {
            let isFinished = try await run(over: transport)
            await transport.shutdown()
            return isFinished
        } catch {
            await transport.shutdown()
            throw error
        }
    }

    private func run(over transport: TCPTransport) async throws -> Bool {
        let address = job.topology.coordinator
        let listener = try await transport.listen(host: address.listen, port: address.port, context: context)
        logger.info("listening", metadata: ["host": "\(listener.host)", "port": "\(listener.port)"])
        let node = try await Coordinator.make(
            job,
            state: layout.state,
            status: layout.status,
            adapter: layout.adapter,
            listener: listener,
            isRevoked: { [context] in context.isRevoked($0) },
            certificates: { [keeper] in keeper.certificates(with: $0) },
            lingers: lingers,
            logger: logger
        )
        self.node.value.withLock { $0 = node }
        if draining.isSet { drain() }
        let outcome = try await node.run()
        logger.info(outcome == .completed ? "the run is over" : "drained")
        return outcome == .completed
    }

    /// Tells the clients to come back later, and ends.
    package func drain() {
        draining.set()
        node.value.withLock { $0 }?.post(.drainRequested(reconnectAfterMs: 2_000))
    }

    /// Rereads certificate and revocation list and cuts sessions whose certificates are on the list now; rereads the
    /// topology and takes in the clients that are new in it.
    package func reload() {
        keeper.reload()
        do {
            try takeInNewClients()
        } catch {
            logger.error(
                "the topology was not reread; nothing changes",
                metadata: ["file": "\(topologyFile)", "reason": "\(error)"]
            )
        }
    }

    /// Compares the topology file with what counts; only new clients may be in it.
    private func takeInNewClients() throws {
        let fresh = try Job.load(topologyFile, registry)
        let (clients, others) = topology.withLock { fresh.topology.additions(to: $0) }
        guard others.isEmpty else {
            throw NodeError(
                .configuration,
                "besides new clients nothing may change in a run under way, but "
                    + others.map { "\($0)" }.joined(separator: "; ")
                    + "; to change what may change between two starts, stop the coordinator and start it again"
            )
        }
        guard !clients.isEmpty else {
            return logger.info("topology reread", metadata: ["new": "nobody"])
        }
        guard let node = node.value.withLock({ $0 }) else {
            throw NodeError(.configuration, "this coordinator is just starting; reload once it runs")
        }
        try fresh.keepTopology(in: layout.state)
        topology.withLock { $0 = fresh.topology }
        node.post(.membersAdded(clients, quorum: fresh.topology.quorum))
    }

    /// The node, once it runs.
    private final class Running: Sendable {
        let value = Mutex<CoordinatorNode?>(nil)
    }
}

/// Puts a coordinator together.
enum Coordinator {
    /// Opens the state and makes the node.
    ///
    /// - Parameters:
    ///   - quorum: The quorum where the topology states none; nil for the topology's default.
    ///   - lingers: Whether to stay for the farewell time when a finished run is started again.
    ///   - clientsHere: The clients whose data are in this process too, with files that stand for their data.
    static func make(
        _ job: Job,
        state: String,
        status: String?,
        adapter: String?,
        listener: any Listener,
        isRevoked: @escaping @Sendable (PeerIdentity) -> Bool,
        certificates: @escaping @Sendable ([PeerIdentity]) -> RunStatus.Certificates = { _ in .init() },
        quorum: Int? = nil,
        lingers: Bool = false,
        clientsHere: [String] = [],
        dataFiles: [String: String] = [:],
        logger: Logger
    ) async throws -> CoordinatorNode {
        let overlap = try job.overlap(clients: clientsHere, dataFiles: dataFiles)
        if let overlap {
            logger.log(
                level: overlap.isFound ? .warning : .info,
                "looked for held-out items among others",
                metadata: ["found": "\(overlap.description)"]
            )
        }
        let plan = try job.runPlan(quorum: quorum)
        let start = try job.start(recordedIn: state)
        let ledger = try Ledger.open(state, identity: job.federationIdentity(start))
        let wallClockMs: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1000) }
        let exchange = ComputeHost<any PublicJudge>()
        let evaluation = ComputeHost<CoordinatorNode.Evaluation>()
        try await exchange.prepare { try job.makeJudge() }
        let initial = try await exchange.run { try job.initialAdapter($0, start) }
        if let start { logger.info("starting from an adapter", metadata: ["digest": "\(start.digest)"]) }
        _ = try DeltaRules.rule(named: job.topology.aggregation.delta, for: initial.layout)
        try await evaluation.prepare { try CoordinatorNode.Evaluation(job) }
        let store = CoordinatorStore(ledger, layout: initial.layout, wallClockMs: wallClockMs)
        try await store.recordInitialAdapter(initial)
        if let overlap { try await store.note(RunMetrics.overlapEvent, detail: overlap.json()) }
        let counted = try await store.traffic()
        let record = try await store.record()
        try job.requireRounds(of: record)
        try job.keepTopology(in: state)
        try await store.openMetrics(completed: record.completedRounds, steps: plan.steps)
        return CoordinatorNode(
            job: job,
            plan: plan,
            ledger: ledger,
            layout: initial.layout,
            store: store,
            bench: UpdateBench(ledger, layout: initial.layout, wallClockMs: wallClockMs),
            exchange: exchange,
            evaluation: evaluation,
            listener: listener,
            isRevoked: isRevoked,
            certificates: certificates,
            wallClockMs: wallClockMs,
            files: (status: status, adapter: adapter),
            overlap: overlap,
            logger: logger,
            counter: TrafficLedger(
                up: counted.filter { $0.direction == .up }.reduce(0) { $0 + $1.bytes },
                down: counted.filter { $0.direction == .down }.reduce(0) { $0 + $1.bytes }
            ),
            restoring: record,
            lingers: lingers
        )
    }
}
