package import FoundationEssentials

/// What provisioning has made and what it found and left alone.
package struct ProvisioningSummary: Sendable, Equatable {
    /// What happened to one identity.
    package enum Outcome: String, Sendable, Hashable {
        /// Key and certificate are new.
        case created
        /// Nothing had to be done.
        case kept
        /// The key was kept and has a new certificate.
        case renewed
        /// A certificate was issued for a key that stays at its site.
        case signed
        /// It is there but past its end; renew it.
        case expired
        /// It has been revoked; add it anew to replace it.
        case revoked
    }

    /// One identity.
    package struct Entry: Sendable, Equatable {
        /// `authority`, `coordinator`, a client's name, or `operator/NAME`.
        package let name: String
        /// What happened.
        package let outcome: Outcome
        /// Its folder.
        package let directory: String
        /// When its certificate ends.
        package let notAfter: Date
        /// The serial number of its certificate in upper-case hexadecimal digits.
        package let serial: String
        /// SHA-256 of its public key in hexadecimal digits, for people to compare.
        package let key: String
    }

    /// In the order: authority, coordinator, clients as given.
    package var entries: [Entry] = []

    /// The entry of a name.
    package subscript(name: String) -> Entry? { entries.first { $0.name == name } }
}
