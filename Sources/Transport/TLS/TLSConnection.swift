internal import COpenSSL
internal import NIOCore

/// One TLS connection between two memory buffers: bytes from the network go in, bytes for the network
/// come out. It knows no sockets; `TLSHandler` moves the bytes.
///
/// Confined to its channel's event loop. Every call clears the thread's error queue, makes one OpenSSL
/// call, and drains the queue into the error it returns; the caller takes the output after every call,
/// failed ones included, since any call may produce some.
final class TLSConnection {
    /// How far a call has come.
    enum Outcome<Value> {
        /// More bytes from the peer are needed.
        case incomplete
        /// Done.
        case complete(Value)
        /// The connection is beyond use.
        case failed(TransportError)
    }

    /// What reading has come to.
    enum ReadOutcome {
        /// All that was there is decrypted.
        case incomplete
        /// The peer has said that it sends no more.
        case closeNotify
        /// The connection is beyond use.
        case failed(TransportError)
    }

    /// Whether this side listens.
    let isServer: Bool
    /// The host that is connected to; nil on the listening side.
    let host: String?
    /// Why the peer's certificate was refused, as the verification callback saw it.
    private(set) var refusal: TransportError?

    private let own: PeerIdentity
    private let ssl: OpaquePointer
    private let context: TLSContextHandle
    /// Owned by `ssl`.
    private let fromNetwork: OpaquePointer
    private let toNetwork: OpaquePointer

