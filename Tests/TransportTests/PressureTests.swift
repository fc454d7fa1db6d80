import Foundation
import NIOCore
import NIOPosix
import Testing
import Wire

@testable import Transport

extension SocketTests {
    @Suite("Limits and closing")
    struct Pressure {
        @Test("a consumer that does not read makes the sender wait, in bounded memory, and loses nothing")
        func slowConsumer() async throws {
            let federation = try TestFederation()
            let go = Completion<Void>()
            let done = Completion<Int>()
            let handler: @Sendable (any Connection) async throws -> Void = { connection in
                try await go.value()
                var bytes = 0
                for try await frame in connection.inbound { bytes += frame.body.count }
                done.finish(.success(bytes))
            }
            try await Station.run(federation, handler: handler) { station in
                let connection = try await station.connect(try federation.client())
                let sent = Counter()
                let sender = Task {
                    for _ in 0..<1_600 {
                        try await connection.send(.chunk(1 << 16))
                        sent.increment()
                    }
                    await connection.close()
                }
                var before = -1
                while sent.value != before {
                    before = sent.value
                    try await Task.sleep(for: .milliseconds(500))
                }
                // 4 MiB in the queue, the rest in the two socket buffers.
                #expect(before < 960, "\(before) times 64 KiB went out although nobody reads")
                let waiting = before
                go.finish(.success(()))
                try await sender.value
                #expect(try await done.value() == 100 << 20)
                #expect(sent.value == 1_600 && waiting < 1_600)
            }
        }

        @Test("a peer that takes nothing is cut after the send timeout")
        func stuckPeer() async throws {
            let federation = try TestFederation()
            var settings = TransportSettings()
            settings.sendTimeout = .milliseconds(500)
            let never = Completion<Void>()
            let handler: @Sendable (any Connection) async throws -> Void = { _ in try await never.value() }
            try await Station.run(federation, handler: handler) { station in
                let connection = try await station.connect(try federation.client(), settings: settings)

                await #expect(throws: TransportError.of(.sendTimeout)) {
                    for _ in 0..<3_200 { try await connection.send(.chunk(1 << 16)) }
                }
                await #expect(throws: TransportError.of(.sendTimeout)) {
                    for try await _ in connection.inbound {}
                }
            }
        }

        @Test("connections over the limit are turned away, and places become free again")
        func connectionLimit() async throws {
            let federation = try TestFederation()
            var settings = TransportSettings()
            settings.connectionsMax = 2
            try await Station.run(federation, settings: settings) { station in
                let context = try federation.client()
                let one = try await station.connect(context)
                let two = try await station.connect(context)
                await #expect(throws: TransportError.self) {
                    let three = try await station.connect(context)
                    try await three.send(.heartbeat)
                    for try await _ in three.inbound {}
                }
                _ = await station.log.line { $0.message == "connection refused: too many" }
                try await two.send(.heartbeat)
                await one.close()
                var isIn = false
                while !isIn {
                    guard let again = try? await station.connect(context) else { continue }
                    isIn = true
                    await again.close()
                }
                await two.close()
            }
        }

        @Test("silent strangers take handshake places only, for the handshake timeout only")
        func handshakeLimit() async throws {
            let federation = try TestFederation()
            var settings = TransportSettings()
            settings.handshakesMax = 3
            settings.handshakeTimeout = .milliseconds(700)
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            try await Station.run(federation, settings: settings) { station in
                let established = try await station.connect(try federation.client("bob"))
                var strangers: [RawClient] = []
                for _ in 0..<5 {
                    strangers.append(
                        try await RawClient.connect(port: station.listener.port, context: nil, group: group)
                    )
                }
                _ = await station.log.line { $0.message == "connection refused: too many" }
                try await established.send(.heartbeat)
                for stranger in strangers { for await _ in stranger.received {} }
                let late = try await station.connect(try federation.client())
                try await late.send(.heartbeat)
                await late.close()
                await established.close()
            }
            try await group.shutdownGracefully()
        }

        @Test("what was sent before close arrives, also when the other side is still sending")
        func closeOrder() async throws {
            let federation = try TestFederation()
            let handler: @Sendable (any Connection) async throws -> Void = { connection in
                // Refuses after the first frame, while more are on their way.
                var frames = connection.inbound.makeAsyncIterator()
                _ = try await frames.next()
                try await connection.send(Frame(type: .refused, body: [9]))
            }
            try await Station.run(federation, handler: handler) { station in
                let context = try federation.client()
                for _ in 0..<10 {
                    let connection = try await station.connect(context)
                    let sender = Task {
                        for _ in 0..<90 { try await connection.send(.chunk(65_536)) }
                    }
                    var frames = connection.inbound.makeAsyncIterator()
                    #expect(try await frames.next() == Frame(type: .refused, body: [9]))
                    #expect(try await frames.next() == nil)
                    _ = await sender.result
                    await connection.close()
                }
            }
        }

        @Test("closing twice, or after the peer has, is harmless; sending afterwards is an error")
        func closeTwice() async throws {
            let federation = try TestFederation()
            let handler: @Sendable (any Connection) async throws -> Void = { connection in
                for try await _ in connection.inbound { await connection.close() }
            }
            try await Station.run(federation, handler: handler) { station in
                let connection = try await station.connect(try federation.client())
                try await connection.send(.heartbeat)
                for try await _ in connection.inbound {}
                await connection.close()
                await connection.close()
                connection.abort()
                await #expect(throws: TransportError.of(.closed)) { try await connection.send(.heartbeat) }
                #expect(station.log.lines.allSatisfy { $0.message == "connection admitted" })
            }
        }

        @Test("a peer that never answers close_notify is left after the close timeout")
        func closeTimeout() async throws {
            let federation = try TestFederation()
            var settings = TransportSettings()
            settings.closeTimeout = .milliseconds(200)
            let closed = Completion<Duration>()
            let handler: @Sendable (any Connection) async throws -> Void = { connection in
                let clock = ContinuousClock()
                closed.finish(.success(await clock.measure { await connection.close() }))
            }
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            try await Station.run(federation, settings: settings, handler: handler) { station in
                // Its reads are never asked for, so it never sees the close_notify.
                let deaf = try await ClientBootstrap(group: group)
                    .channelOption(.autoRead, value: false)
                    .channelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            let tls = TLSHandler(
                                try federation.client().connection(host: "127.0.0.1"),
                                settings: TransportSettings(),
                                counter: TrafficCounter()
                            )
                            try channel.pipeline.syncOperations.addHandler(tls)
                        }
                    }
                    .connect(host: "127.0.0.1", port: station.listener.port).get()
                let time = try await closed.value()
                #expect(time >= .milliseconds(190) && time < .seconds(2), "\(time)")
                try? await deaf.close().get()
            }
            try await group.shutdownGracefully()
        }

        @Test("a dropped connection gives its socket back")
        func dropped() async throws {
            let federation = try TestFederation()
            let ended = Completion<String>()
            let handler: @Sendable (any Connection) async throws -> Void = { connection in
                do { for try await _ in connection.inbound {} } catch { ended.finish(.success("\(error)")) }
            }
            try await Station.run(federation, handler: handler) { station in
                do { _ = try await station.connect(try federation.client()) }
                _ = try await ended.value()
            }
        }
    }
}
