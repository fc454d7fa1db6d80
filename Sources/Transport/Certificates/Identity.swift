package import FoundationEssentials

/// The certificate, key and authority with which a program proves who it is: a folder with
/// `identity.crt`, `identity.key`, `ca.crt` and, for a coordinator, `crl.pem`.
package struct Identity: Sendable {
    /// The folder.
    package let directory: String
    /// Who the certificate says this is.
    package let peer: PeerIdentity
    /// When the certificate stops to be valid.
    package let notAfter: Date
    /// Serial numbers that the revocation list names; nil where the folder has no `crl.pem`.
    package var revokedSerials: Set<String>? { revocations?.serials }

    let chain: [Certificate]
    let key: PrivateKey
    let authorities: [Certificate]
    let revocations: RevocationList?

    /// Reads and checks the folder.
    /// - Parameter now: the time at which the certificate must be valid.
    /// - Throws: `IdentityError` for a file that is missing, unreadable, of another authority, or expired,
    ///   a key that does not match or that others can read, and a certificate without an identity.
    package static func load(directory: String, now: Date) throws -> Identity {
        let files = IdentityFiles(directory: directory)
        let chain = try Certificate.readAll(pem: SecureFiles.read(files.certificate), path: files.certificate)
        let key = try PrivateKey(pem: SecureFiles.read(files.key, isSecret: true), path: files.key)
        let authorities = try Certificate.readAll(
            pem: SecureFiles.read(files.authority),
            path: files.authority
        )
        var revocations: RevocationList?
        if SecureFiles.exists(files.revocations) {
            revocations = try RevocationList(
                pem: SecureFiles.read(files.revocations),
                path: files.revocations,
                authorities: authorities
            )
        }
        let leaf = chain[0]
        guard leaf.matches(key) else {
            throw IdentityError(
                .keyMismatch,
                path: files.key,
                "\(files.key) is not the key of \(files.certificate)",
                fix: "Copy both files from the same provisioning folder."
            )
        }
        guard (chain.dropFirst() + authorities).contains(where: { leaf.isSigned(by: $0) }) else {
            throw IdentityError(
                .wrongAuthority,
                path: files.certificate,
                "\(files.certificate) is not signed by the authority in \(files.authority)",
                fix: "Copy identity.crt and ca.crt of the same federation."
            )
        }
        guard let peer = leaf.identity else {
            throw IdentityError(
                .wrongIdentity,
                path: files.certificate,
                "\(files.certificate) carries no URI tributary://FEDERATION/coordinator or …/client/NAME",
                fix: "Use a certificate that `tributary provision` has issued."
            )
        }
        try checkTime(leaf, peer: peer, path: files.certificate, now: now)
        return Identity(
            directory: directory,
            peer: peer,
            notAfter: leaf.notAfter,
            chain: chain,
            key: key,
            authorities: authorities,
            revocations: revocations
        )
    }

    private static func checkTime(_ leaf: Certificate, peer: PeerIdentity, path: String, now: Date) throws {
        guard now <= leaf.notAfter else {
            throw IdentityError(
                .expired,
                path: path,
                "\(path) of \(peer) expired at \(timeText(leaf.notAfter))",
                fix: "Renew it where the authority's key is and copy the new identity.crt here."
            )
        }
        guard now >= leaf.notBefore else {
            throw IdentityError(
                .notYetValid,
                path: path,
                "\(path) of \(peer) is valid only from \(timeText(leaf.notBefore))",
                fix: "Check this machine's clock."
            )
        }
    }
}

/// The file names in an identity's folder.
struct IdentityFiles {
    let directory: String
    var certificate: String { "\(directory)/identity.crt" }
    var key: String { "\(directory)/identity.key" }
    var authority: String { "\(directory)/ca.crt" }
    var revocations: String { "\(directory)/crl.pem" }
    var request: String { "\(directory)/identity.csr" }
}

/// A time in UTC as people and logs write it, such as `2027-03-01T12:00:00Z`.
func timeText(_ time: Date) -> String { time.formatted(.iso8601) }
