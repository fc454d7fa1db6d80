internal import FoundationEssentials
package import Logging
internal import Rounds
internal import Tensors
internal import Topology
internal import Transport

/// A federation in one process: the same nodes, messages and files as on several hosts, connected in memory.
///
/// On one type of processor it ends with the adapter that the processes of the same topology end with, byte
/// for byte, because nothing depends on the number of threads.
package struct SimulatedFederation: Sendable {
    private let job: Job
    private let layout: RunLayout
    private let dataFiles: [String: String]
    private let logger: Logger
    private let faults: (@Sendable (LoopbackNetwork.FaultPoint) -> LoopbackNetwork.Fault)?

    /// Prepares a simulation.
    ///
    /// - Parameters:
    ///   - job: What to run.
    ///   - layout: Where the states go.
    ///   - dataFiles: By client, a JSONL file instead of what the topology says.
    ///   - logger: The log.
    package init(_ job: Job, layout: RunLayout, dataFiles: [String: String] = [:], logger: Logger) {
        self.init(job, layout: layout, dataFiles: dataFiles, logger: logger, faults: nil)
    }

    init(
        _ job: Job,
        layout: RunLayout,
        dataFiles: [String: String] = [:],
        logger: Logger,
        faults: (@Sendable (LoopbackNetwork.FaultPoint) -> LoopbackNetwork.Fault)?
    ) {
        self.job = job
        self.layout = layout
        self.dataFiles = dataFiles
        self.logger = logger
        self.faults = faults
    }

    /// Runs until all rounds are done.
    ///
    /// - Throws: The first failure of any node.
    package func run() async throws {
        let threads = job.topology.clients.map(\.threads).max() ?? job.topology.coordinator.threads
        try Compute.prepare(threads: threads, logger: logger)
        let federation = job.topology.federation
        let network = LoopbackNetwork(logger: logger, faults: faults)
        let listener = try network.listen(as: PeerIdentity(federation: federation, role: .coordinator))
        let coordinator = try await Coordinator.make(
            job,
            state: layout.coordinatorState,
            status: layout.statusFile,
            adapter: layout.coordinatorState + "/adapter",
            listener: listener,
            isRevoked: { _ in false },
            // In one process nobody is lost, and how long loading takes must not decide who takes part.
            quorum: job.topology.clients.count,
            lingers: true,
            clientsHere: job.topology.clients.map(\.name),
            dataFiles: dataFiles,
            logger: logger
        )
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                _ = try await coordinator.run()
                return true
            }
            for client in job.topology.clients {
                let dialer = LoopbackDialer(
                    network: network,
                    port: listener.port,
                    identity: PeerIdentity(federation: federation, role: .client(client.name))
                )
                var logger = logger
                logger[metadataKey: "client"] = "\(client.name)"
                let node = try await Client.make(
                    job,
                    name: client.name,
                    state: layout.state(ofClient: client.name),
                    dataFile: dataFiles[client.name],
                    dialer: dialer,
                    logger: logger
                )
                group.addTask {
                    _ = try await node.run()
                    return false
                }
            }
            // The first failure ends the others, which would wait for the failed one for ever.
            var waiting = job.topology.clients.count
            for try await isCoordinator in group where !isCoordinator {
                waiting -= 1
                // All know the end, so a coordinator that stays for those who do not has nobody to wait for.
                if waiting == 0 { coordinator.post(.drainRequested(reconnectAfterMs: 0)) }
            }
        }
    }
}
