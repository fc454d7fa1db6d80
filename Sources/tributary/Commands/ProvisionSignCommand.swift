internal import ArgumentParser
internal import TributaryKit
internal import Foundation
internal import Topology
internal import Transport

struct ProvisionSignCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Signs requests that sites have sent, at the authority.",
        discussion: """
            Compare the fingerprint with the site's before you hand the answer back.
            Names that the topology does not list, and operators, who may stop a run,
            need --unlisted. A request for a key that is certified already renews it; one
            for a new key is refused until the old identity is revoked.

            EXAMPLES
              tributary provision sign ward-5.csr --ca federation \\
                --topology topologies/three-hosts.yaml
              tributary provision sign operator-kim.csr --ca federation \\
                --topology topologies/three-hosts.yaml --unlisted
            """
    )

    @Argument(help: ArgumentHelp("The requests, NAME.csr.", valueName: "request"))
    var requests: [String]

    @Option(
        help: ArgumentHelp(
            "The folder that `tributary provision authority` has made.",
            valueName: "directory"
        )
    )
    var ca: String

    @Option(help: ArgumentHelp("The topology file, which says who takes part.", valueName: "file"))
    var topology: String

    @Flag(help: "Sign also what the topology does not list: other clients and hosts, operators.")
    var unlisted = false

    func run() async throws {
        try await Failure.reporting("tributary provision sign") {
            let topology = try Topology.load(topology)
            let provisioner = Provisioner(directory: ca)
            let now = Date()
            let wanted = try requests.map { path in
                let request = try Provisioner.read(request: path)
                if !unlisted { try require(request, topology) }
                return request
            }
            for request in wanted {
                let role = request.peer.role
                let entry = try provisioner.sign(request: request.path, expecting: role, now: now)
                let day = entry.notAfter.formatted(.iso8601.year().month().day())
                print("\(entry.outcome.rawValue)  \(entry.name)  until \(day)")
                ProvisionCommand.show(fingerprint: entry.key, of: "its key")
                print("Hand back: \(provisioner.reply(to: role))")
            }
            ProvisionCommand.show(
                fingerprint: try provisioner.authorityFingerprint(now: now),
                of: "the authority's key"
            )
        }
    }

    /// Throws unless the topology lists who and what is asked for.
    private func require(_ request: Provisioner.Request, _ topology: Topology) throws {
        let problem: String? =
            switch request.peer.role {
            case .coordinator:
                request.hosts(besides: topology.coordinator.certificateNames).first.map {
                    "the host '\($0)', which is not in the topology's coordinator.host and coordinator.names"
                }
            case .client(let name):
                topology.client(named: name) == nil
                    ? "the client '\(name)', which the topology does not list; it lists "
                        + topology.clients.map(\.name).joined(separator: ", ") : nil
            case .operator(let name): "the operator '\(name)', who may stop the run"
            }
        guard let problem else { return }
        throw IdentityError(
            .badRequest,
            path: request.path,
            "\(request.path) asks for \(problem)",
            fix: "Correct the topology or the request, or give --unlisted to sign it all the same."
        )
    }
}
