internal import ArgumentParser
internal import FoundationEssentials
public import Contract
internal import Logging
internal import Nodes
internal import Trainers

/// The program `client`, with trainers of one's own beside those that ship.
///
///     await ClientMain.run(adding: Registry(trainers: [TrainerEntry(MyTrainer.self, judge: MyJudge.self)]))
public enum ClientMain {
    /// Parses the arguments of this process, runs, and exits with a code of sysexits.h if that fails.
    ///
    /// - Parameter own: Trainers besides those that ship; of two with one name these count.
    public static func run(adding own: Registry = Registry()) async {
        await Program.run(ClientCommand.self) { try await $0.run(Registry.shipped.adding(own)) }
    }
}

struct ClientCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client",
        abstract: "Takes part in a federation: trains on private data, which never leaves this machine.",
        discussion: """
            It calls the coordinator until that answers, trains, and ends when the
            federation is finished. Its trainer's state is durable after every exchange:
            killed at any instant and started again with the same arguments, it goes on
            to the same adapter.

            SIGTERM finishes the step in hand and leaves.
            SIGHUP rereads the certificate and the revocation list.

            HTTPS_PROXY (http://[user:password@]host:port) and NO_PROXY count, in upper
            or lower case: the proxy has to allow CONNECT to the coordinator's port.

            EXAMPLES
              client --name inc --topology topologies/demo.yaml \\
                --identity identities/clients/inc --state state/inc
              client --name ward-3 … --data private.jsonl

            EXIT CODES (sysexits.h)
              0 done or drained · 64 usage · 65 bad data · 66 missing input
              69 coordinator unavailable · 70 the run cannot go on
              74 input/output error, such as a full disk · 75 state directory in use
              77 refused by the coordinator · 78 bad configuration
            """,
        version: ProgramVersion.text(of: "client")
    )

    @Option(help: ArgumentHelp("Which client of the topology this is.", valueName: "name"))
    var name: String

    @Option(help: ArgumentHelp("The topology file, the same as the coordinator's.", valueName: "file"))
    var topology: String

    @Option(
        help: ArgumentHelp("This client's identity, made by `tributary provision`.", valueName: "directory")
    )
    var identity: String

    @Option(help: ArgumentHelp("Where the trainer's state is kept; made if absent.", valueName: "directory"))
    var state: String

    @Option(
        help: ArgumentHelp(
            "Private data instead of what the topology says; stands for `data: {path: FILE}`.",
            valueName: "file"
        )
    )
    var data: String?

    /// Started by `tributary up`, which holds standard input.
    @Flag(help: .hidden)
    var child = false

    @OptionGroup var log: LogOptions

    func run(_ registry: Registry) async throws {
        try await Failure.reporting("client", log: log) {
            let logger = log.logger(label: "client")
            let process = try ClientProcess(
                topologyFile: topology,
                name: name,
                identity: identity,
                state: state,
                dataFile: data,
                environment: ProcessInfo.processInfo.environment,
                registry: registry,
                logger: logger
            )
            let signals = Signals(drain: { process.drain() }, reload: { process.reloadIdentity() })
            let parent = child ? ParentWatch { process.drain() } : nil
            defer { withExtendedLifetime((signals, parent)) {} }
            if try await process.run() { RunEnd.tell(state, registry, logger) }
        }
    }
}
