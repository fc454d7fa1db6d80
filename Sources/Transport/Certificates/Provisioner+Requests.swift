package import FoundationEssentials

/// Keys that are made where they are used: a site makes key and request, whoever keeps the authority signs the
/// request, the site installs the answer. The key never leaves its folder.
extension Provisioner {
    /// What was made at a site, and what its people compare with those of the authority.
    package struct Request: Sendable {
        /// The request's file, which travels.
        package let path: String
        /// Who is asked for.
        package let peer: PeerIdentity
        /// The host names and addresses that are asked for.
        package let hosts: [String]
        /// SHA-256 of the public key in hexadecimal digits.
        package let key: String

        /// The hosts that are asked for and not listed, however an address is written.
        package func hosts(besides listed: [String]) -> [String] {
            hosts.filter { host in
                !listed.contains { other in
                    guard let address = AlternativeNames.address(host) else {
                        return host.lowercased() == other.lowercased()
                    }
                    return address == AlternativeNames.address(other)
                }
            }
        }
    }

    /// Makes a key, unless there is one, and a request for it; only the request, `NAME.csr`, travels.
    ///
    /// - Parameters:
    ///   - coordinatorNames: DNS names and IP addresses under which clients reach a coordinator.
    ///   - directory: The folder of the identity at its site.
    package static func request(
        federation: String,
        role: PeerIdentity.Role,
        coordinatorNames: [String] = [],
        directory: String
    ) throws -> Request {
        let peer = PeerIdentity(federation: federation, role: role)
        let names = try alternativeNames(peer, hosts: coordinatorNames)
        let files = IdentityFiles(directory: directory)
        try SecureFiles.makeDirectory(directory)
        if !SecureFiles.exists(files.key) {
            try SecureFiles.create(files.key, PrivateKey.generate().pem(), mode: 0o600)
        }
        let key = try PrivateKey(pem: SecureFiles.read(files.key, isSecret: true), path: files.key)
        let request = try SigningRequest.pem(for: peer, alternativeNames: names, key: key)
        let path = files.request(of: role)
        try SecureFiles.replace(path, request, mode: 0o644)
        return Request(path: path, peer: peer, hosts: coordinatorNames, key: try key.fingerprint())
    }

    /// Reads a request and checks that whoever made it has the key; what it asks for is for the caller to judge.
    package static func read(request path: String) throws -> Request {
        let request = try SigningRequest(pem: SecureFiles.read(path), path: path)
        return Request(
            path: path,
            peer: request.peer,
            hosts: request.names.hosts,
            key: try request.publicKey().fingerprint()
        )
    }

    /// The file that goes back to the site of an identity: its certificate, the authority's, and the revocation list.
    package func reply(to role: PeerIdentity.Role) -> String {
        IdentityFiles(directory: directory(of: role)).reply(to: role)
    }

    /// SHA-256 of the authority's public key in hexadecimal digits, for people to compare.
    package func authorityFingerprint(now: Date) throws -> String {
        try withAuthority(now: now, lifetime: nil) { try $0.authority.fingerprint() }
    }

