internal import COpenSSL

/// The OpenSSL library of this process.
package enum TLSLibrary {
    /// Its version, such as `3.0.17`.
    package static var version: String { String(cString: OpenSSL_version(OPENSSL_VERSION_STRING)) }
}
