internal import ArgumentParser
internal import TributaryKit
internal import Nodes
internal import Topology
internal import Trainers

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
            let job = try Job.load(topology, .shipped)
            let found = try job.examineData()
            guard !quiet else { return }
            print(job.topology.resolvedYAML)
            print(
                "# the trainer's settings with their defaults: \(String(decoding: job.settings, as: UTF8.self))"
            )
            print(
                "# digest of what the coordinator's directory belongs to, besides the trainer's part: \(job.topology.digest)"
            )
            for line in found { print("# \(line)") }
        }
    }
}
