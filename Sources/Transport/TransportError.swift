/// Why a connection could not be made or is over, and what the reader can do about it.
///
/// Two errors are equal when their codes are.
package struct TransportError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What went wrong.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        // Reaching the other side
        case unknownHost, refused, unreachable, connectTimeout, addressInUse, cannotBind, badAddress
        // The handshake
        case handshakeTimeout, handshakeFailed, notTLS, protocolVersion, applicationProtocol
        // The peer's certificate, as we judge it
        case noCertificate, unknownAuthority, expired, notYetValid, revoked, revocationListUnusable
        case hostNameMismatch, wrongFederation, wrongRole, noIdentity, badCertificate
        // Our certificate, as the peer judges it
        case ownCertificateMissing, ownAuthorityUnknown, ownCertificateExpired, ownCertificateRevoked
        case ownIdentityRefused, ownCertificateBad
        // An established connection
        case truncated, closedWithoutNotice, reset, sendTimeout, closed, tooMuchBeforeHandshake,
            protocolViolation
        // Ours
        case tooManyConnections, internalFailure
    }

    /// What went wrong.
    package let code: Code
    /// What happened, with names and values; one sentence.
    package let message: String
    /// What the reader can do about it; one sentence.
    package let fix: String

    /// Takes the parts as they are.
    package init(_ code: Code, _ message: String, fix: String) {
        self.code = code
        self.message = message
        self.fix = fix
    }

    /// The message, then what to do.
    package var description: String { "\(message) (\(code.rawValue)). \(fix)" }

    /// Whether trying again later can succeed without a person doing something: true for networks and
    /// restarts, false for certificates and names.
    package var isTransient: Bool {
        switch code {
        case .refused, .unreachable, .connectTimeout, .handshakeTimeout, .handshakeFailed, .unknownHost,
            .truncated, .closedWithoutNotice, .reset, .sendTimeout, .closed, .tooManyConnections:
            true
        case .addressInUse, .cannotBind, .badAddress, .notTLS, .protocolVersion, .applicationProtocol,
            .noCertificate, .unknownAuthority, .expired, .notYetValid, .revoked, .revocationListUnusable,
            .hostNameMismatch, .wrongFederation, .wrongRole, .noIdentity, .badCertificate,
            .ownCertificateMissing, .ownAuthorityUnknown, .ownCertificateExpired, .ownCertificateRevoked,
            .ownIdentityRefused, .ownCertificateBad, .tooMuchBeforeHandshake, .protocolViolation,
            .internalFailure:
            false
        }
    }

    /// Equality by code.
    package static func == (one: TransportError, two: TransportError) -> Bool { one.code == two.code }
}
