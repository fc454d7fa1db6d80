package import FoundationEssentials
internal import Wire

/// Who a peer is, as its certificate says: `tributary://<federation>/coordinator`,
/// `tributary://<federation>/client/<name>` or `tributary://<federation>/operator/<name>`.
package struct PeerIdentity: Sendable, Hashable, CustomStringConvertible {
    /// What a peer is in its federation.
    package enum Role: Sendable, Hashable {
        /// The coordinator of the federation.
        case coordinator
        /// A client, by its name.
        case client(String)
        /// A person or program that may ask the coordinator how the run goes and stop it, by its name.
        case `operator`(String)

        /// Reads what ``name`` writes; nil for a name that is not allowed.
        package init?(name: String) {
            let prefix = "operator/"
            if name == "coordinator" {
                self = .coordinator
            } else if name.hasPrefix(prefix), NodeName.isValid(String(name.dropFirst(prefix.count))) {
                self = .operator(String(name.dropFirst(prefix.count)))
            } else if NodeName.isValid(name) {
                self = .client(name)
            } else {
                return nil
            }
        }

        /// What people write for it: `coordinator`, a client's name, or `operator/NAME`.
        package var name: String {
            switch self {
            case .coordinator: "coordinator"
            case .client(let name): name
            case .operator(let name): "operator/\(name)"
            }
        }

        /// ``name`` as the name of a file.
        package var fileName: String { name.split(separator: "/").joined(separator: "-") }
    }

    /// The federation's name.
    package let federation: String
    /// The peer's role, and a client's name.
    package let role: Role
    /// The serial number of the certificate in upper-case hexadecimal digits; empty in memory.
    package let serial: String

    /// When the certificate ends; nil in memory. It follows from the serial number, so comparing leaves it
    /// out.
    package let notAfter: Date?

    /// Takes the parts as they are.
    package init(federation: String, role: Role, serial: String = "", notAfter: Date? = nil) {
        self.notAfter = notAfter
        self.federation = federation
        self.role = role
        self.serial = serial
    }

    /// Reads the URI of a certificate; nil for anything but the forms above with valid names.
    package init?(uri: String, serial: String = "", notAfter: Date? = nil) {
        let scheme = "tributary://"
        guard uri.hasPrefix(scheme) else { return nil }
        let parts = uri.dropFirst(scheme.count).split(separator: "/", omittingEmptySubsequences: false)
        guard let federation = parts.first.map(String.init), NodeName.isValid(federation) else {
            return nil
        }
        if parts.count == 2, parts[1] == "coordinator" {
            self.init(federation: federation, role: .coordinator, serial: serial, notAfter: notAfter)
            return
        }
        guard parts.count == 3, NodeName.isValid(String(parts[2])) else { return nil }
        let name = String(parts[2])
        switch parts[1] {
        case "client":
            self.init(federation: federation, role: .client(name), serial: serial, notAfter: notAfter)
        case "operator":
            self.init(federation: federation, role: .operator(name), serial: serial, notAfter: notAfter)
        default: return nil
        }
    }

    /// Whether federation, role and serial number are the same.
    package static func == (one: PeerIdentity, two: PeerIdentity) -> Bool {
        one.federation == two.federation && one.role == two.role && one.serial == two.serial
    }

    /// Hashes what is compared.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(federation)
        hasher.combine(role)
        hasher.combine(serial)
    }

    /// The identity as the URI that a certificate carries.
    package var uri: String {
        switch role {
        case .coordinator: "tributary://\(federation)/coordinator"
        case .client(let name): "tributary://\(federation)/client/\(name)"
        case .operator(let name): "tributary://\(federation)/operator/\(name)"
        }
    }

    /// A client's name; nil for the coordinator and for operators.
    package var clientName: String? {
        switch role {
        case .coordinator, .operator: nil
        case .client(let name): name
        }
    }

    /// What people call it in its federation.
    package var shortName: String { role.name }

    /// The URI.
    package var description: String { uri }
}
