internal import ArgumentParser
internal import FoundationEssentials
internal import TributaryKit
internal import Contract
internal import Nodes
internal import Topology
internal import Trainers

struct ValidateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Checks a topology file, and the model, data and identity that a host has for it.",
        discussion: """
            With --as, everything that the host needs must be there and right: its model, its data, its identity if one is \
            given; nothing of other hosts is looked at. Without it, every role is checked as far as its files are here, and \
            completely where clients dial this machine. \
            Shows the topology with every default filled in, then what was found.

            EXAMPLES
              tributary validate topologies/demo.yaml
              tributary validate three-hosts.yaml --as coordinator --identity /etc/tributary/coordinator
              tributary validate three-hosts.yaml --as north --data /srv/tributary/data/private.jsonl
            """
    )

    @Argument(help: "The topology file.")
    var topology: String

    @Option(name: .customLong("as"), help: "Which host this is: a client's name, or coordinator.")
    var host: String?

    @Option(help: "The identity folder of that host.")
    var identity: String?

    @Option(
        help: "A file with the client's data, in place of what the topology says, as for `client --data`."
    )
    var data: String?

    @Flag(help: "Say nothing if all is well.")
    var quiet = false

    func validate() throws {
        if identity != nil, host == nil {
            throw ValidationError("--identity needs --as: a client's name, or coordinator")
        }
        if data != nil, host == nil || host == Job.coordinatorName {
            throw ValidationError("--data needs --as with a client's name")
        }
    }

    func run() async throws {
        try await Failure.reporting("tributary validate") {
            let job = try Job.load(topology, .shipped)
            let examination = try job.examine(as: host, dataFile: data)
            var lines = examination.found
            if let identity, let host {
                lines.append(try job.examineIdentity(identity, as: host, now: Date()))
            }
            guard !quiet else { return }
            print(try job.completeYAML())
            for line in lines { print("# \(line)") }
            // The digests of what another host must have as well.
            if host != nil || examination.unchecked.isEmpty {
                for part in try job.fingerprint() where part.value.utf8.count == 64 {
                    print("# \(part.name): \(part.value)")
                }
            }
            for line in examination.unchecked { print("# not checked: \(line)") }
        }
    }
}
