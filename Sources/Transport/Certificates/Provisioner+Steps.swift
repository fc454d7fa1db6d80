internal import COpenSSL
internal import FoundationEssentials

/// What one run of the provisioner issues with.
struct Issuing {
    let authority: CertificateAuthority
    let now: Date
    let lifetime: CertificateLifetime

    func issue(_ peer: PeerIdentity, hosts: [String], key: PrivateKey) throws -> Certificate {
        try authority.issue(peer, hosts: hosts, key: key, now: now, lifetime: lifetime)
    }
}

extension Provisioner {
    /// Makes an identity's missing files and says what was there.
    func ensure(_ peer: PeerIdentity, hosts: [String], _ issuing: Issuing) throws -> ProvisioningSummary.Entry
    {
        let files = IdentityFiles(directory: directory(of: peer.role))
        try SecureFiles.makeDirectory(files.directory)
        guard SecureFiles.exists(files.certificate) else {
            let isNew = !SecureFiles.exists(files.key)
            if isNew { try SecureFiles.create(files.key, PrivateKey.generate().pem(), mode: 0o600) }
            // A key without certificate is what a crash leaves between the two; it gets its certificate now.
            let key = try PrivateKey(pem: SecureFiles.read(files.key, isSecret: true), path: files.key)
            let fresh = try issuing.issue(peer, hosts: hosts, key: key)
            try SecureFiles.create(files.certificate, fresh.pem(), mode: 0o644)
            try companions(files, issuing.authority)
            return try entry(peer.shortName, .created, files.directory, fresh)
        }
        let old = try check(files, peer, issuing.authority)
        try companions(files, issuing.authority)
        if try issuing.authority.isRevoked(old.serial) {
            return try entry(peer.shortName, .revoked, files.directory, old)
        }
        if issuing.now > old.notAfter { return try entry(peer.shortName, .expired, files.directory, old) }
        let names = old.names
        let missing = hosts.filter { !names.contains(host: $0) }
        guard !missing.isEmpty else { return try entry(peer.shortName, .kept, files.directory, old) }
        let fresh = try issuing.issue(peer, hosts: names.hosts + missing, key: old.publicKey())
        try SecureFiles.replace(files.certificate, fresh.pem(), mode: 0o644)
        return try entry(peer.shortName, .renewed, files.directory, fresh)
    }

    /// Checks that the files of an identity belong together and to this authority.
    private func check(_ files: IdentityFiles, _ peer: PeerIdentity, _ authority: CertificateAuthority) throws
        -> Certificate
    {
        let old = try Certificate.readAll(pem: SecureFiles.read(files.certificate), path: files.certificate)[
            0
        ]
        guard old.isSigned(by: authority.certificate) else {
            throw IdentityError(
                .wrongAuthority,
                path: files.certificate,
                "\(files.certificate) is not signed by \(authority.certificatePath)",
                fix: "Move the folder \(files.directory) away; a new identity is made then."
            )
        }
        guard old.identity?.uri == peer.uri else {
            throw IdentityError(
                .wrongIdentity,
                path: files.certificate,
                "\(files.certificate) is not the certificate of '\(peer)'",
                fix: "Move the folder \(files.directory) away; a new identity is made then."
            )
        }
        // A certificate whose key stays at its site has none beside it.
        guard SecureFiles.exists(files.key) else { return old }
        let key = try PrivateKey(pem: SecureFiles.read(files.key, isSecret: true), path: files.key)
        guard old.matches(key) else {
            throw IdentityError(
                .keyMismatch,
                path: files.key,
                "\(files.key) is not the key of \(files.certificate)",
                fix: "Restore both files from the same backup."
            )
        }
        return old
    }

    /// Puts the authority's certificate and revocation list beside an identity.
    func companions(_ files: IdentityFiles, _ authority: CertificateAuthority) throws {
        try copy(authority.certificatePath, to: files.authority)
        try copy(authority.revocationsPath, to: files.revocations)
    }

    /// Brings the revocation lists of the coordinator and of all clients up to date.
    func copyRevocations(_ authority: CertificateAuthority) throws {
        let records = try authority.issued()
        for role in Set(records.compactMap { PeerIdentity(uri: $0.uri)?.role }) {
            let files = IdentityFiles(directory: directory(of: role))
            guard SecureFiles.exists(files.directory) else { continue }
            try copy(authority.revocationsPath, to: files.revocations)
        }
    }

    private func copy(_ source: String, to target: String) throws {
        let bytes = try SecureFiles.read(source)
        if SecureFiles.exists(target), try SecureFiles.read(target) == bytes { return }
        try SecureFiles.replace(target, bytes, mode: 0o644)
    }

    func entry(
        _ name: String,
        _ outcome: ProvisioningSummary.Outcome,
        _ directory: String,
        _ certificate: Certificate
    ) throws -> ProvisioningSummary.Entry {
        ProvisioningSummary.Entry(
            name: name,
            outcome: outcome,
            directory: directory,
            notAfter: certificate.notAfter,
            serial: certificate.serial,
            key: try certificate.publicKey().fingerprint()
        )
    }

    /// Runs `body` while no other provisioner works on the folder.
    func locked<Result>(_ body: () throws -> Result) throws -> Result {
        try SecureFiles.withLock("\(directory)/ca/.lock", body)
    }

    func withAuthority<Result>(
        now: Date,
        lifetime: CertificateLifetime?,
        _ body: (Issuing) throws -> Result
    ) throws -> Result {
        guard CertificateAuthority.exists(directory: "\(directory)/ca") else {
            throw IdentityError(
                .missingFile,
                path: "\(directory)/ca",
                "\(directory) holds no certificate authority",
                fix: "Run `tributary provision authority --out \(directory)` first."
            )
        }
        return try locked {
            let authority = try CertificateAuthority.load(directory: "\(directory)/ca")
            return try body(
                Issuing(
                    authority: authority,
                    now: now,
                    lifetime: lifetime
                        ?? CertificateLifetime(now: now, days: CertificateLifetime.identityDays)
                )
            )
        }
    }
}

extension AlternativeNames {
    /// DNS names and addresses as `alternativeNames(_:hosts:)` takes them.
    var hosts: [String] { dns + addresses.map(AlternativeNames.addressText) }

    private static func addressText(_ bytes: [UInt8]) -> String {
        if bytes.count == 4 { return bytes.map(String.init).joined(separator: ".") }
        return stride(from: 0, to: bytes.count, by: 2)
            .map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }
            .joined(separator: ":")
    }
}

extension Certificate {
    /// The certified public key.
    func publicKey() throws -> PrivateKey {
        ERR_clear_error()
        guard let key = X509_get_pubkey(handle) else {
            throw IdentityError.openSSL("the key of a certificate", OpenSSLErrors.drain())
        }
        return PrivateKey(taking: key)
    }
}
