internal import ArgumentParser
internal import CommandSupport
internal import Nodes
internal import Topology

struct ValidateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract:
            "Checks a topology file, its trainer's settings and its data, and shows every default filled in.",
        discussion: """
            EXAMPLE
              tributary validate topologies/demo.yaml
            """
    )

    @Argument(help: "The topology file.")
    var topology: String

    @Flag(help: "Say nothing if all is well.")
    var quiet = false

    func run() async throws {
        try await Failure.reporting("tributary validate") {
            let topology = try Topology.load(topology)
            let job = try Job(topology)
            let counts = try job.questionCounts()
            guard !quiet else { return }
            print(topology.resolvedYAML)
            print("# digest of what all members agree on: \(topology.digest)")
            for (role, count) in counts { print("# \(role): \(count) questions") }
        }
    }
}
