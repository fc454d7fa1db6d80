package import FoundationEssentials
internal import Wire

/// Who a peer is, as its certificate says: `tributary://<federation>/coordinator` or
/// `tributary://<federation>/client/<name>`.
package struct PeerIdentity: Sendable, Hashable, CustomStringConvertible {
    /// What a peer is in its federation.
    package enum Role: Sendable, Hashable {
        /// The coordinator of the federation.
        case coordinator
        /// A client, by its name.
        case client(String)
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

    /// Reads the URI of a certificate; nil for anything but the two forms above with valid names.
    package init?(uri: String, serial: String = "", notAfter: Date? = nil) {
        let scheme = "tributary://"
        guard uri.hasPrefix(scheme) else { return nil }
        let parts = uri.dropFirst(scheme.count).split(separator: "/", omittingEmptySubsequences: false)
        guard let federation = parts.first.map(String.init), NodeName.isValid(federation) else {
            return nil
        }
        if parts.count == 2, parts[1] == "coordinator" {
            self.init(federation: federation, role: .coordinator, serial: serial, notAfter: notAfter)
        } else if parts.count == 3, parts[1] == "client", NodeName.isValid(String(parts[2])) {
            self.init(
                federation: federation,
                role: .client(String(parts[2])),
                serial: serial,
                notAfter: notAfter
            )
        } else {
            return nil
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
        }
    }

    /// A client's name; nil for the coordinator.
    package var clientName: String? {
        switch role {
        case .coordinator: nil
        case .client(let name): name
        }
    }

    /// The URI.
    package var description: String { uri }
}
