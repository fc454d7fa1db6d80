/// One line of an authority's `issued.tsv`.
struct IssuedCertificate: Sendable, Equatable {
    let serial: String
    /// ISO 8601, UTC.
    let notAfter: String
    let uri: String
    /// ISO 8601, UTC; nil while it counts.
    var revokedAt: String?
    /// SHA-256 of the certified public key in hexadecimal digits; empty in lines of before it was kept.
    var key = ""

    static func read(_ path: String) throws -> [IssuedCertificate] {
        guard SecureFiles.exists(path) else { return [] }
        let lines = String(decoding: try SecureFiles.read(path), as: UTF8.self).split(separator: "\n")
        return try lines.enumerated().map { index, line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard (4...5).contains(fields.count) else {
                throw IdentityError(
                    .unreadable,
                    path: path,
                    "\(path) line \(index + 1) has \(fields.count) fields instead of 5",
                    fix: "Restore the file; without it certificates cannot be revoked by name."
                )
            }
            return IssuedCertificate(
                serial: fields[0],
                notAfter: fields[1],
                uri: fields[2],
                revokedAt: fields[3] == "-" ? nil : fields[3],
                key: fields.count == 5 ? fields[4] : ""
            )
        }
    }

    static func write(_ records: [IssuedCertificate], to path: String) throws {
        let lines = records.map { record in
            [record.serial, record.notAfter, record.uri, record.revokedAt ?? "-", record.key]
                .joined(separator: "\t") + "\n"
        }
        try SecureFiles.replace(path, Array(lines.joined().utf8), mode: 0o600)
    }
}
