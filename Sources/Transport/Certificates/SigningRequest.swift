internal import COpenSSL

/// A certificate request (PKCS #10): a public key, the identity that is asked for, and the proof that the
/// asker has the private key.
final class SigningRequest {
    private let handle: OpaquePointer
    /// The identity that is asked for.
    let peer: PeerIdentity
    /// The names beside the identity.
    let names: AlternativeNames

    /// Makes a request.
    static func pem(for peer: PeerIdentity, alternativeNames: String, key: PrivateKey) throws -> [UInt8] {
        ERR_clear_error()
        guard let request = X509_REQ_new() else {
            throw IdentityError.openSSL("a certificate request", OpenSSLErrors.drain())
        }
        defer { X509_REQ_free(request) }
        guard X509_REQ_set_version(request, 0) == 1, X509_REQ_set_pubkey(request, key.handle) == 1,
            CertificateBuilder.setCommonName(
                X509_REQ_get_subject_name(request),
                peer.shortName
            ),
            shim_request_add_extension(request, NID_subject_alt_name, alternativeNames) == 1,
            X509_REQ_sign(request, key.handle, EVP_sha256()) > 0,
            let bytes = collectBIO({ PEM_write_bio_X509_REQ($0, request) == 1 })
        else { throw IdentityError.openSSL("a certificate request", OpenSSLErrors.drain()) }
        return bytes
    }

    /// Reads a request and checks its own signature, its key's strength and its identity.
    init(pem: [UInt8], path: String) throws {
        ERR_clear_error()
        guard let handle = withReadBIO(pem, { PEM_read_bio_X509_REQ($0, nil, nil, nil) }) else {
            throw IdentityError(
                .badRequest,
                path: path,
                "\(path) is no PEM certificate request: \(OpenSSLErrors.drain())",
                fix: "Make the request anew at the site that shall use it."
            )
        }
        self.handle = handle
        names = AlternativeNames(taking: shim_request_names(handle))
        let ours = names.uris.filter { $0.hasPrefix("tributary://") }
        guard ours.count == 1, let peer = PeerIdentity(uri: ours[0]) else {
            X509_REQ_free(handle)
            throw IdentityError(
                .badRequest,
                path: path,
                "\(path) does not ask for exactly one Tributary identity",
                fix: "Make the request with `tributary provision request`."
            )
        }
        self.peer = peer
        guard let key = X509_REQ_get0_pubkey(handle), X509_REQ_verify(handle, key) == 1,
            EVP_PKEY_get_security_bits(key) >= 112
        else {
            throw IdentityError(
                .badRequest,
                path: path,
                "\(path) is not signed by its own key, or the key is too weak: \(OpenSSLErrors.drain())",
                fix: "Make the request anew; P-256 keys are strong enough."
            )
        }
    }

    deinit { X509_REQ_free(handle) }

    /// The public key to be certified.
    func publicKey() throws -> PrivateKey {
        ERR_clear_error()
        guard let key = X509_REQ_get_pubkey(handle) else {
            throw IdentityError.openSSL("the key of a request", OpenSSLErrors.drain())
        }
        return PrivateKey(taking: key)
    }
}
