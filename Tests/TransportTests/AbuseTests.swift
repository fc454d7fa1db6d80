import Foundation
import NIOCore
import NIOPosix
import Testing
import Wire

@testable import Transport

extension SocketTests {
    @Suite("Peers that misbehave")
    struct Abuse {
        private func withRaw(
            _ federation: TestFederation,
            tls: Bool,
            settings: TransportSettings = TransportSettings(),
            handler: @escaping @Sendable (any Connection) async throws -> Void = Station.echo,
            _ body: (Station, RawClient) async throws -> Void
        ) async throws {
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            try await Station.run(federation, settings: settings, handler: handler) { station in
                let raw = try await RawClient.connect(
                    port: station.listener.port,
                    context: tls ? try federation.client() : nil,
                    group: group
                )
                try await body(station, raw)
                raw.abort()
                await raw.close()
            }
            try await group.shutdownGracefully()
        }

        @Test(
            "plain HTTP and garbage are named as what they are",
            arguments: [
                "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST /x HTTP/1.0\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
                String(repeating: "x", count: 5000),
            ]
        )
        func notTLS(text: String) async throws {
            let federation = try TestFederation()
            try await withRaw(federation, tls: false) { station, raw in
                try await raw.send(Array(text.utf8))
                #expect(await station.log.refusal() == "notTLS")
                for await _ in raw.received {}
            }
        }

        @Test("bytes at random never get in and never stop the listener")
        func fuzz() async throws {
            let federation = try TestFederation()
            try await withRaw(federation, tls: false) { station, _ in
                var state: UInt64 = 0x9E37_79B9_7F4A_7C15
                for length in [1, 2, 5, 6, 11, 50, 300, 5000, 20_000] {
                    let group = MultiThreadedEventLoopGroup.singleton
                    let raw = try await RawClient.connect(
                        port: station.listener.port,
                        context: nil,
                        group: group
                    )
                    // Half of them begin as a TLS handshake record would.
                    var bytes: [UInt8] = length % 2 == 0 ? [0x16, 0x03, 0x01, 0x02, 0x00, 0x01] : []
                    while bytes.count < length {
                        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                        bytes.append(UInt8(state >> 56))
                    }
                    try await raw.send(bytes)
                    raw.abort()
                    await raw.close()
                }
                let good = try await station.connect(try federation.client())
                try await good.send(.heartbeat)
                await good.close()
            }
        }

        @Test("silence in the handshake runs into the timeout", arguments: [0, 6])
        func silence(bytes: Int) async throws {
            let federation = try TestFederation()
            var settings = TransportSettings()
            settings.handshakeTimeout = .milliseconds(200)
            try await withRaw(federation, tls: false, settings: settings) { station, raw in
                // On a busy machine the time may be over before they are sent.
                if bytes > 0 { try? await raw.send([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]) }
                #expect(await station.log.refusal() == "handshakeTimeout")
                for await _ in raw.received {}
            }
        }

        @Test("a coordinator that says nothing runs into the client's timeout")
        func silentServer() async throws {
            let federation = try TestFederation()
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            let mute = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
            let transport = TCPTransport(logger: LogRecorder().logger)
            var settings = TransportSettings()
            settings.handshakeTimeout = .milliseconds(200)
            let port = try #require(mute.localAddress?.port)
            let context = try federation.client()

            await #expect(throws: TransportError.of(.handshakeTimeout)) {
                try await transport.connect(
                    host: "127.0.0.1",
                    port: port,
                    context: context,
                    settings: settings
                )
            }
            let cancelled = Task {
                try await transport.connect(host: "127.0.0.1", port: port, context: context)
            }
            cancelled.cancel()
            await #expect(throws: CancellationError.self) { _ = try await cancelled.value }

            try await mute.close()
            await transport.shutdown()
            try await group.shutdownGracefully()
        }

