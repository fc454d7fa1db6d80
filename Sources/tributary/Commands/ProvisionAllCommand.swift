internal import ArgumentParser
internal import TributaryKit
internal import Foundation
internal import Topology
internal import Transport

struct ProvisionAllCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "all",
        abstract: "Makes authority, coordinator and clients in one folder, keys included.",
        discussion: """
            What is there already is kept: running it again changes nothing, and a
            certificate authority is never overwritten. Keys are readable by their owner
            alone. Hand each client its own folder and nothing else.

            EXAMPLES
              tributary provision topologies/demo.yaml --out identities
              tributary provision all topologies/demo.yaml --out identities
              tributary provision topologies/demo.yaml --out identities --add ward-5
              tributary provision topologies/demo.yaml --out identities \\
                --add operator/kim
              tributary provision topologies/demo.yaml --out identities \\
                --renew coordinator
              tributary provision topologies/demo.yaml --out identities --revoke ward-3

            After --revoke, copy identities/coordinator/crl.pem to the coordinator's
            identity folder, if that is elsewhere: it notices within half a minute, or at
            once when sent a SIGHUP.
            """
    )

    @Argument(help: "The topology file.")
    var topology: String

    @Option(help: ArgumentHelp("Where the identities go.", valueName: "directory"))
    var out: String

    @Option(
        help: ArgumentHelp(
            "Add one client, or 'operator/NAME', without touching anybody else's files.",
            valueName: "name"
        )
    )
    var add: String?

    @Option(
        help: ArgumentHelp(
            "A new certificate for a client, 'coordinator' or 'operator/NAME'; the key stays.",
            valueName: "name"
        )
    )
    var renew: String?

    @Option(
        help: ArgumentHelp(
            "Shut out a client or operator: its certificates go on the revocation list.",
            valueName: "name"
        )
    )
    var revoke: String?

    func validate() throws {
        guard [add, renew, revoke].compactMap({ $0 }).count <= 1 else {
            throw ValidationError("Give one of --add, --renew and --revoke.")
        }
    }

    func run() async throws {
        try await Failure.reporting("tributary provision") {
            try OutputPath.requireFolder(out)
            let topology = try Topology.load(topology)
            let provisioner = Provisioner(directory: out)
            let now = Date()
            if let add {
                show([try provisioner.add(role(add), now: now)])
            } else if let renew {
                show([try provisioner.renew(role(renew), now: now)])
            } else if let revoke {
                let serials = try provisioner.revoke(role(revoke), now: now)
                print("revoked \(revoke): \(serials.count) certificate\(serials.count == 1 ? "" : "s")")
            } else {
                let summary = try provisioner.provision(
                    federation: topology.federation,
                    coordinatorNames: topology.coordinator.certificateNames,
                    clients: topology.clients.map(\.name),
                    now: now
                )
                show(summary.entries)
            }
        }
    }

    private func role(_ name: String) throws -> PeerIdentity.Role { try ProvisionCommand.role(name) }

    private func show(_ entries: [ProvisioningSummary.Entry]) {
        for entry in entries {
            let day = entry.notAfter.formatted(.iso8601.year().month().day())
            print("\(entry.outcome.rawValue)  \(entry.name)  until \(day)  \(entry.directory)")
        }
    }
}
