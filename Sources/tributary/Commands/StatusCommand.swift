internal import ArgumentParser
internal import Foundation
internal import Ledger
internal import Nodes
internal import TributaryKit

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Says how a federation goes: round, step, who is waited for, traffic, certificates.",
        discussion: """
            From a state directory on this host, or from a coordinator anywhere for who
            has the identity of an operator.

            EXAMPLES
              tributary status run/demo
              tributary status /var/lib/tributary/ward-5 --follow
              tributary status --coordinator coordinator.example:7433 \\
                --identity ~/.tributary/kim
              tributary status /var/lib/tributary/coordinator --format json

            EXIT CODES (sysexits.h)
              0 said · 64 usage · 65 unreadable · 66 no state there
              69 coordinator not to be reached · 77 refused by it · 78 bad identity
            """
    )

    /// How a status is written.
    enum Format: String, ExpressibleByArgument { case text, json }

    @OptionGroup var source: StatusSource

    @Flag(help: "Say it again when it changes, until the run is finished or its process has ended.")
    var follow = false

    @Option(help: ArgumentHelp("text, for people, or json, one object a line.", valueName: "format"))
    var format: Format = .text

    func run() async throws {
        try await Failure.reporting("tributary status") {
            if source.coordinator != nil { return try await fromAfar() }
            var last = ""
            while true {
                let reading = try read()
                if !follow || reading.key != last { try show(reading) }
                last = reading.key
                guard follow, reading.isRunning, !reading.isFinished else { return }
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    private func fromAfar() async throws {
        let link = try await source.connect()
        do {
            var last = ""
            while true {
                let reading = StatusReading(coordinator: try await link.ask(stop: false), process: nil)
                if !follow || reading.key != last { try show(reading) }
                last = reading.key
                guard follow, !reading.isFinished else { break }
                try await Task.sleep(for: .seconds(1))
            }
        } catch {
            await link.close()
            throw error
        }
        await link.close()
    }

    private func read() throws -> StatusReading {
        switch try source.place() {
        case .state(let folder): try StatusReading(state: folder)
        case .run(let layout, let clients):
            try StatusReading(state: layout.coordinatorState).adding(
                processes: clients.map { ($0, LockHolder(of: layout.state(ofClient: $0))?.process) }
            )
        }
    }

    private func show(_ reading: StatusReading) throws {
        let text: String =
            switch format {
            case .text: reading.lines(now: Date()).joined(separator: "\n") + (follow ? "\n\n" : "\n")
            case .json: try reading.json() + "\n"
            }
        // At once, also into a pipe.
        try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    }
}
