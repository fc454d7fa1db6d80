internal import COpenSSL
internal import FoundationEssentials
internal import Glibc
internal import Wire

/// An X.509 certificate in OpenSSL's hands.
///
/// The object never changes after it is handed out and OpenSSL counts its references atomically.
final class Certificate: @unchecked Sendable {
    let handle: OpaquePointer

    /// Takes over a reference.
    init(taking handle: OpaquePointer) { self.handle = handle }

    deinit { X509_free(handle) }

    /// Reads the certificates of a PEM file, at least one.
    static func readAll(pem: [UInt8], path: String) throws -> [Certificate] {
        ERR_clear_error()
        let found = withReadBIO(pem) { bio in
            var found: [Certificate] = []
            while let handle = PEM_read_bio_X509(bio, nil, nil, nil) {
                found.append(Certificate(taking: handle))
            }
            return found
        }
        let errors = OpenSSLErrors.drain()
        // After the last certificate OpenSSL reports that no further one starts; anything else is a bad file.
        let isClean = errors.entries.allSatisfy {
            $0.library == ERR_LIB_PEM && $0.reason == PEM_R_NO_START_LINE
        }
        guard !found.isEmpty, isClean else {
            throw IdentityError(
                .unreadable,
                path: path,
                "\(path) holds no readable PEM certificate: \(errors)",
                fix: "Copy the file anew from the provisioning folder."
            )
        }
        return found
    }

    /// The serial number in upper-case hexadecimal digits.
    var serial: String { serialText(X509_get0_serialNumber(handle)) }

    /// When it becomes valid.
    var notBefore: Date { Certificate.date(X509_get0_notBefore(handle)) }

    /// When it stops to be valid.
    var notAfter: Date { Certificate.date(X509_get0_notAfter(handle)) }

    /// The subject alternative names.
    var names: AlternativeNames { AlternativeNames(taking: shim_certificate_names(handle)) }

    /// The one Tributary identity among the URIs; nil when there is none or more than one.
    var identity: PeerIdentity? {
        let ours = names.uris.filter { $0.hasPrefix("tributary://") }
        guard ours.count == 1 else { return nil }
        return PeerIdentity(uri: ours[0], serial: serial, notAfter: notAfter)
    }

    /// The federation that an authority's certificate names; nil for other certificates.
    var authorityOf: String? {
        let ours = names.uris.filter { $0.hasPrefix("tributary://") && $0.hasSuffix("/authority") }
        guard ours.count == 1 else { return nil }
        let name = String(ours[0].dropFirst("tributary://".count).dropLast("/authority".count))
        return NodeName.isValid(name) ? name : nil
    }

    /// Whether the key is the other half of the certificate's.
    func matches(_ key: PrivateKey) -> Bool {
        ERR_clear_error()
        defer { ERR_clear_error() }
        return X509_check_private_key(handle, key.handle) == 1
    }

    /// Whether the authority has signed this certificate.
    func isSigned(by authority: Certificate) -> Bool {
        ERR_clear_error()
        defer { ERR_clear_error() }
        guard let key = X509_get0_pubkey(authority.handle) else { return false }
        return X509_check_issued(authority.handle, handle) == X509_V_OK && X509_verify(handle, key) == 1
    }

    /// The certificate as a PEM file.
    func pem() throws -> [UInt8] {
        ERR_clear_error()
        guard let bytes = collectBIO({ PEM_write_bio_X509($0, handle) == 1 }) else {
            throw IdentityError.openSSL("writing a certificate", OpenSSLErrors.drain())
        }
        return bytes
    }

    static func date(_ time: UnsafePointer<ASN1_TIME>?) -> Date {
        var parts = tm()
        guard ASN1_TIME_to_tm(time, &parts) == 1 else { return .distantPast }
        return Date(timeIntervalSince1970: Double(timegm(&parts)))
    }
}

/// A serial number in upper-case hexadecimal digits, as `openssl x509 -serial` prints it.
func serialText(_ serial: UnsafePointer<ASN1_INTEGER>?) -> String {
    guard let number = ASN1_INTEGER_to_BN(serial, nil) else { return "" }
    defer { BN_free(number) }
    guard let text = BN_bn2hex(number) else { return "" }
    defer { CRYPTO_free(text, #file, #line) }
    return String(cString: text)
}
