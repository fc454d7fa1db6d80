internal import COpenSSL
internal import FoundationEssentials

extension PeerIdentity {
    /// Why a peer whose certificate our authority has signed is still the wrong one; nil if it is not. The
    /// coordinator wants clients and operators of its federation, those want its federation's coordinator.
    func refusal(of certificate: Certificate) -> TransportError? {
        let uris = certificate.names.uris
        guard let peer = certificate.identity else {
            return TransportError(
                .noIdentity,
                "the peer's certificate carries no single Tributary identity (URIs: \(uris))",
                fix: "Give the peer a certificate that `tributary provision` has issued."
            )
        }
        guard peer.federation == federation else {
            return TransportError(
                .wrongFederation,
                "the peer is '\(peer)', not of the federation '\(federation)'",
                fix: "Use certificates of one federation on both sides."
            )
        }
        switch (role, peer.role) {
        case (.coordinator, .client), (.coordinator, .operator), (.client, .coordinator),
            (.operator, .coordinator):
            return nil
        case (.coordinator, .coordinator), (.client, _), (.operator, _):
            return TransportError(
                .wrongRole,
                "the peer is '\(peer)', which is not the other side of such a connection",
                fix: "Give each program its own folder of certificates, and connect to the coordinator."
            )
        }
    }
}

extension TransportError {
    static func openSSL(_ action: String, _ errors: OpenSSLErrors) -> TransportError {
        TransportError(
            .internalFailure,
            "OpenSSL failed at \(action): \(errors)",
            fix: "Check memory and the OpenSSL installation."
        )
    }

    static func protocolVersion(_ detail: String) -> TransportError {
        TransportError(
            .protocolVersion,
            "the peer does not speak TLS 1.3: \(detail)",
            fix: "Make sure that a Tributary program, and no proxy that ends TLS, is on the other side."
        )
    }

    static func applicationProtocol(_ offered: String) -> TransportError {
        TransportError(
            .applicationProtocol,
            "the peer does not speak tributary/1 (it offers \(offered))",
            fix: "Make sure that a Tributary program of this version is on the other side."
        )
    }

    static func noCertificate() -> TransportError {
        TransportError(
            .noCertificate,
            "the peer has presented no certificate",
            fix: "Start the peer with the folder of certificates that was made for it."
        )
    }

    /// The verdict of OpenSSL on the peer's certificate (X509_V_ERR_…).
    static func verification(
        _ verdict: Int32,
        depth: Int32,
        certificate: Certificate?,
        host: String?,
        chainText: String
    ) -> TransportError {
        let name = certificate?.identity?.uri ?? certificate?.authorityOf.map { "the authority of '\($0)'" }
        let whose = depth == 0 ? "the peer's certificate" : "a certificate above the peer's"
        let subject = name.map { "\(whose) (\($0), serial \(certificate?.serial ?? "?"))" } ?? whose
        switch verdict {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            let end = certificate.map { timeText($0.notAfter) } ?? "?"
            return TransportError(
                .expired,
                "\(subject) expired at \(end)",
                fix: "Renew it, or correct this machine's clock."
            )
        case X509_V_ERR_CERT_NOT_YET_VALID:
            let start = certificate.map { timeText($0.notBefore) } ?? "?"
            return TransportError(
                .notYetValid,
                "\(subject) is valid only from \(start)",
                fix: "Correct the clock that is wrong."
            )
        case X509_V_ERR_CERT_REVOKED:
            return TransportError(
                .revoked,
                "\(subject) has been revoked",
                fix: "Add the peer anew if it shall take part again."
            )
        case X509_V_ERR_CRL_HAS_EXPIRED, X509_V_ERR_CRL_NOT_YET_VALID, X509_V_ERR_UNABLE_TO_GET_CRL,
            X509_V_ERR_CRL_SIGNATURE_FAILURE:
            return TransportError(
                .revocationListUnusable,
                "our crl.pem cannot be used: \(chainText)",
                fix: "Copy the authority's current crl.pem and reload."
            )
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            return TransportError(
                .hostNameMismatch,
                "\(subject) is not for '\(host ?? "?")' but for \(certificate?.names.hosts ?? [])",
                fix: "Connect by one of its names, or provision the coordinator with this name too."
            )
        case X509_V_ERR_INVALID_PURPOSE:
            return TransportError(
                .wrongRole,
                "\(subject) is not for this side of a connection",
                fix: "Give each program its own folder of certificates, and connect to the coordinator."
            )
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_SIGNATURE_FAILURE,
            X509_V_ERR_CERT_UNTRUSTED, X509_V_ERR_INVALID_CA:
            return TransportError(
                .unknownAuthority,
                "\(subject) is not signed by our authority: \(chainText)",
                fix: "Use certificates and ca.crt of one federation on both sides."
            )
        default:
            return TransportError(
                .badCertificate,
                "\(subject) is refused: \(chainText)",
                fix: "Give the peer a certificate that `tributary provision` has issued."
            )
        }
    }

