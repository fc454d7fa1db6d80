internal import ArgumentParser
public import Contract
internal import Logging
internal import Nodes
internal import Trainers

/// The program `coordinator`, with trainers of one's own beside those that ship.
///
///     await CoordinatorMain.run(adding: Registry(trainers: [TrainerEntry(MyTrainer.self, judge: MyJudge.self)]))
public enum CoordinatorMain {
    /// Parses the arguments of this process, runs, and exits with a code of sysexits.h if that fails.
    ///
    /// - Parameter own: Trainers, monitors and guards besides those that ship; of two with one name these count.
    public static func run(adding own: Registry = Registry()) async {
        await Program.run(CoordinatorCommand.self) { try await $0.run(Registry.shipped.adding(own)) }
    }
}

struct CoordinatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator",
        abstract:
            "Coordinates a federation: owns the public data, pools responses, merges the clients' adapters.",
        discussion: """
            It waits for the clients that the topology names, runs the rounds and ends
            when all of them have the final adapter. Whatever it has acknowledged is
            durable in its state directory: killed at any instant and started again with
            the same arguments, it goes on where it was.

            SIGTERM drains: clients are told to come back later.
            SIGHUP rereads the certificate, the revocation list and the topology:
            clients that are new in it take part from the next round on, and nothing else
            may have changed.

            EXAMPLES
              tributary provision topologies/demo.yaml --out identities
              coordinator --topology topologies/demo.yaml \\
                --identity identities/coordinator --state state/coordinator
              coordinator … --log-format json --log-level debug 2> coordinator.log

            EXIT CODES (sysexits.h)
              0 done or drained · 64 usage · 65 bad data · 66 missing input
              69 port in use or peer unavailable · 70 the run cannot go on
              74 input/output error, such as a full disk · 75 state directory in use
              78 bad configuration
            """,
        version: ProgramVersion.text(of: "coordinator")
    )

    @Option(help: ArgumentHelp("The topology file.", valueName: "file"))
    var topology: String

    @Option(
        help: ArgumentHelp(
            "The coordinator's identity, made by `tributary provision`.",
            valueName: "directory"
        )
    )
    var identity: String

    @Option(help: ArgumentHelp("Where the ledger is kept; made if absent.", valueName: "directory"))
    var state: String

    /// Started by `tributary up`, which holds standard input, and ends what has nobody left to tell of the end.
    @Flag(help: .hidden)
    var child = false

    @OptionGroup var log: LogOptions

    func run(_ registry: Registry) async throws {
        try await Failure.reporting("coordinator", log: log) {
            let logger = log.logger(label: "coordinator")
            let process = try CoordinatorProcess(
                topologyFile: topology,
                identity: identity,
                state: state,
                lingers: child,
                registry: registry,
                logger: logger
            )
            let signals = Signals(drain: { process.drain() }, reload: { process.reload() })
            let parent = child ? ParentWatch { process.drain() } : nil
            defer { withExtendedLifetime((signals, parent)) {} }
            if try await process.run() { RunEnd.tell(state, registry, logger) }
        }
    }
}
