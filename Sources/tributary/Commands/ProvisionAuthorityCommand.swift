internal import ArgumentParser
internal import TributaryKit
internal import Foundation
internal import Topology
internal import Transport

struct ProvisionAuthorityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "authority",
        abstract: "Makes a federation's certificate authority, and nobody's identity.",
        discussion: """
            For whoever signs. `ca/ca.key` stays where it is made, best offline; one that
            is there is kept.

            EXAMPLES
              tributary provision authority --topology topologies/three-hosts.yaml \\
                --out federation
            """
    )

    @OptionGroup var which: FederationOptions

    @Option(help: ArgumentHelp("Where authority and certificates are kept.", valueName: "directory"))
    var out: String

    func run() async throws {
        try await Failure.reporting("tributary provision authority") {
            try OutputPath.requireFolder(out)
            let made = try Provisioner(directory: out)
                .makeAuthority(federation: which.load().federation, now: Date())
            let day = made.notAfter.formatted(.iso8601.year().month().day())
            print("\(made.outcome.rawValue)  \(made.name)  until \(day)  \(made.directory)")
            ProvisionCommand.show(fingerprint: made.key, of: "the authority's key")
        }
    }
}