    /// An error of the TLS protocol itself.
    static func tls(_ errors: OpenSSLErrors, isServer: Bool, isHandshake: Bool) -> TransportError {
        if let refused = alert(errors) { return refused }
        if errors.contains(ssl: SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) { return .noCertificate() }
        if errors.contains(ssl: SSL_R_NO_APPLICATION_PROTOCOL) {
            return .applicationProtocol("another protocol")
        }
        // Our client-hello callback refuses for one reason only.
        if errors.contains(ssl: SSL_R_CALLBACK_FAILED) { return .applicationProtocol("none") }
        if [SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_WRONG_SSL_VERSION].contains(where: errors.contains(ssl:)) {
            return .protocolVersion(errors.description)
        }
        if [SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST].contains(where: errors.contains(ssl:)) {
            return .notTLS("plain HTTP")
        }
        let garbage = [
            SSL_R_WRONG_VERSION_NUMBER, SSL_R_PACKET_LENGTH_TOO_LONG, SSL_R_ENCRYPTED_LENGTH_TOO_LONG,
            SSL_R_UNEXPECTED_MESSAGE, SSL_R_BAD_RECORD_TYPE, SSL_R_UNKNOWN_PROTOCOL, SSL_R_UNEXPECTED_RECORD,
            SSL_R_RECORD_LENGTH_MISMATCH, SSL_R_LENGTH_MISMATCH,
        ]
        if isHandshake, garbage.contains(where: errors.contains(ssl:)) { return .notTLS(errors.description) }
        return TransportError(
            isHandshake ? .handshakeFailed : .protocolViolation,
            "TLS \(isHandshake ? "handshake" : "connection") failed: \(errors)",
            fix: isServer ? "Look at the peer's log." : "Look at the coordinator's log."
        )
    }

    static func notTLS(_ detail: String) -> TransportError {
        TransportError(
            .notTLS,
            "the other side does not speak TLS (\(detail))",
            fix: "Check host and port: something else than a Tributary program is there."
        )
    }

    /// What the peer says against us in a TLS alert; nil when it has sent none.
    private static func alert(_ errors: OpenSSLErrors) -> TransportError? {
        let ours = "Our certificate is refused by the other side: "
        let alerts: [(Int32, Code, String, String)] = [
            (
                SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, .ownCertificateMissing, "it got none",
                "Check the certificate folder."
            ),
            (
                SSL_R_TLSV1_ALERT_UNKNOWN_CA, .ownAuthorityUnknown, "it does not know our authority",
                "Use certificates of one federation on both sides."
            ),
            (
                SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, .ownCertificateExpired, "it has expired",
                "Renew it, and check both clocks."
            ),
            (
                SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, .ownCertificateRevoked, "it has been revoked",
                "Ask the federation's operator to add this client anew."
            ),
            (
                SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, .ownIdentityRefused,
                "it is for another role or federation",
                "Use the folder that was made for this program."
            ),
            (
                SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, .ownIdentityRefused, "it is for another purpose",
                "Use the folder that was made for this program."
            ),
            (
                SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, .ownCertificateBad, "bad certificate",
                "Look at the other side's log."
            ),
            (
                SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, .ownCertificateBad, "it cannot be judged",
                "Look at the other side's log."
            ),
        ]
        for (reason, code, text, fix) in alerts where errors.contains(ssl: reason) {
            return TransportError(code, ours + text, fix: fix)
        }
        if errors.contains(ssl: SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL) {
            return .applicationProtocol("another protocol")
        }
        if errors.contains(ssl: SSL_R_TLSV1_ALERT_PROTOCOL_VERSION) {
            return .protocolVersion("it refused our version")
        }
        return nil
    }
}
