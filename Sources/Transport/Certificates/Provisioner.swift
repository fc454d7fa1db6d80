internal import COpenSSL
package import FoundationEssentials

/// Makes and maintains the certificates of a federation in one folder:
///
///     ca/           ca.crt ca.key crl.pem issued.tsv      stays with the operator
///     coordinator/  identity.crt identity.key ca.crt crl.pem
///     clients/NAME/ identity.crt identity.key ca.crt crl.pem  goes to the client's site
///     operators/NAME/ the same, for who may ask how the run goes and stop it
///
/// Where sites make their keys themselves, the folders have no `identity.key`, and `NAME.pem` goes back to the site.
///
/// Running it again changes nothing; keys and the authority are never overwritten. Every verb takes `now`,
/// so that this type needs no clock.
package struct Provisioner: Sendable {
    /// The folder.
    package let directory: String

    /// Takes the folder; it need not exist yet.
    package init(directory: String) { self.directory = directory }

    private var authorityDirectory: String { "\(directory)/ca" }

    /// The folder of an identity.
    package func directory(of role: PeerIdentity.Role) -> String {
        switch role {
        case .coordinator: "\(directory)/coordinator"
        case .client(let name): "\(directory)/clients/\(name)"
        case .operator(let name): "\(directory)/operators/\(name)"
        }
    }

    /// Makes what is missing: the authority, the coordinator's and each client's certificate.
    ///
    /// A coordinator's certificate that lacks one of the names is issued anew for the same key.
    /// - Parameter coordinatorNames: DNS names and IP addresses under which clients reach the coordinator.
    package func provision(
        federation: String,
        coordinatorNames: [String],
        clients: [String],
        now: Date,
        lifetime: CertificateLifetime? = nil
    ) throws -> ProvisioningSummary {
        try checkName(federation, "federation")
        for client in clients { try checkName(client, "client") }
        let coordinator = PeerIdentity(federation: federation, role: .coordinator)
        _ = try alternativeNames(coordinator, hosts: coordinatorNames)
        return try withNewAuthority(federation: federation, now: now) { authority, made in
            var summary = ProvisioningSummary()
            summary.entries.append(made)
            let issuing = Issuing(
                authority: authority,
                now: now,
                lifetime: lifetime ?? CertificateLifetime(now: now, days: CertificateLifetime.identityDays)
            )
            summary.entries.append(try ensure(coordinator, hosts: coordinatorNames, issuing))
            for client in clients {
                let peer = PeerIdentity(federation: federation, role: .client(client))
                summary.entries.append(try ensure(peer, hosts: [], issuing))
            }
            return summary
        }
    }

    /// Makes the authority alone, for a federation whose sites make their own keys; one that is there is kept.
    package func makeAuthority(federation: String, now: Date) throws -> ProvisioningSummary.Entry {
        try checkName(federation, "federation")
        return try withNewAuthority(federation: federation, now: now) { _, made in made }
    }

    /// Runs `body` with the federation's authority, which is made if there is none, and what happened to it.
    private func withNewAuthority<Result>(
        federation: String,
        now: Date,
        _ body: (CertificateAuthority, ProvisioningSummary.Entry) throws -> Result
    ) throws -> Result {
        try SecureFiles.makeDirectory(authorityDirectory)
        return try locked {
            let isNew = !CertificateAuthority.exists(directory: authorityDirectory)
            let authority =
                isNew
                ? try CertificateAuthority.create(
                    directory: authorityDirectory,
                    federation: federation,
                    now: now
                )
                : try CertificateAuthority.load(directory: authorityDirectory)
            guard authority.federation == federation else {
                throw IdentityError(
                    .alreadyExists,
                    path: authorityDirectory,
                    "\(authorityDirectory) certifies '\(authority.federation)', not '\(federation)'",
                    fix: "Name another folder for another federation."
                )
            }
            try authority.ensureRevocations(now: now)
            return try body(
                authority,
                entry("authority", isNew ? .created : .kept, authorityDirectory, authority.certificate)
            )
        }
    }

    /// Adds a client or an operator; one that was revoked gets a new key.
    package func add(_ role: PeerIdentity.Role, now: Date, lifetime: CertificateLifetime? = nil) throws
        -> ProvisioningSummary.Entry
    {
        return try withAuthority(now: now, lifetime: lifetime) { issuing in
            let peer = PeerIdentity(federation: issuing.authority.federation, role: role)
            _ = try alternativeNames(peer, hosts: [])
            let files = IdentityFiles(directory: directory(of: peer.role))
            if SecureFiles.exists(files.certificate) {
                let old = try Certificate.readAll(
                    pem: SecureFiles.read(files.certificate),
                    path: files.certificate
                )[0]
                guard try issuing.authority.isRevoked(old.serial) else {
                    throw IdentityError(
                        .alreadyExists,
                        path: files.certificate,
                        "'\(peer.shortName)' is there already",
                        fix: "Renew it, or revoke it first if it shall get a new key."
                    )
                }
                // The key first: a crash between the two must not leave a revoked key that looks new.
                try SecureFiles.remove(files.key)
                try SecureFiles.remove(files.certificate)
            }
            return try ensure(peer, hosts: [], issuing)
        }
    }

    /// Issues a new certificate for the key that an identity has; the old certificate stays valid until its
    /// end.
    package func renew(_ role: PeerIdentity.Role, now: Date, lifetime: CertificateLifetime? = nil) throws
        -> ProvisioningSummary.Entry
    {
        try withAuthority(now: now, lifetime: lifetime) { issuing in
            let peer = PeerIdentity(federation: issuing.authority.federation, role: role)
            let files = IdentityFiles(directory: directory(of: role))
            let old = try Certificate.readAll(
                pem: SecureFiles.read(files.certificate),
                path: files.certificate
            )[0]
            guard try !issuing.authority.isRevoked(old.serial) else {
                throw IdentityError(
                    .revoked,
                    path: files.certificate,
                    "'\(peer)' has been revoked and cannot be renewed",
                    fix: "Add it anew: it gets a new key."
                )
            }
            let fresh = try issuing.issue(peer, hosts: old.names.hosts, key: old.publicKey())
            try SecureFiles.replace(files.certificate, fresh.pem(), mode: 0o644)
            try writeReply(files, peer, issuing.authority)
            return try entry(peer.shortName, .renewed, files.directory, fresh)
        }
    }

    /// Revokes every certificate of an identity; a running coordinator takes notice when it rereads its list.
    /// - Returns: the serial numbers that are newly revoked.
    @discardableResult
    package func revoke(_ role: PeerIdentity.Role, now: Date) throws -> [String] {
        try withAuthority(now: now, lifetime: nil) { issuing in
            let peer = PeerIdentity(federation: issuing.authority.federation, role: role)
            let serials = try issuing.authority.revoke(peer, now: now)
            try copyRevocations(issuing.authority)
            guard try !serials.isEmpty || issuing.authority.knows(peer) else {
                throw IdentityError(
                    .missingFile,
                    path: directory(of: role),
                    "nothing was ever issued to '\(peer)'",
                    fix: "Check the name; `clients/` and `operators/` have a folder for each."
                )
            }
            return serials
        }
    }
}
