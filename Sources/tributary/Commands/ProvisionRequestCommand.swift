internal import ArgumentParser
internal import TributaryKit
internal import Topology
internal import Transport

struct ProvisionRequestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request",
        abstract: "Makes a key at the site that uses it, and a request to be signed.",
        discussion: """
            The key stays in its folder, readable by its owner alone; send NAME.csr to
            whoever keeps the federation's authority. Asked again, it makes a new request
            for the same key, to renew a certificate.

            EXAMPLES
              tributary provision request --name ward-5 --federation three-hosts \\
                --out /etc/tributary/ward-5
              tributary provision request --name coordinator \\
                --topology topologies/three-hosts.yaml --out /etc/tributary/coordinator
              tributary provision request --name operator/kim \\
                --federation three-hosts --out ~/.tributary/kim
            """
    )

    @OptionGroup var which: FederationOptions

    @Option(
        help: ArgumentHelp(
            "Whose identity: a client's name, 'coordinator' or 'operator/NAME'.",
            valueName: "name"
        )
    )
    var name: String

    @Option(help: ArgumentHelp("The folder of the identity; made if absent.", valueName: "directory"))
    var out: String

    @Option(
        help: ArgumentHelp(
            "What clients call the coordinator: a name or address; besides the topology's. May be given again.",
            valueName: "host"
        )
    )
    var host: [String] = []

    func run() async throws {
        try await Failure.reporting("tributary provision request") {
            try OutputPath.requireFolder(out)
            let role = try ProvisionCommand.role(name)
            let (topology, federation) = try which.load()
            let hosts = (role == .coordinator ? topology?.coordinator.certificateNames ?? [] : []) + host
            switch role {
            case .coordinator:
                guard !hosts.isEmpty else {
                    throw ValidationError(
                        "Give --topology, or --host with what clients call the coordinator."
                    )
                }
            case .client(let client):
                if let topology, topology.client(named: client) == nil {
                    let known = topology.clients.map(\.name).joined(separator: ", ")
                    throw ValidationError("The topology has no client '\(client)'; it has \(known).")
                }
                fallthrough
            case .operator:
                guard host.isEmpty else { throw ValidationError("--host is for the coordinator alone.") }
            }
            let made = try Provisioner.request(
                federation: federation,
                role: role,
                coordinatorNames: hosts,
                directory: out
            )
            print("key      \(out)/identity.key, which stays here")
            print("request  \(made.path)")
            ProvisionCommand.show(fingerprint: made.key, of: "the key")
            print("Send the request to whoever keeps the authority, and compare fingerprints by telephone.")
            print("What comes back is for: tributary provision install \(role.fileName).pem --out \(out)")
        }
    }
}