    init(context: TLSContextHandle, own: PeerIdentity, host: String?) throws {
        ERR_clear_error()
        guard let ssl = SSL_new(context.pointer), let fromNetwork = shim_memory_bio(),
            let toNetwork = shim_memory_bio()
        else { throw TransportError.openSSL("a TLS connection", OpenSSLErrors.drain()) }
        SSL_set_bio(ssl, fromNetwork, toNetwork)
        self.context = context
        self.own = own
        self.host = host
        self.ssl = ssl
        self.fromNetwork = fromNetwork
        self.toNetwork = toNetwork
        isServer = own.role == .coordinator
        precondition(isServer == (host == nil), "a coordinator listens and a client connects to a host")
        if let host { try expect(host) } else { SSL_set_accept_state(ssl) }
        // The callback finds this object through the connection's data. Unretained is right: OpenSSL calls
        // back only from inside the methods below, and `deinit` frees the connection.
        SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
        SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT) { isGood, store in
            let index = SSL_get_ex_data_X509_STORE_CTX_idx()
            guard let ssl = X509_STORE_CTX_get_ex_data(store, index),
                let data = SSL_get_ex_data(OpaquePointer(ssl), 0)
            else { return 0 }
            let connection = Unmanaged<TLSConnection>.fromOpaque(data).takeUnretainedValue()
            return connection.judge(store, isGood: isGood == 1) ? 1 : 0
        }
    }

    deinit { SSL_free(ssl) }

    private func expect(_ host: String) throws {
        SSL_set_connect_state(ssl)
        let parameters = SSL_get0_param(ssl)
        X509_VERIFY_PARAM_set_hostflags(
            parameters,
            UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS) | UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)
        )
        if AlternativeNames.address(host) != nil {
            guard X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1 else { throw badHost(host) }
        } else {
            guard AlternativeNames.isHostName(host),
                X509_VERIFY_PARAM_set1_host(parameters, host, host.utf8.count) == 1,
                shim_set_server_name(ssl, host) == 1
            else { throw badHost(host) }
        }
    }

    private func badHost(_ host: String) -> TransportError {
        ERR_clear_error()
        return TransportError(
            .badAddress,
            "'\(host)' is neither a DNS name nor an IP address",
            fix: "Give the coordinator's host without port or scheme."
        )
    }

    // MARK: - Verbs

    /// Takes bytes from the network.
    func receive(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 0 else { return }
        ERR_clear_error()
        let taken = BIO_write(fromNetwork, bytes.baseAddress, Int32(bytes.count))
        precondition(taken == bytes.count, "OpenSSL is out of memory")
    }

    /// Bytes for the network, appended to `buffer`.
    func takeOutput(into buffer: inout ByteBuffer) {
        ERR_clear_error()
        let pending = BIO_ctrl_pending(toNetwork)
        guard pending > 0 else { return }
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: pending) { target in
            max(0, Int(BIO_read(toNetwork, target.baseAddress, Int32(pending))))
        }
    }

    /// Goes on with the handshake; complete with the peer's identity, which is verified then.
    func handshake() -> Outcome<PeerIdentity> {
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        guard result != 1 else { return admit() }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
            return .incomplete
        default:
            return .failed(failure(OpenSSLErrors.drain(), isHandshake: true))
        }
    }

    /// Decrypts what has come, appended to `buffer`.
    func read(into buffer: inout ByteBuffer) -> ReadOutcome {
        while true {
            ERR_clear_error()
            let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 16_384) { target in
                var count = 0
                return SSL_read_ex(ssl, target.baseAddress, min(target.count, 1 << 20), &count) == 1
                    ? count : 0
            }
            if count > 0 { continue }
            switch SSL_get_error(ssl, 0) {
            case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .incomplete
            case SSL_ERROR_ZERO_RETURN: return .closeNotify
            default: return .failed(failure(OpenSSLErrors.drain(), isHandshake: false))
            }
        }
    }

    /// Encrypts bytes; the output must be taken before the next call, which bounds OpenSSL's buffer.
    func write(_ bytes: UnsafeRawBufferPointer) -> TransportError? {
        guard bytes.count > 0 else { return nil }
        ERR_clear_error()
        var written = 0
        guard SSL_write_ex(ssl, bytes.baseAddress, bytes.count, &written) == 1, written == bytes.count else {
            return failure(OpenSSLErrors.drain(), isHandshake: false)
        }
        return nil
    }

    /// Says that this side sends no more.
    func sendCloseNotify() {
        ERR_clear_error()
        _ = SSL_shutdown(ssl)
        ERR_clear_error()
    }

    // MARK: - Judging the peer

    /// What OpenSSL has verified is asked for again, so that a mistake above fails closed.
    private func admit() -> Outcome<PeerIdentity> {
        guard SSL_version(ssl) == TLS1_3_VERSION else {
            return .failed(.protocolVersion("it negotiated another version"))
        }
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &name, &count)
        let chosen = String(decoding: UnsafeBufferPointer(start: name, count: Int(count)), as: UTF8.self)
        guard chosen == String(cString: shim_alpn_name) else {
            return .failed(.applicationProtocol(chosen.isEmpty ? "none" : "'\(chosen)'"))
        }
        guard SSL_get_verify_result(ssl) == Int(X509_V_OK), let handle = SSL_get1_peer_certificate(ssl) else {
            return .failed(.noCertificate())
        }
        let certificate = Certificate(taking: handle)
        if let refusal = own.refusal(of: certificate) { return .failed(refusal) }
        guard let peer = certificate.identity else { return .failed(.noCertificate()) }
        return .complete(peer)
    }

    private func judge(_ store: OpaquePointer?, isGood: Bool) -> Bool {
        let certificate = X509_STORE_CTX_get_current_cert(store).flatMap { handle -> Certificate? in
            X509_up_ref(handle) == 1 ? Certificate(taking: handle) : nil
        }
        let depth = X509_STORE_CTX_get_error_depth(store)
        guard isGood else {
            let verdict = X509_STORE_CTX_get_error(store)
            // A policy check may report further errors after the first; the first is the cause.
            if refusal == nil {
                refusal = .verification(
                    verdict,
                    depth: depth,
                    certificate: certificate,
                    host: host,
                    chainText: String(cString: X509_verify_cert_error_string(Int(verdict)))
                )
            }
            return false
        }
        guard depth == 0 else { return true }
        guard let certificate, let wrong = own.refusal(of: certificate) else { return certificate != nil }
        refusal = wrong
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION)
        return false
    }

    private func failure(_ errors: OpenSSLErrors, isHandshake: Bool) -> TransportError {
        if isHandshake, let refusal, errors.contains(ssl: SSL_R_CERTIFICATE_VERIFY_FAILED) { return refusal }
        return .tls(errors, isServer: isServer, isHandshake: isHandshake)
    }
}