        @Test("nobody listening, an unknown name and a bad host are told apart")
        func unreachable() async throws {
            let federation = try TestFederation()
            let context = try federation.client()
            let transport = TCPTransport(logger: LogRecorder().logger)
            let free = try await transport.listen(
                host: "127.0.0.1",
                port: 0,
                context: try federation.coordinator()
            )
            let port = free.port
            await #expect(throws: TransportError.of(.addressInUse)) {
                try await transport.listen(
                    host: "127.0.0.1",
                    port: port,
                    context: try federation.coordinator()
                )
            }
            await free.close()

            await #expect(throws: TransportError.of(.refused)) {
                try await transport.connect(host: "127.0.0.1", port: port, context: context)
            }
            await #expect(throws: TransportError.of(.refused)) {
                try await transport.connect(host: "localhost", port: port, context: context)
            }
            await #expect(throws: TransportError.of(.unknownHost)) {
                try await transport.connect(host: "no-such-host.invalid", port: port, context: context)
            }
            for host in ["", "http://x", "a b", "x/y"] {
                await #expect(throws: TransportError.of(.badAddress)) {
                    try await transport.connect(host: host, port: port, context: context)
                }
            }
            await #expect(throws: TransportError.of(.badAddress)) {
                try await transport.connect(host: "127.0.0.1", port: 0, context: context)
            }
            await #expect(throws: TransportError.of(.badAddress)) {
                try await transport.listen(host: "192.0.2.1", port: 0, context: try federation.coordinator())
            }
            await transport.shutdown()
        }

        /// What the coordinator's handler sees of a client that sends `bytes` and then does `last`.
        private func inboundError(
            after bytes: [UInt8],
            _ last: (RawClient) async -> Void
        ) async throws -> (frames: Int, error: String) {
            let federation = try TestFederation()
            let seen = Completion<(Int, String)>()
            let handler: @Sendable (any Connection) async throws -> Void = { connection in
                var count = 0
                do {
                    for try await _ in connection.inbound { count += 1 }
                    seen.finish(.success((count, "")))
                } catch {
                    seen.finish(.success((count, (error as? TransportError)?.code.rawValue ?? "\(error)")))
                    // A refusal can still be told after a bad frame.
                    if error is WireError { try await connection.send(Frame(type: .refused, body: [1])) }
                }
            }
            var result = (0, "")
            try await withRaw(federation, tls: true, handler: handler) { _, raw in
                try await raw.send(bytes)
                await last(raw)
                result = try await seen.value()
            }
            return result
        }

        @Test("a socket that ends inside a frame is a truncation, between frames a lost connection")
        func truncation() async throws {
            let frame = FrameEncoder.encode(.chunk(1000))

            let inside = try await inboundError(after: frame + frame.prefix(500)) { $0.abort() }
            let header = try await inboundError(after: frame + frame.prefix(3)) { $0.abort() }
            let between = try await inboundError(after: frame) { $0.abort() }
            let inOrder = try await inboundError(after: frame) { await $0.close() }
            let noticeInside = try await inboundError(after: Array(frame.prefix(500))) { await $0.close() }

            #expect(inside == (1, "truncated"))
            #expect(header == (1, "truncated"))
            #expect(between == (1, "closedWithoutNotice"))
            #expect(inOrder == (1, ""))
            #expect(noticeInside == (0, "truncated"))
        }

        @Test("bytes that are no frame, and a frame over its limit, end in a wire error that can be answered")
        func badFrames() async throws {
            var oversized = FrameEncoder.encode(.heartbeat)
            oversized[12...15] = [0xFF, 0xFF, 0xFF, 0x7F]
            for bytes in [Array("HELLO, this is no frame".utf8), oversized] {
                let seen = try await inboundError(after: bytes) { raw in
                    var got = 0
                    for await buffer in raw.received {
                        got += buffer.readableBytes
                        if got >= Frame.headerBytes + 1 { break }
                    }
                    #expect(got == Frame.headerBytes + 1)
                }
                #expect(seen.frames == 0)
                #expect(seen.error.contains("TRIB") || seen.error.contains("checksum"), "\(seen.error)")
            }
        }
    }
}
