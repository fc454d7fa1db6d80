import NIOCore
import NIOPosix
import Synchronization
import Testing
import Wire

@testable import Transport

@Suite("Places for connections")
struct AdmissionTests {
    private final class Cuts: Sendable {
        private let names = Mutex<[String]>([])
        var all: [String] { names.withLock { $0 } }
        func cut(_ name: String) -> @Sendable (TransportError) -> Void {
            { [self] _ in names.withLock { $0.append(name) } }
        }
    }

    private func admission(handshakes: Int = 3, perPeer: Int = 2, connections: Int = 4) -> Admission {
        var settings = TransportSettings()
        settings.handshakesMax = handshakes
        settings.connectionsPerPeerMax = perPeer
        settings.connectionsMax = connections
        return Admission(settings)
    }

    private func peer(_ name: String) -> PeerIdentity {
        PeerIdentity(federation: "river", role: .client(name))
    }

    @Test("a newcomer takes the place of the oldest handshake of the address that has the most")
    func heaviest() throws {
        let cuts = Cuts()
        let admission = admission()
        _ = admission.begin(from: "member", cut: cuts.cut("member"))
        for index in 0..<5 { _ = admission.begin(from: "flood", cut: cuts.cut("flood \(index)")) }

        #expect(cuts.all == ["flood 0", "flood 1", "flood 2"])
        #expect(admission.refused == 3)
    }

    @Test("from one address alone the oldest goes, so that a member behind it comes through")
    func oneAddress() throws {
        let cuts = Cuts()
        let admission = admission()
        for index in 0..<3 { _ = admission.begin(from: "gate", cut: cuts.cut("idle \(index)")) }

        let member = try #require(admission.begin(from: "gate", cut: cuts.cut("member")))

        #expect(cuts.all == ["idle 0"])
        #expect(admission.admit(member, as: peer("ada")))
    }

    @Test("a certificate's newest connection takes the place of its oldest, and of nobody else's")
    func perPeer() throws {
        let cuts = Cuts()
        let admission = admission()
        for name in ["ada", "bob", "ada", "ada", "ada"] {
            let cut = cuts.cut(name)
            let ticket = try #require(admission.begin(from: name, cut: cut))
            #expect(admission.admit(ticket, as: peer(name)))
        }

        #expect(cuts.all == ["ada", "ada"])
    }

    @Test("admitted connections fill the listener, handshakes do not, and places become free")
    func total() throws {
        let admission = admission(handshakes: 100, perPeer: 1, connections: 2)
        let nothing: @Sendable (TransportError) -> Void = { _ in }
        let tickets = ["a", "b", "c"].compactMap { _ in admission.begin(from: "x", cut: nothing) }
        let admitted = zip(tickets, ["a", "b", "c"]).map { admission.admit($0, as: peer($1)) }
        #expect(admitted == [true, true, false])
        #expect(admission.begin(from: "x", cut: nothing) == nil)

        admission.end(tickets[0])

        let again = try #require(admission.begin(from: "x", cut: nothing))
        #expect(admission.admit(again, as: peer("d")))
    }

    @Test(
        "IPv4 addresses count one by one, mapped ones too; of IPv6 the network counts",
        arguments: [
            ("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3::4", "20:1:d:b8:0:1:0:2/64"), ("2001:db8:1:2:ffff::9", "20:1:d:b8:0:1:0:2/64"),
        ]
    )
    func networks(address: String, network: String) throws {
        #expect(try SocketAddress(ipAddress: address, port: 1).network == network)
    }

    @Test("an address has some lines a minute, all together some more, and the rest is counted")
    func lines() {
        let budget = LineBudget(linesMax: 2)
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

        #expect((0..<5).map { _ in budget.take("a", at: start) } == [0, 0, nil, nil, nil])
        #expect(budget.take("b", at: start) == 3)
        let others = (0..<100).compactMap { budget.take("c\($0)", at: start) }
        #expect(others.count == 37)
        #expect(budget.take("a", at: start + .minutes(1)) == 63)
    }
}

extension SocketTests {
    @Suite("Strangers at the door")
    struct Strangers {
        @Test("idle sockets that fill every place do not keep a member out")
        func flood() async throws {
            let federation = try TestFederation()
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            try await Station.run(federation) { station in
                var idle: [RawClient] = []
                for _ in 0..<70 {
                    idle.append(
                        try await RawClient.connect(port: station.listener.port, context: nil, group: group)
                    )
                }

                let member = try await station.connect(try federation.client())

                try await member.send(.heartbeat)
                var frames = member.inbound.makeAsyncIterator()
                #expect(try await frames.next() == .heartbeat)
                await member.close()
                let lines = station.log.lines.filter { $0.message == "connection refused: too many" }
                #expect((1...7).contains(lines.count))
                for stranger in idle { await stranger.close() }
            }
            try await group.shutdownGracefully()
        }

        @Test("a certificate cannot hold all connections: the newest of it replaces the oldest")
        func greedy() async throws {
            let federation = try TestFederation()
            var settings = TransportSettings()
            settings.connectionsPerPeerMax = 2
            settings.connectionsMax = 4
            try await Station.run(federation, settings: settings) { station in
                var greedy: [TCPConnection] = []
                for _ in 0..<6 {
                    let connection = try await station.connect(try federation.client())
                    try await connection.send(.heartbeat)
                    var frames = connection.inbound.makeAsyncIterator()
                    #expect(try await frames.next() == .heartbeat)
                    greedy.append(connection)
                }

                let other = try await station.connect(try federation.client("bob"))
                try await other.send(.heartbeat)
                var frames = other.inbound.makeAsyncIterator()
                #expect(try await frames.next() == .heartbeat)

                await #expect(throws: TransportError.self) { for try await _ in greedy[0].inbound {} }
                try await greedy[5].send(.heartbeat)
                for connection in greedy + [other] { await connection.close() }
            }
        }

        @Test("a probe that connects and leaves, in order or with a reset, is no warning")
        func probes() async throws {
            let federation = try TestFederation()
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            try await Station.run(federation) { station in
                for lingers in [false, true] {
                    let probe = try await ClientBootstrap(group: group)
                        .connect(host: "127.0.0.1", port: station.listener.port).get()
                    if !lingers {
                        let option = ChannelOptions.Types.SocketOption(level: .socket, name: .so_linger)
                        _ = try? await probe.setOption(option, value: 0).get()
                    }
                    try await probe.close()
                    _ = await station.log.line { $0.message == "connection probed" }
                }
                #expect(station.log.lines.allSatisfy { $0.message == "connection probed" })
            }
            try await group.shutdownGracefully()
        }
    }
}
