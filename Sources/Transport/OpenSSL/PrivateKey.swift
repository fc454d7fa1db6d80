internal import COpenSSL

/// A private key (or the public half of one) in OpenSSL's hands.
///
/// The object never changes after `init` and OpenSSL counts its references atomically.
final class PrivateKey: @unchecked Sendable {
    let handle: OpaquePointer

    /// Takes over a reference.
    init(taking handle: OpaquePointer) { self.handle = handle }

    /// Makes a new ECDSA key on P-256.
    static func generate() throws -> PrivateKey {
        ERR_clear_error()
        guard let handle = shim_p256_key() else {
            throw IdentityError.openSSL("a new P-256 key", OpenSSLErrors.drain())
        }
        return PrivateKey(taking: handle)
    }

    /// Reads an unencrypted private key.
    init(pem: [UInt8], path: String) throws {
        ERR_clear_error()
        // The password callback answers "none", or OpenSSL would ask at the terminal.
        let handle = withReadBIO(pem) { PEM_read_bio_PrivateKey($0, nil, { _, _, _, _ in 0 }, nil) }
        guard let handle else {
            throw IdentityError(
                .unreadable,
                path: path,
                "\(path) holds no unencrypted private key: \(OpenSSLErrors.drain())",
                fix: "Put the PEM file there that was made together with the certificate."
            )
        }
        self.handle = handle
    }

    deinit { EVP_PKEY_free(handle) }

    /// SHA-256 of the public half (SubjectPublicKeyInfo) in hexadecimal digits.
    func fingerprint() throws -> String {
        ERR_clear_error()
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = i2d_PUBKEY(handle, &bytes)
        guard count > 0, let bytes else { throw IdentityError.openSSL("a public key", OpenSSLErrors.drain()) }
        defer { CRYPTO_free(bytes, #file, #line) }
        var digest = [UInt8](repeating: 0, count: 32)
        guard EVP_Digest(bytes, Int(count), &digest, nil, EVP_sha256(), nil) == 1 else {
            throw IdentityError.openSSL("a public key", OpenSSLErrors.drain())
        }
        return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The key as an unencrypted PKCS #8 PEM file.
    func pem() throws -> [UInt8] {
        ERR_clear_error()
        let bytes = collectBIO { PEM_write_bio_PKCS8PrivateKey($0, handle, nil, nil, 0, nil, nil) == 1 }
        guard let bytes else { throw IdentityError.openSSL("writing a key", OpenSSLErrors.drain()) }
        return bytes
    }
}
