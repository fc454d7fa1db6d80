internal import ArgumentParser
internal import TributaryKit
internal import Foundation
internal import Glibc
internal import Nodes
internal import Topology
internal import Trainers

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract:
            "Runs a federation as processes on this machine: one coordinator and all clients, over mutual TLS.",
        discussion: """
            Identities are made where they are missing. A folder that holds a run
            already goes on where that run was, for more rounds too if rounds.count has
            been raised since. Ctrl-C lets every process finish the step in hand, a
            second one ends them at once; the same command then resumes the run. When
            this program ends, its processes do, however it ends.

            A client that fails is started again, three times; then the others go on
            without it as long as there is a quorum.

            EXAMPLE
              tributary up topologies/demo.yaml --out run/demo

            EXIT CODES
              0 all have finished · 128 + N stopped by signal N (130 for Ctrl-C)
              75 the folder is in use · else that of the process that failed, also if the
              others finished without it
            """
    )

    @Argument(help: "The topology file.")
    var topology: String

    @Option(help: ArgumentHelp("Where the run goes: identities, state, logs.", valueName: "directory"))
    var out: String

    @Option(
        help: ArgumentHelp(
            "A file as the first client's private data; the same one when the run goes on.",
            valueName: "file"
        )
    )
    var data: String?

    func run() async throws {
        try await Failure.reporting("tributary up") {
            try OutputPath.requireFolder(out)
            let layout = try RunLayout.named(out)
            let run = try LocalRun.prepare(topologyFile: topology, dataFile: data, layout: layout)
            let topology = run.topology
            var display = ProgressDisplay()
            var arguments: [String: [String]] = [:]
            if let data, let first = topology.clients.first { arguments[first.name] = ["--data", data] }
            var federation = try LocalFederation(
                topology,
                topologyFile: layout.topologyFile,
                layout: layout,
                clientArguments: arguments
            )
            let signals = Signals(LocalFederation.signals, federation.signalled)
            defer { withExtendedLifetime((signals, run)) {} }
            // What was printed until now stands before the display, in a pipe too.
            fflush(nil)
            try await federation.run(display: &display)
            let report = try RunReport(reading: layout.root, .shipped) { print($0 + "\n") }
            try report.write()
            report.closing.forEach { print($0) }
        }
    }
}
