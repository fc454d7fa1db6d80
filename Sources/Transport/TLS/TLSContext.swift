internal import COpenSSL
package import FoundationEssentials
internal import Synchronization

/// The TLS settings of one program: its identity, whom it trusts and whom it no longer does.
///
/// TLS 1.3 only, the peer's certificate is required and verified, ALPN `tributary/1`. There is nothing to
/// configure and no way to turn a check off. The identity says the side: a coordinator listens, a client
/// connects.
package final class TLSContext: Sendable {
    private struct State {
        var identity: Identity
        var handle: TLSContextHandle
        var stamps: [String]
    }

    private let state: Mutex<State>
    private let directory: String

    /// Reads an identity's folder.
    /// - Parameter checksTime: false to read also a certificate that is not valid now, see `timeFault`.
    /// - Throws: `IdentityError`.
    package init(directory: String, now: Date, checksTime: Bool = true) throws {
        self.directory = directory
        state = Mutex(try TLSContext.read(directory, now: now, checksTime: checksTime))
    }

    private static func read(_ directory: String, now: Date, checksTime: Bool) throws -> State {
        // Taken before the files are read, so that a change meanwhile shows afterwards.
        let stamps = IdentityFiles(directory: directory).stamps
        let identity = try Identity.load(directory: directory, now: now, checksTime: checksTime)
        return State(identity: identity, handle: try TLSContextHandle(identity), stamps: stamps)
    }

    /// What is wrong with the certificate's time at a moment; nil if it is valid then.
    package func timeFault(at now: Date) -> IdentityError? { identity.timeFault(at: now) }

    /// What of the identity ends when.
    package var expiries: [Expiry] { identity.expiries }

    /// Whether the folder's files are other ones than those that were read.
    package var hasChanged: Bool {
        state.withLock { $0.stamps } != IdentityFiles(directory: directory).stamps
    }

    /// Who this program is.
    package var identity: Identity { state.withLock { $0.identity } }

    /// Reads the folder anew, so that new connections use the new certificate and revocation list. On an
    /// error everything stays as it was.
    ///
    /// Connections that are there go on; ask `isRevoked` about their peers.
    package func reload(now: Date, checksTime: Bool = true) throws {
        let fresh = try TLSContext.read(directory, now: now, checksTime: checksTime)
        let identity = fresh.identity
        let old = self.identity
        guard identity.peer.uri == old.peer.uri else {
            throw IdentityError(
                .wrongIdentity,
                path: directory,
                "\(directory) now holds '\(identity.peer)' instead of '\(old.peer)'",
                fix: "Restart the program if it shall have another identity."
            )
        }
        // Of several lists, as while an authority is replaced, the newest counts.
        let newest = identity.revocations.map(\.lastUpdate).max() ?? .distantPast
        let oldNewest = old.revocations.map(\.lastUpdate).max() ?? .distantPast
        guard newest >= oldNewest else {
            let path = IdentityFiles(directory: directory).revocations
            throw IdentityError(
                .unreadable,
                path: path,
                "\(path) is of \(timeText(newest)), older than the list in use, of "
                    + timeText(oldNewest),
                fix: "Copy the authority's newest crl.pem there."
            )
        }
        state.withLock { $0 = fresh }
    }

    /// Whether the revocation list, as last read, names the certificate of a peer that is connected.
    package func isRevoked(_ peer: PeerIdentity) -> Bool {
        state.withLock { $0.identity.revokedSerials.contains(peer.serial) }
    }

    /// The state of one new connection.
    /// - Parameter host: the host that is connected to; nil on the listening side.
    func connection(host: String?) throws -> TLSConnection {
        let (handle, identity) = state.withLock { ($0.handle, $0.identity) }
        return try TLSConnection(context: handle, own: identity.peer, host: host)
    }
}

/// An `SSL_CTX`, complete after `init` and never changed again; OpenSSL locks what its connections share.
final class TLSContextHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    init(_ identity: Identity) throws {
        ERR_clear_error()
        let isServer = identity.peer.role == .coordinator
        guard let context = SSL_CTX_new(isServer ? TLS_server_method() : TLS_client_method()) else {
            throw IdentityError.openSSL("a TLS context", OpenSSLErrors.drain())
        }
        pointer = context
        guard shim_ctx_harden(context) == 1, shim_ctx_require_alpn(context, isServer ? 1 : 0) == 1 else {
            throw IdentityError.openSSL("TLS 1.3 settings", OpenSSLErrors.drain())
        }
        guard SSL_CTX_use_certificate(context, identity.chain[0].handle) == 1,
            SSL_CTX_use_PrivateKey(context, identity.key.handle) == 1,
            SSL_CTX_check_private_key(context) == 1,
            identity.chain.dropFirst().allSatisfy({ shim_ctx_add_chain(context, $0.handle) == 1 })
        else {
            throw IdentityError(
                .unreadable,
                path: identity.directory,
                "OpenSSL refuses the certificate or key in \(identity.directory): \(OpenSSLErrors.drain())",
                fix: "Use P-256 keys or RSA keys of at least 2048 bits, signed with SHA-256."
            )
        }
        let store = SSL_CTX_get_cert_store(context)
        for authority in identity.authorities {
            guard X509_STORE_add_cert(store, authority.handle) == 1,
                !isServer || SSL_CTX_add_client_CA(context, authority.handle) == 1
            else { throw IdentityError.openSSL("the authority's certificate", OpenSSLErrors.drain()) }
        }
        guard identity.revocations.allSatisfy({ X509_STORE_add_crl(store, $0.handle) == 1 }),
            X509_STORE_set_flags(store, UInt(X509_V_FLAG_CRL_CHECK)) == 1
        else { throw IdentityError.openSSL("the revocation list", OpenSSLErrors.drain()) }
        // Each connection sets the same mode with its own callback; this one is the fallback.
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    }

    deinit { SSL_CTX_free(pointer) }
}
