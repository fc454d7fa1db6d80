import Logging
import Testing
import Wire

@testable import Transport

@Suite("Loopback network")
struct LoopbackTests {
    private let coordinator = PeerIdentity(federation: "river", role: .coordinator)
    private let ada = PeerIdentity(federation: "river", role: .client("ada"))
    private let logger = Logger(label: "loopback") { _ in SwiftLogNoOpLogHandler() }

    private func echo(_ listener: LoopbackListener) -> Task<Void, any Error> {
        Task {
            try await listener.serve { connection in
                for try await frame in connection.inbound { try await connection.send(frame) }
            }
        }
    }

    @Test("frames go both ways and the ends know each other")
    func echoes() async throws {
        let network = LoopbackNetwork(logger: logger)
        let listener = try network.listen(as: coordinator)
        let server = echo(listener)

        let connection = try await LoopbackDialer(network: network, port: listener.port, identity: ada)
            .connect()
        var frames = connection.inbound.makeAsyncIterator()
        for size in [0, 1, 65_536] {
            try await connection.send(Frame(type: .chunk, body: [UInt8](repeating: 1, count: size)))
            #expect(try await frames.next()?.body.count == size)
        }

        #expect(connection.peer == coordinator)
        #expect(connection.traffic.framesIn[.chunk]?.frames == 3)
        #expect(connection.traffic.bytesOut == 65_537 + 3 * Frame.headerBytes)
        await connection.close()
        await listener.close()
        try await server.value
    }

    @Test("a frame that this side may not send reaches the other as a wire error")
    func forbiddenFrame() async throws {
        let network = LoopbackNetwork(logger: logger)
        let listener = try network.listen(as: coordinator)
        let connection = try network.connect(port: listener.port, as: ada)
        let caught = Completion<String>()
        let server = Task {
            try await listener.serve { connection in
                do { for try await _ in connection.inbound {} } catch { caught.finish(.success("\(error)")) }
            }
        }

        try await connection.send(Frame(type: .welcome, body: []))

        #expect(try await caught.value() == "\(WireError.unexpectedMessage(type: .welcome, from: .client))")
        await listener.close()
        try await server.value
    }

    @Test("a fault cuts the connection at the frame it names", arguments: [0, 1, 5])
    func faults(index: Int) async throws {
        let network = LoopbackNetwork(logger: logger) { point in
            point.client == "ada" && point.connection == 0 && point.sender == .client && point.index == index
                ? .cutBefore : .none
        }
        let listener = try network.listen(as: coordinator)
        let server = echo(listener)

        let first = try network.connect(port: listener.port, as: ada)
        for _ in 0..<index { try await first.send(Frame(type: .heartbeat, body: [])) }
        await #expect(throws: TransportError(.reset, "", fix: "")) {
            try await first.send(Frame(type: .heartbeat, body: []))
        }
        let second = try network.connect(port: listener.port, as: ada)
        try await second.send(Frame(type: .heartbeat, body: []))
        var frames = second.inbound.makeAsyncIterator()

        #expect(try await frames.next()?.type == .heartbeat)
        await second.close()
        await listener.close()
        try await server.value
    }

    @Test("a sender waits while the other end does not read")
    func backPressure() async throws {
        var settings = TransportSettings()
        settings.inboundBytesHigh = 10_000
        settings.inboundBytesLow = 1_000
        let network = LoopbackNetwork(settings: settings, logger: logger)
        let listener = try network.listen(as: coordinator)
        let connection = try network.connect(port: listener.port, as: ada)
        let sent = Counter()
        let task = Task {
            for _ in 0..<100 {
                try await connection.send(Frame(type: .chunk, body: [UInt8](repeating: 0, count: 4000)))
                sent.increment()
            }
        }

        let go = Completion<Void>()
        let server = Task {
            try await listener.serve { connection in
                try await go.value()
                for try await _ in connection.inbound {}
            }
        }
        while sent.value < 2 { await Task.yield() }
        for _ in 0..<1000 { await Task.yield() }
        #expect(sent.value == 2, "the third frame fills the queue and its sender waits")
        go.finish(.success(()))
        try await task.value
        await connection.close()
        await listener.close()
        try await server.value
    }

    @Test("closing in order delivers what was sent and then ends both sides")
    func close() async throws {
        let network = LoopbackNetwork(logger: logger)
        let listener = try network.listen(as: coordinator)
        let connection = try network.connect(port: listener.port, as: ada)
        let counted = Completion<Int>()
        let server = Task {
            try await listener.serve { connection in
                var count = 0
                for try await _ in connection.inbound { count += 1 }
                counted.finish(.success(count))
            }
        }

        for _ in 0..<7 { try await connection.send(Frame(type: .heartbeat, body: [])) }
        await connection.close()

        #expect(try await counted.value() == 7)
        await #expect(throws: TransportError(.closed, "", fix: "")) {
            try await connection.send(Frame(type: .heartbeat, body: []))
        }
        await listener.close()
        try await server.value
    }

    @Test("nobody listening, a taken port and a foreign federation are told apart")
    func refusals() throws {
        let network = LoopbackNetwork(logger: logger)
        #expect(throws: TransportError(.refused, "", fix: "")) { try network.connect(port: 9, as: ada) }
        let listener = try network.listen(as: coordinator, port: 9)
        #expect(throws: TransportError(.addressInUse, "", fix: "")) {
            try network.listen(as: coordinator, port: 9)
        }
        #expect(throws: TransportError(.wrongFederation, "", fix: "")) {
            try network.connect(
                port: listener.port,
                as: PeerIdentity(federation: "lake", role: .client("ada"))
            )
        }
    }
}
