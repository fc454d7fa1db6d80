internal import Foundation
internal import Nodes
internal import Synchronization
internal import Topology

/// All processes of one federation on this machine, from start to end.
struct LocalFederation {
    /// The folder that holds `coordinator` and `client` beside this program.
    static func binaryFolder() throws -> String {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folder = URL(fileURLWithPath: own).deletingLastPathComponent().path
        for name in ["coordinator", "client"] {
            guard FileManager.default.isExecutableFile(atPath: folder + "/" + name) else {
                throw UpError("there is no \(name) beside this program, in \(folder)")
            }
        }
        return folder
    }

    private let coordinator: ChildProcess
    private let clients: [ChildProcess]
    private let statusFile: String

    /// Prepares the processes; nothing runs yet.
    ///
    /// - Parameters:
    ///   - topology: What to run.
    ///   - topologyFile: The file the processes read it from.
    ///   - layout: Where things go.
    ///   - clientArguments: Further arguments for each client's process.
    init(
        _ topology: Topology,
        topologyFile: String,
        layout: RunLayout,
        clientArguments: [String: [String]]
    ) throws {
        let folder = try LocalFederation.binaryFolder()
        statusFile = layout.statusFile
        coordinator = ChildProcess(
            name: "coordinator",
            executable: folder + "/coordinator",
            arguments: [
                "--topology", topologyFile, "--identity", layout.coordinatorIdentity,
                "--state", layout.coordinatorState,
            ],
            threads: topology.coordinator.threads,
            logFile: layout.log(of: "coordinator")
        )
        clients = topology.clients.map { client in
            ChildProcess(
                name: client.name,
                executable: folder + "/client",
                arguments: [
                    "--topology", topologyFile, "--name", client.name,
                    "--identity", layout.identity(ofClient: client.name),
                    "--state", layout.state(ofClient: client.name),
                ] + (clientArguments[client.name] ?? []),
                threads: client.threads,
                logFile: layout.log(of: client.name)
            )
        }
    }

    /// Runs until all have ended; `isStopping` is asked twice a second whether to drain.
    ///
    /// - Throws: `UpError` naming the first process that failed, with the end of its log.
    func run(display: inout ProgressDisplay, isStopping: () -> Bool) throws {
        try coordinator.start()
        for client in clients { try client.start() }
        var draining = false
        while coordinator.isRunning || clients.contains(where: \.isRunning) {
            Thread.sleep(forTimeInterval: 0.25)
            if let status = RunStatus.read(from: statusFile) { display.show(status) }
            if let failed = firstFailure() {
                stopAll()
                throw UpError(
                    "\(failed.name) ended with exit code \(failed.exitCode ?? -1); the end of \(failed.logFile):\n"
                        + failed.lastLines(8),
                    exitCode: failed.exitCode
                )
            }
            if isStopping() && !draining {
                draining = true
                display.say("Stopping: each process finishes the step in hand and saves its state …")
                coordinator.terminate()
                clients.forEach { $0.terminate() }
            }
        }
        if let status = RunStatus.read(from: statusFile) { display.show(status) }
    }

    private func firstFailure() -> ChildProcess? {
        ([coordinator] + clients).first { ($0.exitCode ?? 0) != 0 }
    }

    private func stopAll() {
        let all = [coordinator] + clients
        all.forEach { $0.terminate() }
        for _ in 0..<40 where all.contains(where: \.isRunning) { Thread.sleep(forTimeInterval: 0.25) }
        all.forEach { $0.kill() }
    }
}

/// Set by a signal, polled by whoever can stop.
final class StopRequest: Sendable {
    private let flag = Atomic(false)

    /// Whether somebody wants an end.
    var isRequested: Bool { flag.load(ordering: .acquiring) }

    /// Asks for an end.
    func request() { flag.store(true, ordering: .releasing) }
}
