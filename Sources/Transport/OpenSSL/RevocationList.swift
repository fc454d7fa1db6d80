internal import COpenSSL
internal import FoundationEssentials

/// A certificate revocation list in OpenSSL's hands.
///
/// The object never changes after it is handed out and OpenSSL counts its references atomically.
final class RevocationList: @unchecked Sendable {
    let handle: OpaquePointer
    /// The revoked serial numbers in upper-case hexadecimal digits.
    let serials: Set<String>

    /// Takes over a reference.
    init(taking handle: OpaquePointer) {
        self.handle = handle
        serials = Set((0..<max(0, shim_crl_count(handle))).map { serialText(shim_crl_serial(handle, $0)) })
    }

    /// Reads the lists of a PEM file, at least one, and checks that one of the authorities has signed each.
    static func readAll(pem: [UInt8], path: String, authorities: [Certificate]) throws -> [RevocationList] {
        ERR_clear_error()
        let found = withReadBIO(pem) { bio in
            var found: [RevocationList] = []
            while let handle = PEM_read_bio_X509_CRL(bio, nil, nil, nil) {
                found.append(RevocationList(taking: handle))
            }
            return found
        }
        let errors = OpenSSLErrors.drain()
        // After the last list OpenSSL reports that no further one starts; anything else is a bad file.
        let isClean = errors.entries.allSatisfy {
            $0.library == ERR_LIB_PEM && $0.reason == PEM_R_NO_START_LINE
        }
        guard !found.isEmpty, isClean else {
            throw IdentityError(
                .unreadable,
                path: path,
                "\(path) is no PEM revocation list: \(errors)",
                fix: "Copy the authority's crl.pem anew."
            )
        }
        guard found.allSatisfy({ list in authorities.contains(where: list.isSigned) }) else {
            throw IdentityError(
                .wrongAuthority,
                path: path,
                "\(path) is not signed by the authority in ca.crt beside it",
                fix: "Copy crl.pem and ca.crt of the same authority."
            )
        }
        return found
    }

    private func isSigned(by authority: Certificate) -> Bool {
        defer { ERR_clear_error() }
        return X509_get0_pubkey(authority.handle).map { X509_CRL_verify(handle, $0) == 1 } ?? false
    }

    deinit { X509_CRL_free(handle) }

    /// When the list was made.
    var lastUpdate: Date { Certificate.date(X509_CRL_get0_lastUpdate(handle)) }

    /// When a newer list is due; after that OpenSSL refuses everything that needs this one.
    var nextUpdate: Date { Certificate.date(X509_CRL_get0_nextUpdate(handle)) }

    /// The list as a PEM file.
    func pem() throws -> [UInt8] {
        ERR_clear_error()
        guard let bytes = collectBIO({ PEM_write_bio_X509_CRL($0, handle) == 1 }) else {
            throw IdentityError.openSSL("writing a revocation list", OpenSSLErrors.drain())
        }
        return bytes
    }
}
