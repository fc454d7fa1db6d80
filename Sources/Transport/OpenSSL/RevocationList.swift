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

    /// Reads a list and checks that one of the authorities has signed it.
    convenience init(pem: [UInt8], path: String, authorities: [Certificate]) throws {
        ERR_clear_error()
        guard let handle = withReadBIO(pem, { PEM_read_bio_X509_CRL($0, nil, nil, nil) }) else {
            throw IdentityError(
                .unreadable,
                path: path,
                "\(path) is no PEM revocation list: \(OpenSSLErrors.drain())",
                fix: "Copy the authority's crl.pem anew."
            )
        }
        self.init(taking: handle)
        let isSigned = authorities.contains { authority in
            X509_get0_pubkey(authority.handle).map { X509_CRL_verify(handle, $0) == 1 } ?? false
        }
        ERR_clear_error()
        guard isSigned else {
            throw IdentityError(
                .wrongAuthority,
                path: path,
                "\(path) is not signed by the authority in ca.crt beside it",
                fix: "Copy crl.pem and ca.crt of the same authority."
            )
        }
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