    /// Signs a site's request. A request for the key that is certified already renews it; another key is refused
    /// unless the old certificate was revoked.
    ///
    /// - Parameter role: Whom the operator means to certify; any other identity is refused.
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
            let key = try request.publicKey()
            let isKnown = SecureFiles.exists(files.certificate)
            if isKnown { try requireRoom(files, peer, for: key, issuing.authority) }
            let hosts = role == .coordinator ? request.names.hosts : []
            let fresh = try issuing.issue(peer, hosts: hosts, key: key)
            try SecureFiles.makeDirectory(files.directory)
            try SecureFiles.replace(files.certificate, fresh.pem(), mode: 0o644)
            try companions(files, issuing.authority)
            try writeReply(files, peer, issuing.authority)
            return try entry(peer.shortName, isKnown ? .renewed : .signed, files.directory, fresh)
        }
    }

    /// Throws unless the certificate that is there is of the same key, or was revoked.
    private func requireRoom(
        _ files: IdentityFiles,
        _ peer: PeerIdentity,
        for key: PrivateKey,
        _ authority: CertificateAuthority
    ) throws {
        let old = try Certificate.readAll(pem: SecureFiles.read(files.certificate), path: files.certificate)[
            0
        ]
        guard !old.matches(key) else { return }
        if try authority.isRevoked(old.serial) {
            // Its key, where it was made here, goes with it.
            return try SecureFiles.remove(files.key)
        }
        throw IdentityError(
            .alreadyExists,
            path: files.certificate,
            "'\(peer)' has a certificate already, of another key (\(fingerprintText(try old.publicKey().fingerprint())))",
            fix:
                "If the site has lost that key, revoke '\(peer.shortName)' first; if not, ask whose request this is."
        )
    }

    /// Writes what goes back to the site: certificate, authority and revocation list in one file.
    func writeReply(_ files: IdentityFiles, _ peer: PeerIdentity, _ authority: CertificateAuthority) throws {
        let parts = try [files.certificate, authority.certificatePath, authority.revocationsPath].map {
            try SecureFiles.read($0)
        }
        try SecureFiles.replace(files.reply(to: peer.role), Array(parts.joined()), mode: 0o644)
    }

    /// Installs the authority's answer beside the key that it is for; the folder is a whole identity then.
    ///
    /// - Returns: The identity, and the fingerprint of the authority's key.
    /// - Throws: `IdentityError` for an answer that is not for the key in the folder, for another name than was
    ///   asked for, or of another authority than the one that the folder trusts already.
    package static func install(reply path: String, directory: String, now: Date) throws -> (
        identity: Identity, authority: String
    ) {
        let files = IdentityFiles(directory: directory)
        guard SecureFiles.exists(files.key) else {
            throw IdentityError(
                .missingFile,
                path: files.key,
                "\(files.key) does not exist: '\(directory)' is not where the request was made",
                fix:
                    "Name the folder that `tributary provision request --out` has made, on the host that has it."
            )
        }
        let reply = try SecureFiles.read(path)
        let chain = try Certificate.readAll(pem: reply, path: path)
        let key = try PrivateKey(pem: SecureFiles.read(files.key, isSecret: true), path: files.key)
        guard let peer = chain[0].identity, let authority = chain.last,
            authority.authorityOf == peer.federation,
            chain.count == 2, chain[0].isSigned(by: authority)
        else {
            throw IdentityError(
                .wrongIdentity,
                path: path,
                "\(path) is not what the authority has answered: it holds no identity's certificate with its authority's",
                fix: "Ask for the NAME.pem that `tributary provision sign` has made."
            )
        }
        guard chain[0].matches(key) else {
            throw IdentityError(
                .keyMismatch,
                path: path,
                "\(path) certifies '\(peer)' for the key \(fingerprintText(try chain[0].publicKey().fingerprint())), "
                    + "but the key in \(files.key) is \(fingerprintText(try key.fingerprint()))",
                fix: "Name the folder whose key the request was made for, or send its request again."
            )
        }
        guard SecureFiles.exists(files.request(of: peer.role)) || SecureFiles.exists(files.certificate) else {
            throw IdentityError(
                .wrongIdentity,
                path: path,
                "\(path) is for '\(peer)', which was not asked for here: there is no \(files.request(of: peer.role))",
                fix: "Tell whoever signed it which name you asked for."
            )
        }
        let lists = try RevocationList.readAll(pem: reply, path: path, authorities: [authority])
        try requireSame(authority, files)
        let blocks = PEMBlocks(reply)
        try SecureFiles.replace(files.authority, authority.pem(), mode: 0o644)
        if try !hasNewerList(than: lists, authority, files) {
            try SecureFiles.replace(files.revocations, blocks.text(of: "X509 CRL"), mode: 0o644)
        }
        try SecureFiles.replace(files.certificate, chain[0].pem(), mode: 0o644)
        let identity = try Identity.load(directory: directory, now: now, checksTime: false)
        return (identity, try authority.publicKey().fingerprint())
    }

    /// Whether the folder's own list is newer than those of an answer: an answer that was kept for a year must not let
    /// back in who was shut out since.
    private static func hasNewerList(
        than lists: [RevocationList],
        _ authority: Certificate,
        _ files: IdentityFiles
    ) throws -> Bool {
        guard SecureFiles.exists(files.revocations) else { return false }
        let known = try RevocationList.readAll(
            pem: SecureFiles.read(files.revocations),
            path: files.revocations,
            authorities: [authority]
        )
        let newest = { (lists: [RevocationList]) in lists.map(\.lastUpdate).max() ?? .distantPast }
        return newest(known) > newest(lists)
    }

    /// Throws if the folder trusts another authority already.
    private static func requireSame(_ authority: Certificate, _ files: IdentityFiles) throws {
        guard SecureFiles.exists(files.authority) else { return }
        let known = try Certificate.readAll(pem: SecureFiles.read(files.authority), path: files.authority)
        let wanted = try authority.publicKey().fingerprint()
        guard try !known.contains(where: { try $0.publicKey().fingerprint() == wanted }) else { return }
        throw IdentityError(
            .wrongAuthority,
            path: files.authority,
            "the answer is of an authority with the key \(fingerprintText(wanted)), which \(files.authority) is not of",
            fix:
                "Compare the fingerprint with whoever signed; if it is right, remove \(files.authority) first."
        )
    }
}

/// The blocks of a PEM file.
private struct PEMBlocks {
    private let lines: [Substring]

    init(_ bytes: [UInt8]) { lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n") }

    /// All blocks with a label, as they stand in the file.
    func text(of label: String) -> [UInt8] {
        var isInside = false
        var found = ""
        for line in lines {
            if line.hasPrefix("-----BEGIN \(label)-----") { isInside = true }
            if isInside { found += line + "\n" }
            if line.hasPrefix("-----END \(label)-----") { isInside = false }
        }
        return Array(found.utf8)
    }
}

/// A fingerprint in groups of four digits, as people read it out.
package func fingerprintText(_ digits: String) -> String {
    var text = ""
    for (index, digit) in digits.enumerated() {
        if index > 0, index.isMultiple(of: 4) { text += " " }
        text.append(digit)
    }
    return text
}
