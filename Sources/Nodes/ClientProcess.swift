package import Contract
internal import FoundationEssentials
internal import Ledger
package import Logging
internal import Randomness
internal import Rounds
internal import Synchronization
internal import Tensors
internal import Topology
internal import Transport
internal import Wire

/// What the executable `client` is: a client over TLS with its state on disk.
package final class ClientProcess: Sendable {
    private let job: Job
    private let context: TLSContext
    private let name: String
    private let state: String
    private let dataFile: String?
    private let logger: Logger
    private let node = Mutex<ClientNode?>(nil)
    private let draining = StopFlag()
    private let keeper: IdentityKeeper
    private let proxy: HTTPProxy?

    /// Reads topology and identity and checks that they fit; nothing runs yet.
    ///
    /// - Parameters:
    ///   - topologyFile: The topology, the same as the coordinator's.
    ///   - name: Which of its clients this is.
    ///   - identity: The folder of the client's identity.
    ///   - state: The folder of its state.
    ///   - dataFile: Private data instead of what the topology says: it stands for `data: {path: FILE}`.
    ///   - environment: The variables of the process: `HTTPS_PROXY` and `NO_PROXY` count.
    ///   - registry: The trainers there are.
    ///   - logger: The log.
    package init(
        topologyFile: String,
        name: String,
        identity: String,
        state: String,
        dataFile: String?,
        environment: [String: String] = [:],
        registry: Registry,
        logger: Logger
    ) throws {
        job = try Job.load(topologyFile, registry)
        let topology = job.topology
        guard topology.client(named: name) != nil else {
            let known = topology.clients.map(\.name).joined(separator: ", ")
            throw NodeError(.configuration, "\(topologyFile) has no client '\(name)'; it has \(known)")
        }
        context = try TLSContext(directory: identity, now: Date(), checksTime: false)
        let expected = PeerIdentity(federation: topology.federation, role: .client(name))
        try context.identity.peer.require(expected, folder: identity)
        self.name = name
        self.state = state
        self.dataFile = dataFile
        self.logger = logger
        keeper = IdentityKeeper(context, logger: logger)
        let address = topology.coordinator
        proxy = try HTTPProxy.from(environment: environment, target: address.host, port: address.port)
    }

    /// Runs until the federation is finished or this client drained.
    ///
    /// - Returns: Whether the federation is finished.
    package func run() async throws -> Bool {
        guard try await keeper.waitUntilValid(isStopping: { draining.isSet }) else { return false }
        let watching = Task { [keeper] in await keeper.watch() }
        defer { watching.cancel() }
        if let proxy { logger.info("connecting through a proxy", metadata: ["proxy": "\(proxy)"]) }
        let threads = job.topology.client(named: name)?.threads ?? 1
        try Compute.prepare(threads: threads, logger: logger)
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
        let dialer = TCPDialer(
            transport: transport,
            host: address.host,
            port: address.port,
            context: context,
            proxy: proxy
        )
        let node = try await Client.make(
            job,
            name: name,
            state: state,
            dataFile: dataFile,
            dialer: dialer,
            certificates: { [keeper] in keeper.certificates(with: $0) },
            logger: logger
        )
        self.node.withLock { $0 = node }
        if draining.isSet { drain() }
        let outcome = try await node.run()
        switch outcome {
        case .completed(let finished):
            logger.info("the run is over", metadata: ["adapterDigest": "\(finished.adapter)"])
            return true
        case .drained: logger.info("drained")
        case .failed: break
        }
        return false
    }

    /// Rereads certificate and revocation list, for the connections to come.
    package func reloadIdentity() { keeper.reload() }

    /// Ends after the step in hand; the state has everything up to the last phase of the round.
    package func drain() {
        draining.set()
        node.withLock { $0 }?.post(.drainRequested)
    }
}

/// Puts a client together.
enum Client {
    /// Opens the state, checks data and settings and makes the node.
    static func make(
        _ job: Job,
        name: String,
        state: String,
        dataFile: String?,
        dialer: any Dialer,
        certificates: @escaping @Sendable ([PeerIdentity]) -> RunStatus.Certificates = { _ in .init() },
        patience: Duration = .seconds(900),
        logger: Logger
    ) async throws -> ClientNode {
        let found = try job.examineData(of: name, file: dataFile)
        if !found.isEmpty { logger.info("private data", metadata: ["found": "\(found)"]) }
        let store = ClientStore(try ClientState.open(state, identity: job.clientIdentity(name)))
        try job.keepTopology(in: state)
        var stream = RandomStream(seed: job.topology.seed, name, "back-off")
        let plan = ClientPlan(
            federation: job.topology.federation,
            client: name,
            software: ProgramVersion.software,
            trainer: job.entry.name,
            fingerprint: try job.fingerprint(),
            rounds: job.topology.rounds.count,
            backOff: BackOff(jitter: (0..<64).map { _ in stream.uniform() })
        )
        return ClientNode(
            job: job,
            plan: plan,
            dialer: dialer,
            store: store,
            saved: try await store.saved(),
            logger: logger,
            met: { _ = certificates([$0]) },
            statusKeeper: ClientNode.StatusKeeper(
                wallClockMs: { Int64(Date().timeIntervalSince1970 * 1000) },
                certificates: certificates
            ),
            patience: patience,
            compare: { digests in
                let overlap = try job.overlap(with: digests, client: name, dataFile: dataFile)
                if let overlap {
                    let file = URL(filePath: state + "/overlap.json")
                    try Data(overlap.json().utf8).write(to: file, options: .atomic)
                }
                return overlap
            },
            makeTrainer: { try job.makeTrainer(client: name, dataFile: dataFile, timer: $0) }
        )
    }
}
