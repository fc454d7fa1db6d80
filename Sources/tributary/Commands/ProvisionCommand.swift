internal import ArgumentParser
internal import Topology
internal import Transport
internal import Wire

struct ProvisionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "provision",
        abstract: "Makes the identities of a federation: certificate authority, coordinator, clients.",
        discussion: """
            Each site makes its own key and sends a request; whoever keeps the authority
            signs it and sends one file back; the key never leaves the site. Both sides
            print fingerprints: compare them by telephone.

            On one machine, for a demo, `tributary provision TOPOLOGY --out DIR` makes
            everything at once, keys included.

            EXAMPLES
              tributary provision authority --topology topologies/three-hosts.yaml \\
                --out federation
              tributary provision request --name ward-5 --federation three-hosts \\
                --out /etc/tributary/ward-5
              tributary provision sign ward-5.csr --ca federation \\
                --topology topologies/three-hosts.yaml
              tributary provision install ward-5.pem --out /etc/tributary/ward-5
              tributary provision topologies/demo.yaml --out identities
            """,
        subcommands: [
            ProvisionAllCommand.self, ProvisionAuthorityCommand.self, ProvisionRequestCommand.self,
            ProvisionSignCommand.self, ProvisionInstallCommand.self,
        ],
        defaultSubcommand: ProvisionAllCommand.self
    )

    /// Whom a name stands for: `coordinator`, a client, or `operator/NAME`.
    static func role(_ name: String) throws -> PeerIdentity.Role {
        guard let role = PeerIdentity.Role(name: name) else {
            throw ValidationError(
                "'\(name)' is no name: expected 'coordinator', a client's name or 'operator/NAME', of \(NodeName.rule)."
            )
        }
        return role
    }

    /// Fingerprints as both sides of a telephone call see them, in lines of at most 80 columns.
    static func show(fingerprint: String, of what: String) {
        let groups = fingerprintText(fingerprint).split(separator: " ")
        print("fingerprint of \(what):")
        print("    \(groups.prefix(8).joined(separator: " "))")
        if groups.count > 8 { print("    \(groups.dropFirst(8).joined(separator: " "))") }
    }
}

/// Which federation: by its topology file, or by its name where a site has no such file yet.
struct FederationOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The topology file.", valueName: "file"))
    var topology: String?

    @Option(
        help: ArgumentHelp("The federation's name, where there is no topology file yet.", valueName: "name")
    )
    var federation: String?

    func validate() throws {
        guard (topology == nil) != (federation == nil) else {
            throw ValidationError("Give one of --topology and --federation.")
        }
    }

    /// The topology where there is one, and the federation's name.
    func load() throws -> (topology: Topology?, federation: String) {
        guard let topology else { return (nil, federation ?? "") }
        let loaded = try Topology.load(topology)
        return (loaded, loaded.federation)
    }
}
