import Testing
import Wire

@testable import Transport

extension SocketTests {
    @Suite("Connections that work")
    struct HappyPath {
        @Test("frames up to the largest go both ways unchanged, and both sides know each other")
        func echoes() async throws {
            let federation = try TestFederation()
            let peers = Completion<PeerIdentity>()
            let handler: @Sendable (any Connection) async throws -> Void = { connection in
                peers.finish(.success(connection.peer))
                try await Station.echo(connection)
            }
            try await Station.run(federation, handler: handler) { station in
                let connection = try await station.connect(try federation.client())
                var frames = connection.inbound.makeAsyncIterator()
                for size in [0, 1, 16_384, 16_385, Limits.chunkBytesMax, MessageType.chunk.bodyBytesMax] {
                    let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
                    try await connection.send(Frame(type: .chunk, body: body))
                    let back = try await frames.next()
                    #expect(back?.body == body)
                }
                #expect(connection.peer.uri == "tributary://river/coordinator")
                #expect(try await peers.value().uri == "tributary://river/client/ada")
                #expect(connection.remoteAddress == "127.0.0.1:\(station.listener.port)")
                await connection.close()
                #expect(station.log.lines.allSatisfy { $0.message == "connection admitted" })
            }
        }

        @Test("bytes are counted, by frame type and on the wire")
        func counts() async throws {
            let federation = try TestFederation()
            try await Station.run(federation) { station in
                let connection = try await station.connect(try federation.client())
                let before = connection.traffic
                var frames = connection.inbound.makeAsyncIterator()
                for frame in [Frame.chunk(60_000), .heartbeat, .heartbeat] {
                    try await connection.send(frame)
                    _ = try await frames.next()
                }
                let traffic = connection.traffic

                #expect(before.bytesIn > 500 && before.bytesOut > 500, "the handshake counts")
                #expect(traffic.framesOut[.chunk]?.bytes == 60_000 + Frame.headerBytes)
                #expect(traffic.framesOut[.heartbeat]?.frames == 2)
                #expect(traffic.framesIn == traffic.framesOut)
                // 22 bytes for each TLS record of at most 16 KiB.
                let payload = 60_000 + 3 * Frame.headerBytes
                #expect(traffic.bytesOut - before.bytesOut == payload + 22 * (4 + 2))
                await connection.close()
            }
        }

        @Test("a hundred clients at once each get their own answers")
        func many() async throws {
            let federation = try TestFederation()
            try await Station.run(federation) { station in
                let context = try federation.client()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for index in 0..<100 {
                        group.addTask {
                            if index >= 50 { try await Task.sleep(for: .milliseconds(300)) }
                            let connection = try await station.connect(context)
                            var frames = connection.inbound.makeAsyncIterator()
                            for round in 0..<5 {
                                let frame = Frame.chunk(1000 + index, fill: UInt8(index + round))
                                try await connection.send(frame)
                                #expect(try await frames.next() == frame)
                            }
                            await connection.close()
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }

        @Test("several senders of one connection do not mix their frames")
        func concurrentSenders() async throws {
            let federation = try TestFederation()
            try await Station.run(federation) { station in
                let connection = try await station.connect(try federation.client())
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for sender in 0..<8 {
                        group.addTask {
                            for _ in 0..<10 { try await connection.send(.chunk(50_000, fill: UInt8(sender))) }
                        }
                    }
                    var frames = connection.inbound.makeAsyncIterator()
                    for _ in 0..<80 {
                        let frame = try #require(try await frames.next())
                        #expect(frame.body.count == 50_000 && Set(frame.body).count == 1)
                    }
                    try await group.waitForAll()
                }
                await connection.close()
            }
        }

        @Test("localhost works by name as 127.0.0.1 does by address")
        func byName() async throws {
            let federation = try TestFederation()
            try await Station.run(federation) { station in
                let connection = try await station.transport.connect(
                    host: "localhost",
                    port: station.listener.port,
                    context: try federation.client()
                )
                try await connection.send(.heartbeat)
                await connection.close()
            }
        }

        @Test("an error of one handler ends its connection and no other")
        func handlerError() async throws {
            struct Mishap: Error {}
            let federation = try TestFederation()
            let handler: @Sendable (any Connection) async throws -> Void = { connection in
                for try await frame in connection.inbound {
                    if frame.type == .heartbeat { throw Mishap() }
                    try await connection.send(frame)
                }
            }
            try await Station.run(federation, handler: handler) { station in
                let good = try await station.connect(try federation.client("bob"))
                let bad = try await station.connect(try federation.client("ada"))
                try await bad.send(.heartbeat)
                for try await _ in bad.inbound {}
                let line = await station.log.line { $0.message == "connection ended with an error" }
                #expect(line.metadata["peer"] == "tributary://river/client/ada")

                try await good.send(.chunk(10))
                var frames = good.inbound.makeAsyncIterator()
                #expect(try await frames.next()?.body.count == 10)
                await good.close()
            }
        }
    }
}
