/// What is wrong with a certificate, a key or their files, and what the reader can do about it.
///
/// Two errors are equal when their codes are.
package struct IdentityError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What went wrong.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// A file that must be there is not.
        case missingFile
        /// A file cannot be read, or is not what its name says.
        case unreadable
        /// A private key can be read by others than its owner.
        case openPermissions
        /// The key is not the one of the certificate.
        case keyMismatch
        /// The certificate or list is not of the authority beside it.
        case wrongAuthority
        /// The certificate is past its end.
        case expired
        /// The certificate's time has not come.
        case notYetValid
        /// The certificate carries no Tributary identity, or not the one that is needed.
        case wrongIdentity
        /// A name is not allowed.
        case badName
        /// Something is there already and is never overwritten.
        case alreadyExists
        /// The certificate has been revoked.
        case revoked
        /// A file or folder cannot be written.
        case unwritable
        /// A certificate request cannot be signed.
        case badRequest
        /// OpenSSL has failed without the reader's fault.
        case openSSL
    }

    /// What went wrong.
    package let code: Code
    /// The file or folder, where there is one.
    package let path: String
    /// What happened, with names and values; one sentence.
    package let message: String
    /// What the reader can do about it; one sentence.
    package let fix: String

    /// Takes the parts as they are.
    package init(_ code: Code, path: String = "", _ message: String, fix: String) {
        self.code = code
        self.path = path
        self.message = message
        self.fix = fix
    }

    /// The message, then what to do.
    package var description: String { "\(message). \(fix)" }

    /// Equality by code.
    package static func == (one: IdentityError, two: IdentityError) -> Bool { one.code == two.code }

    static func openSSL(_ action: String, _ errors: OpenSSLErrors) -> IdentityError {
        IdentityError(
            .openSSL,
            "OpenSSL failed at \(action): \(errors)",
            fix: "Check the OpenSSL installation."
        )
    }
}
