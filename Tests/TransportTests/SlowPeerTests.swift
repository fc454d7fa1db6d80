import COpenSSL
import Foundation
import Glibc
import NIOCore
import Testing
import Wire

@testable import Transport

extension SocketTests {
    @Suite("Peers that are slow, or answer without reading")
    struct SlowPeers {
        @Test("a peer that takes frames slowly is not stuck, however long all of them take")
        func slowIsAlive() async throws {
            let federation = try TestFederation()
            var settings = TransportSettings()
            settings.sendTimeout = .milliseconds(400)
            let done = Completion<Int>()
            try await Station.run(federation, settings: settings) { connection in
                do {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for _ in 0..<16 { group.addTask { try await connection.send(.chunk(1 << 16)) } }
                        try await group.waitForAll()
                    }
                    done.finish(.success(connection.traffic.bytesOut))
                } catch {
                    done.finish(.failure(error))
                }
            } _: { station in
                let peer = try BlockingPeer(station, receiveBytes: 16_384)
                // 1 MiB in 64 KiB sips takes three times the send timeout.
                let reading = Task.detachedThread {
                    var taken = 0
                    while taken < 1 << 20, let count = peer.read(65_536) {
                        taken += count
                        usleep(60_000 * UInt32(count) / 65_536)
                    }
                    return taken
                }

                #expect(try await done.value() > 1 << 20)
                #expect(await reading() >= 1 << 20)
                peer.close()
            }
        }

        @Test("key updates that are asked for and never read do not pile up answers")
        func keyUpdates() async throws {
            let federation = try TestFederation()
            let admitted = Completion<any Connection>()
            let never = Completion<Void>()
            try await Station.run(federation) { connection in
                admitted.finish(.success(connection))
                try await never.value()
            } _: { station in
                let peer = try BlockingPeer(station, receiveBytes: 4_096)
                let asking = Task.detachedThread { peer.askForKeyUpdates(400_000, seconds: 1.5) }
                let connection = try await admitted.value()
                let asked = await asking()
                // A key update and its answer have the same size, so this is what waits for the peer; the
                // handshake and what was read at once come on top of the bound: far less than ten million asked for.
                let waiting = connection.traffic.bytesIn - connection.traffic.bytesOut

                #expect(asked > 1_000)
                #expect(waiting < 1 << 20, "\(waiting) B wait for a peer that reads nothing")
                peer.close()
            }
        }
    }
}

extension Task where Success == Never, Failure == Never {
    /// Runs blocking work on a thread of its own at once; call the result to wait for it.
    static func detachedThread<Value: Sendable>(
        _ body: @escaping @Sendable () -> Value
    ) -> @Sendable () async -> Value {
        let done = Completion<Value>()
        Thread { done.finish(.success(body())) }.start()
        return { do { return try await done.value() } catch { fatalError("\(error)") } }
    }
}

/// A client on a blocking socket with OpenSSL's own calls, for what a well-behaved one never does.
final class BlockingPeer: @unchecked Sendable {
    // Used by one thread after the other.
    private let descriptor: Int32
    private let context: OpaquePointer
    private let ssl: OpaquePointer

    init(_ station: Station, receiveBytes: Int32) throws {
        let folder = station.federation.clientDirectory("ada")
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        var bytes = receiveBytes
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, 4)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(station.listener.port).bigEndian)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        context = try #require(SSL_CTX_new(TLS_client_method()))
        #expect(shim_ctx_require_alpn(context, 0) == 1)
        #expect(SSL_CTX_use_certificate_file(context, "\(folder)/identity.crt", SSL_FILETYPE_PEM) == 1)
        #expect(SSL_CTX_use_PrivateKey_file(context, "\(folder)/identity.key", SSL_FILETYPE_PEM) == 1)
        ssl = try #require(SSL_new(context))
        SSL_set_fd(ssl, descriptor)
        try #require(isConnected && SSL_connect(ssl) == 1)
    }

    /// Reads up to `count` bytes; nil at the end.
    func read(_ count: Int) -> Int? {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = SSL_read(ssl, &bytes, Int32(count))
        return got > 0 ? Int(got) : nil
    }

    /// Asks again and again for a key update and reads no answer; how often it could before the time is up.
    func askForKeyUpdates(_ count: Int, seconds: Double) -> Int {
        var limit = timeval(tv_sec: 0, tv_usec: 100_000)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let end = Date().addingTimeInterval(seconds)
        for asked in 0..<count {
            guard Date() < end, SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1, SSL_do_handshake(ssl) == 1
            else { return asked }
        }
        return count
    }

    func close() { Glibc.close(descriptor) }

    deinit {
        SSL_free(ssl)
        SSL_CTX_free(context)
    }
}
