package import FoundationEssentials

/// The certificate, key and authority with which a program proves who it is: a folder with
/// `identity.crt`, `identity.key`, `ca.crt` and `crl.pem`. All of them must be there: without the list nobody
/// would be revoked.
package struct Identity: Sendable {
    /// The folder.
    package let directory: String
    /// Who the certificate says this is.
    package let peer: PeerIdentity
    /// When the certificate stops to be valid.
    package let notAfter: Date
    /// Serial numbers that the revocation lists name.
    package var revokedSerials: Set<String> { revocations.reduce(into: []) { $0.formUnion($1.serials) } }

    let chain: [Certificate]
    let key: PrivateKey
    let authorities: [Certificate]
    /// One for each authority; several in one file while an authority is replaced.
    let revocations: [RevocationList]

    /// Reads and checks the folder.
    /// - Parameters:
    ///   - now: the time at which the certificate must be valid.
    ///   - checksTime: false to leave it to `timeFault`.
    /// - Throws: `IdentityError` for a file that is missing, unreadable, of another authority, or expired,
    ///   a key that does not match or that others can read, and a certificate without an identity.
    package static func load(directory: String, now: Date, checksTime: Bool = true) throws -> Identity {
        let files = IdentityFiles(directory: directory)
        let chain = try Certificate.readAll(pem: SecureFiles.read(files.certificate), path: files.certificate)
        let key = try PrivateKey(pem: SecureFiles.read(files.key, isSecret: true), path: files.key)
        let authorities = try Certificate.readAll(
            pem: SecureFiles.read(files.authority),
            path: files.authority
        )
        let revocations = try RevocationList.readAll(
            pem: SecureFiles.read(files.revocations),
            path: files.revocations,
            authorities: authorities
        )
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
                "\(files.certificate) carries no URI tributary://FEDERATION/coordinator, …/client/NAME or …/operator/NAME",
                fix: "Use a certificate that `tributary provision` has issued."
            )
        }
        let identity = Identity(
            directory: directory,
            peer: peer,
            notAfter: leaf.notAfter,
            chain: chain,
            key: key,
            authorities: authorities,
            revocations: revocations
        )
        if checksTime, let fault = identity.timeFault(at: now) { throw fault }
        return identity
    }

    /// What is wrong with the certificate's time at a moment; nil if it is valid then.
    func timeFault(at now: Date) -> IdentityError? {
        let path = IdentityFiles(directory: directory).certificate
        guard now <= chain[0].notAfter else {
            return IdentityError(
                .expired,
                path: path,
                "\(path) of \(peer) expired at \(timeText(chain[0].notAfter))",
                fix:
                    "Renew it where the authority's key is, and give the NAME.pem to `tributary provision install`."
            )
        }
        guard now >= chain[0].notBefore else {
            return IdentityError(
                .notYetValid,
                path: path,
                "\(path) of \(peer) is valid only from \(timeText(chain[0].notBefore))",
                fix: "Check this machine's clock."
            )
        }
        return nil
    }

    /// Whether the certificate is good for a host that clients dial, a name or an address.
    package func covers(host: String) -> Bool { chain[0].names.contains(host: host) }

    /// What of this identity ends when, for those who have to renew it.
    var expiries: [Expiry] {
        [Expiry(name: peer.shortName, notAfter: notAfter)]
            + authorities.map { Expiry(name: "authority", notAfter: $0.notAfter) }
            + revocations.map { Expiry(name: "revocation list", notAfter: $0.nextUpdate) }
    }
}

/// Until when something is valid that has to be renewed before.
package struct Expiry: Sendable, Hashable {
    /// How long ahead of its end people are told.
    package static let warningDays = 30.0

    /// `coordinator`, a client's name, `authority` or `revocation list`.
    package let name: String
    /// The last moment.
    package let notAfter: Date

    /// Takes both as they are.
    package init(name: String, notAfter: Date) {
        self.name = name
        self.notAfter = notAfter
    }

    /// Whether the end is so near at a moment, or past, that people are told.
    package func isDue(at now: Date) -> Bool {
        notAfter.timeIntervalSince(now) <= Expiry.warningDays * 86_400
    }
}

/// The file names in an identity's folder.
struct IdentityFiles {
    let directory: String
    var certificate: String { "\(directory)/identity.crt" }
    var key: String { "\(directory)/identity.key" }
    var authority: String { "\(directory)/ca.crt" }
    var revocations: String { "\(directory)/crl.pem" }

    /// The request for an identity, on its way to the authority.
    func request(of role: PeerIdentity.Role) -> String { "\(directory)/\(role.fileName).csr" }

    /// The authority's answer to a request, on its way back.
    func reply(to role: PeerIdentity.Role) -> String { "\(directory)/\(role.fileName).pem" }

    /// What changes when one of the files is replaced.
    var stamps: [String] { [certificate, key, authority, revocations].map(SecureFiles.stamp) }
}

/// A time in UTC as people and logs write it, such as `2027-03-01T12:00:00Z`.
func timeText(_ time: Date) -> String { time.formatted(.iso8601) }
