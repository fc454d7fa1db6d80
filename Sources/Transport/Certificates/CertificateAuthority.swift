internal import COpenSSL
package import FoundationEssentials
internal import Wire

/// The federation's own certificate authority: `ca.crt`, `ca.key`, `crl.pem` and `issued.tsv` in one
/// folder, which only the operator who issues certificates needs.
///
/// `issued.tsv` has one line per certificate (serial, end of validity, identity, time of revocation or
/// `-`, SHA-256 of the key), so that a name can be revoked with everything that was ever issued to it, and a
/// key that was revoked once is never certified again.
package struct CertificateAuthority: Sendable {
    /// The folder.
    package let directory: String
    /// The federation that it certifies.
    package let federation: String

    let certificate: Certificate
    private let key: PrivateKey

    private init(directory: String, federation: String, certificate: Certificate, key: PrivateKey) {
        self.directory = directory
        self.federation = federation
        self.certificate = certificate
        self.key = key
    }

    var certificatePath: String { "\(directory)/ca.crt" }
    var revocationsPath: String { "\(directory)/crl.pem" }
    private var issuedPath: String { "\(directory)/issued.tsv" }

    /// Whether a folder holds an authority. A key alone, as a crash leaves it, is none yet.
    package static func exists(directory: String) -> Bool {
        SecureFiles.exists("\(directory)/ca.crt") || SecureFiles.exists("\(directory)/issued.tsv")
    }

    /// Makes a new authority; an existing one is never overwritten.
    package static func create(
        directory: String,
        federation: String,
        now: Date,
        lifetime: CertificateLifetime? = nil
    ) throws -> CertificateAuthority {
        try checkName(federation, "federation")
        guard !exists(directory: directory) else {
            throw IdentityError(
                .alreadyExists,
                path: directory,
                "\(directory) holds an authority already, which is never overwritten",
                fix: "Name another folder for a new federation."
            )
        }
        try SecureFiles.makeDirectory(directory)
        let keyPath = "\(directory)/ca.key"
        if !SecureFiles.exists(keyPath) {
            try SecureFiles.create(keyPath, PrivateKey.generate().pem(), mode: 0o600)
        }
        let key = try PrivateKey(pem: SecureFiles.read(keyPath, isSecret: true), path: keyPath)
        let lifetime = lifetime ?? CertificateLifetime(now: now, days: CertificateLifetime.authorityDays)
        let content = CertificateBuilder.Content(
            commonName: "\(federation) authority",
            alternativeNames: "URI:tributary://\(federation)/authority",
            isAuthority: true,
            lifetime: lifetime,
            key: key
        )
        let certificate = try CertificateBuilder.certificate(content, issuer: nil, issuerKey: key)
        try SecureFiles.create("\(directory)/ca.crt", certificate.pem(), mode: 0o644)
        let authority = CertificateAuthority(
            directory: directory,
            federation: federation,
            certificate: certificate,
            key: key
        )
        try authority.writeRevocations([], now: now)
        return authority
    }

    /// Reads an authority.
    package static func load(directory: String) throws -> CertificateAuthority {
        let certificatePath = "\(directory)/ca.crt"
        let keyPath = "\(directory)/ca.key"
        let certificate = try Certificate.readAll(
            pem: SecureFiles.read(certificatePath),
            path: certificatePath
        )[0]
        let key = try PrivateKey(pem: SecureFiles.read(keyPath, isSecret: true), path: keyPath)
        guard certificate.matches(key) else {
            throw IdentityError(
                .keyMismatch,
                path: keyPath,
                "\(keyPath) is not the key of \(certificatePath)",
                fix: "Restore both files from the same backup."
            )
        }
        guard let federation = certificate.authorityOf else {
            throw IdentityError(
                .wrongIdentity,
                path: certificatePath,
                "\(certificatePath) is not a federation's authority",
                fix: "Use the authority that `tributary provision` has made."
            )
        }
        return CertificateAuthority(
            directory: directory,
            federation: federation,
            certificate: certificate,
            key: key
        )
    }

    /// Certifies a key for an identity; written down in `issued.tsv` before it is handed out.
    func issue(
        _ peer: PeerIdentity,
        hosts: [String] = [],
        key subject: PrivateKey,
        now: Date,
        lifetime: CertificateLifetime
    ) throws -> Certificate {
        guard peer.federation == federation else {
            throw IdentityError(
                .wrongIdentity,
                "'\(peer)' is not of the federation '\(federation)' that this authority certifies",
                fix: "Use the authority of '\(peer.federation)'."
            )
        }
        var records = try IssuedCertificate.read(issuedPath)
        let fingerprint = try subject.fingerprint()
        if let revoked = records.first(where: { $0.key == fingerprint && $0.revokedAt != nil }) {
            throw IdentityError(
                .revoked,
                "the key for '\(peer)' was revoked with certificate \(revoked.serial) of '\(revoked.uri)'",
                fix: "Make a new key: remove the old identity.key where it is kept, and ask again."
            )
        }
        let content = CertificateBuilder.Content(
            commonName: peer.role == .coordinator ? "\(federation) coordinator" : peer.shortName,
            alternativeNames: try alternativeNames(peer, hosts: hosts),
            purpose: peer.role == .coordinator ? "serverAuth" : "clientAuth",
            lifetime: lifetime,
            key: subject
        )
        let issued = try CertificateBuilder.certificate(content, issuer: certificate, issuerKey: key)
        records.append(
            IssuedCertificate(
                serial: issued.serial,
                notAfter: timeText(issued.notAfter),
                uri: peer.uri,
                revokedAt: nil,
                key: fingerprint
            )
        )
        try IssuedCertificate.write(records, to: issuedPath)
        return issued
    }

    /// Revokes everything that was issued to an identity; the serial numbers that are newly revoked.
    func revoke(_ peer: PeerIdentity, now: Date) throws -> [String] {
        var records = try IssuedCertificate.read(issuedPath)
        var serials: [String] = []
        for index in records.indices where records[index].uri == peer.uri && records[index].revokedAt == nil {
            records[index].revokedAt = timeText(now)
            serials.append(records[index].serial)
        }
        try IssuedCertificate.write(records, to: issuedPath)
        // Written also when nothing is new: a crash may have come between the two files.
        try writeRevocations(records, now: now)
        return serials
    }

    /// Everything that was ever issued, oldest first.
    func issued() throws -> [IssuedCertificate] { try IssuedCertificate.read(issuedPath) }

    /// SHA-256 of its public key in hexadecimal digits, for people to compare.
    func fingerprint() throws -> String { try certificate.publicKey().fingerprint() }

    /// Whether this authority has revoked a serial number.
    func isRevoked(_ serial: String) throws -> Bool {
        try IssuedCertificate.read(issuedPath).contains { $0.serial == serial && $0.revokedAt != nil }
    }

    /// Whether anything was ever issued to an identity.
    func knows(_ peer: PeerIdentity) throws -> Bool {
        try IssuedCertificate.read(issuedPath).contains { $0.uri == peer.uri }
    }

    /// Writes the revocation list if a crash has left none.
    func ensureRevocations(now: Date) throws {
        guard !SecureFiles.exists(revocationsPath) else { return }
        try writeRevocations(IssuedCertificate.read(issuedPath), now: now)
    }

    private func revocationTime(_ text: String) throws -> Date {
        do {
            return try Date(text, strategy: .iso8601)
        } catch {
            throw IdentityError(
                .unreadable,
                path: issuedPath,
                "\(issuedPath) has '\(text)' where a time of revocation must be",
                fix: "Write it as 2027-03-01T12:00:00Z."
            )
        }
    }

    private func writeRevocations(_ records: [IssuedCertificate], now: Date) throws {
        let revoked = try records.compactMap { record in
            try record.revokedAt.map { (serial: record.serial, at: try revocationTime($0)) }
        }
        // The number must grow with each list; seconds do, and need no counter that a crash could lose.
        let list = try CertificateBuilder.revocationList(
            revoked,
            number: Int(now.timeIntervalSince1970),
            lifetime: CertificateLifetime(now: now, days: CertificateLifetime.authorityDays),
            issuer: certificate,
            issuerKey: key
        )
        try SecureFiles.replace(revocationsPath, list.pem(), mode: 0o644)
    }
}

/// The alternative names of an identity in OpenSSL's notation; every name is checked first, since the
/// notation has separators.
func alternativeNames(_ peer: PeerIdentity, hosts: [String]) throws -> String {
    try checkName(peer.federation, "federation")
    switch peer.role {
    case .coordinator: break
    case .client(let name): try checkName(name, "client")
    case .operator(let name): try checkName(name, "operator")
    }
    let names = try hosts.map { host in
        if AlternativeNames.address(host) != nil { return "IP:\(host)" }
        guard AlternativeNames.isHostName(host) else {
            throw IdentityError(
                .badName,
                "'\(host)' is neither a DNS name nor an IP address",
                fix: "Give the names under which clients reach the coordinator, without port."
            )
        }
        return "DNS:\(host)"
    }
    return (["URI:\(peer.uri)"] + names).joined(separator: ",")
}

func checkName(_ name: String, _ kind: String) throws {
    guard NodeName.isValid(name) else {
        throw IdentityError(
            .badName,
            "'\(name)' cannot name a \(kind)",
            fix: "Use \(NodeName.rule)."
        )
    }
}
