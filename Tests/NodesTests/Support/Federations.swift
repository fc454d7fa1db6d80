import Testing
import Digest
import Foundation
import Ledger
import Logging
import Synchronization
import Topology
import Transport

@testable import Nodes

/// A log for tests: quiet unless `TRIBUTARY_TEST_LOG` is set.
let quiet: Logger =
    ProcessInfo.processInfo.environment["TRIBUTARY_TEST_LOG"] == nil
    ? Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    : StructuredLog.logger(label: "test", format: .text, level: .debug)

/// What a finished run left behind.
struct RunResult: Equatable {
    var adapter: SHA256Digest
    var values: [Double]

    init(coordinatorState: String, rounds: Int) throws {
        let ledger = try Ledger.inspect(coordinatorState)
        adapter = try #require(try ledger.adapter(version: rounds)).digest
        values = RunStatus.read(from: coordinatorState + "/status.json")?.values ?? []
    }
}

/// Runs a federation in memory.
func runInMemory(
    _ recipe: Recipe,
    in scratch: Scratch,
    logger: Logger = quiet,
    faults: (@Sendable (LoopbackNetwork.FaultPoint) -> LoopbackNetwork.Fault)? = nil
) async throws -> RunResult {
    let layout = RunLayout(root: scratch.path)
    try await SimulatedFederation(recipe.job(), layout: layout, logger: logger, faults: faults).run()
    return try RunResult(coordinatorState: layout.coordinatorState, rounds: recipe.rounds)
}

/// Identities of a federation's members, in a folder of their own.
struct Identities {
    let directory: String

    init(_ recipe: Recipe, in scratch: Scratch) throws {
        directory = scratch.path + "/identities"
        _ = try Provisioner(directory: directory).provision(
            federation: "test",
            coordinatorNames: [recipe.host],
            clients: recipe.clients,
            now: Date()
        )
    }

    func context(_ role: PeerIdentity.Role) throws -> TLSContext {
        try TLSContext(directory: Provisioner(directory: directory).directory(of: role), now: Date())
    }
}

/// Runs a federation over TLS on the loopback interface, all nodes in this process.
func runOverTLS(_ recipe: Recipe, in scratch: Scratch, logger: Logger = quiet) async throws -> RunResult {
    let layout = RunLayout(root: scratch.path)
    let identities = try Identities(recipe, in: scratch)
    let job = try recipe.job()
    let transport = TCPTransport(logger: logger)
    let listener = try await transport.listen(
        host: recipe.host,
        port: 0,
        context: identities.context(.coordinator)
    )
    let coordinator = try await Coordinator.make(
        job,
        state: layout.coordinatorState,
        status: layout.statusFile,
        adapter: layout.coordinatorState + "/adapter",
        listener: listener,
        isRevoked: { _ in false },
        logger: logger
    )
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { _ = try await coordinator.run() }
        for name in recipe.clients {
            let dialer = TCPDialer(
                transport: transport,
                host: recipe.host,
                port: listener.port,
                context: try identities.context(.client(name))
            )
            let client = try await Client.make(
                job,
                name: name,
                state: layout.state(ofClient: name),
                dataFile: nil,
                dialer: dialer,
                logger: logger
            )
            group.addTask { _ = try await client.run() }
        }
        for try await _ in group {}
    }
    await transport.shutdown()
    return try RunResult(coordinatorState: layout.coordinatorState, rounds: recipe.rounds)
}
