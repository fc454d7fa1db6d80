internal import ArgumentParser
internal import Foundation
internal import Glibc
internal import Ledger
internal import Nodes
internal import TributaryKit

struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stops a coordinator, a client or a run on this host in order; what was accepted stays.",
        discussion: """
            The process drains as at SIGTERM: what was accepted is durable, a coordinator
            tells its clients to come back later, a client ends its step. Started again,
            it goes on.

            EXAMPLES
              tributary stop run/demo
              tributary stop /var/lib/tributary/ward-5
              tributary stop --coordinator coordinator.example:7433 \\
                --identity ~/.tributary/kim

            EXIT CODES (sysexits.h)
              0 stopped, or not running · 64 usage · 65 the lock names another process
              66 no state there · 69 coordinator not to be reached
              75 still draining after --wait · 77 not permitted · 78 bad identity
            """
    )

    @OptionGroup var source: StatusSource

    @Option(help: ArgumentHelp("How long to wait for the end, in seconds.", valueName: "seconds"))
    var wait = 60

    func validate() throws {
        guard (0...86_400).contains(wait) else {
            throw ValidationError("wait: found \(wait), expected 0 to 86400.")
        }
    }

    func run() async throws {
        try await Failure.reporting("tributary stop") {
            if source.coordinator != nil { return try await fromAfar() }
            switch try source.place() {
            case .state(let folder): try await stop([folder])
            case .run(let layout, let clients):
                // `up` ends its processes itself, and would start again what is ended behind its back.
                if LockHolder.isLocked(layout.root) { return try await stop([layout.root]) }
                try await stop(clients.map(layout.state(ofClient:)) + [layout.coordinatorState])
            }
        }
    }

    private func fromAfar() async throws {
        let link = try await source.connect()
        do {
            let status = try await link.ask(stop: true)
            await link.close()
            print(
                "asked; the coordinator drains in round \(min(status.round + 1, status.rounds)) of \(status.rounds)"
            )
        } catch {
            await link.close()
            throw error
        }
    }

    private func stop(_ folders: [String]) async throws {
        var asked: [String] = []
        for folder in folders {
            guard let holder = LockHolder(of: folder) else {
                print("\(folder): not running")
                continue
            }
            let process = "process \(holder.process), which '\(folder)/lock' names,"
            switch holder.terminate() {
            case .asked:
                print("\(folder): process \(holder.process) drains")
                asked.append(folder)
            case .notPermitted:
                throw NodeError(.refused, "\(process) is another user's: stop it as that user, or with sudo")
            case .another:
                throw NodeError(.data, "\(process) is not the one that has it open, and is left alone")
            case .unseen:
                throw NodeError(
                    .unavailable,
                    "\(process) runs in another container or on another host: stop it there"
                )
            }
        }
        let end = ContinuousClock.now + .seconds(wait)
        while let folder = asked.first(where: { LockHolder.isLocked($0) }) {
            guard ContinuousClock.now < end else {
                LogWriter.standardError.write("tributary stop: \(folder) still drains after \(wait) s")
                throw ExitCode(EX_TEMPFAIL)
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        for folder in asked { print("\(folder): stopped") }
    }
}
