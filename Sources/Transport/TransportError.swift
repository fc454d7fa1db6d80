/// Why a connection could not be made or is over, and what the reader can do about it.
///
/// Two errors are equal when their codes are.
package struct TransportError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What went wrong.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        // Reaching the other side
        case unknownHost, refused, unreachable, connectTimeout, addressInUse, cannotBind, badAddress
        // The proxy on the way
        case badProxy, proxyUnavailable, proxyAuthentication, proxyForbids
        // The handshake
        case handshakeTimeout, handshakeFailed, probe, notTLS, protocolVersion, applicationProtocol
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

    /// Whether the same attempt can succeed later without a person doing something here.
    package enum Outlook: Sendable, Hashable {
        /// It can: networks recover, programs restart, certificates are renewed, clocks are set.
        case passing
        /// It can, if it is what something between says while the coordinator restarts, such as a load
        /// balancer's page. If it goes on for long, it is what it looks like.
        case doubtful
        /// It cannot: names, keys and roles do not change by themselves.
        case lasting
    }

    /// What to expect of another attempt.
    package var outlook: Outlook {
        switch code {
        case .refused, .unreachable, .connectTimeout, .handshakeTimeout, .handshakeFailed, .unknownHost,
            .probe,
            .proxyUnavailable, .expired, .notYetValid, .revocationListUnusable, .ownCertificateExpired,
            .truncated, .closedWithoutNotice, .reset, .sendTimeout, .closed, .tooManyConnections:
            .passing
        case .notTLS, .protocolVersion, .applicationProtocol, .ownCertificateBad, .proxyForbids: .doubtful
        case .addressInUse, .cannotBind, .badAddress, .badProxy, .proxyAuthentication, .noCertificate,
            .unknownAuthority, .revoked, .hostNameMismatch, .wrongFederation, .wrongRole, .noIdentity,
            .badCertificate, .ownCertificateMissing, .ownAuthorityUnknown, .ownCertificateRevoked,
            .ownIdentityRefused, .tooMuchBeforeHandshake, .protocolViolation, .internalFailure:
            .lasting
        }
    }

    /// Equality by code.
    package static func == (one: TransportError, two: TransportError) -> Bool { one.code == two.code }
}
