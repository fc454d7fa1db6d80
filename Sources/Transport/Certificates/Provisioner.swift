internal import COpenSSL
package import FoundationEssentials

/// Makes and maintains the certificates of a federation in one folder:
///
///     ca/           ca.crt ca.key crl.pem issued.tsv      stays with the operator
///     coordinator/  identity.crt identity.key ca.crt crl.pem
///     clients/NAME/ identity.crt identity.key ca.crt crl.pem  goes to the client's site
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
            var summary = ProvisioningSummary()
            summary.entries.append(
                entry("authority", isNew ? .created : .kept, authorityDirectory, authority.certificate)
            )
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

    /// Adds a client; one that was revoked gets a new key.
    package func add(client: String, now: Date, lifetime: CertificateLifetime? = nil) throws
        -> ProvisioningSummary.Entry
    {
        try checkName(client, "client")
        return try withAuthority(now: now, lifetime: lifetime) { issuing in
            let peer = PeerIdentity(federation: issuing.authority.federation, role: .client(client))
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
                        "the client '\(client)' is there already",
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
            return entry(peer.shortName, .renewed, files.directory, fresh)
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
                    fix: "Check the name; `clients/` has a folder for each client."
                )
            }
            return serials
        }
    }

    /// Makes a key and a request at the site that shall use it; only the request, `identity.csr`, travels.
    /// - Returns: the path of the request.
    package static func request(
        federation: String,
        role: PeerIdentity.Role,
        coordinatorNames: [String] = [],
        directory: String
    ) throws -> String {
        let peer = PeerIdentity(federation: federation, role: role)
        let names = try alternativeNames(peer, hosts: coordinatorNames)
        let files = IdentityFiles(directory: directory)
        try SecureFiles.makeDirectory(directory)
        if !SecureFiles.exists(files.key) {
            try SecureFiles.create(files.key, PrivateKey.generate().pem(), mode: 0o600)
        }
        let key = try PrivateKey(pem: SecureFiles.read(files.key, isSecret: true), path: files.key)
        let request = try SigningRequest.pem(for: peer, alternativeNames: names, key: key)
        try SecureFiles.replace(files.request, request, mode: 0o644)
        return files.request
    }

    /// Signs a site's request: `identity.crt` and `ca.crt` in the identity's folder go back to the site.
    /// - Parameter expecting: whom the operator means to certify; any other identity is refused.
    package func sign(
        request path: String,
        expecting role: PeerIdentity.Role,
        now: Date,
        lifetime: CertificateLifetime? = nil
    ) throws -> ProvisioningSummary.Entry {
        let request = try SigningRequest(pem: SecureFiles.read(path), path: path)
        return try withAuthority(now: now, lifetime: lifetime) { issuing in
            let peer = PeerIdentity(federation: issuing.authority.federation, role: role)
            guard request.peer.uri == peer.uri else {
                throw IdentityError(
                    .badRequest,
                    path: path,
                    "\(path) asks for '\(request.peer)', not for '\(peer)'",
                    fix: "Make sure whose request it is before signing it."
                )
            }
            let files = IdentityFiles(directory: directory(of: role))
            guard !SecureFiles.exists(files.certificate) else {
                throw IdentityError(
                    .alreadyExists,
                    path: files.certificate,
                    "'\(peer)' has a certificate already",
                    fix: "Renew it, or move its folder away after revoking it."
                )
            }
            let fresh = try issuing.issue(peer, hosts: request.names.hosts, key: request.publicKey())
            try SecureFiles.makeDirectory(files.directory)
            try SecureFiles.create(files.certificate, fresh.pem(), mode: 0o644)
            try companions(files, issuing.authority)
            return entry(peer.shortName, .signed, files.directory, fresh)
        }
    }
}
