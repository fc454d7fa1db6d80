internal import ArgumentParser
internal import TributaryKit
internal import Foundation
internal import Nodes
internal import Topology

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract:
            "Runs a federation as processes on this machine: one coordinator and all clients, over mutual TLS.",
        discussion: """
            Identities are made where they are missing. A folder that holds a run
            already goes on where that run was. Ctrl-C lets every process finish the
            step in hand; the same command then resumes the run.

            EXAMPLE
              tributary up topologies/demo.yaml --out run/demo
            """
    )

    @Argument(help: "The topology file.")
    var topology: String

    @Option(help: ArgumentHelp("Where the run goes: identities, state, logs.", valueName: "directory"))
    var out: String

    @Option(help: ArgumentHelp("A file as the first client's private data.", valueName: "file"))
    var data: String?

    func run() async throws {
        try await Failure.reporting("tributary up") {
            let layout = try RunLayout.named(out)
            let topology = try LocalRun.prepare(topologyFile: topology, layout: layout)
            var display = ProgressDisplay()
            let stopping = StopRequest()
            let signals = Signals(drain: { stopping.request() })
            defer { withExtendedLifetime(signals) {} }
            var arguments: [String: [String]] = [:]
            if let data, let first = topology.clients.first { arguments[first.name] = ["--data", data] }
            let federation = try LocalFederation(
                topology,
                topologyFile: layout.topologyFile,
                layout: layout,
                clientArguments: arguments
            )
            try federation.run(display: &display, isStopping: { stopping.isRequested })
        }
    }
}
