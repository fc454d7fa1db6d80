import NIOCore
import NIOPosix
import Testing
import Wire

@testable import Transport

extension SocketTests {
    /// What users of RFC 8305 expect: one address that answers is enough.
    @Suite("Names with several addresses")
    struct Addresses {
        /// What an address does to those who connect.
        enum Kind: String, CaseIterable, Sendable { case answers, refuses, drops, isUnreachable }

        /// All ways to put one good address behind one or two bad ones, in both families.
        static let orders: [([Kind], [Kind])] = [Kind.refuses, .drops, .isUnreachable].flatMap { bad in
            [
                ([bad], [.answers]), ([.answers], [bad]), ([bad, .answers], [bad]), ([], [bad, .answers]),
                ([bad, .refuses, .answers], []),
            ]
        }

        @Test("one good address is found behind bad ones of either family, in any order", arguments: orders)
        func anyOrder(ipv6: [Kind], ipv4: [Kind]) async throws {
            let federation = try TestFederation(hosts: ["name.example"])
            try await Station.run(federation) { station in
                try await withDropping { dropping in
                    let address = { (kind: Kind) throws -> SocketAddress in
                        switch kind {
                        case .answers: try SocketAddress(ipAddress: "127.0.0.1", port: station.listener.port)
                        case .refuses: try SocketAddress(ipAddress: "127.0.0.1", port: 1)
                        case .drops: dropping
                        case .isUnreachable: try SocketAddress(ipAddress: "255.255.255.255", port: 9)
                        }
                    }
                    let names = Names(ipv4: try ipv4.map(address), ipv6: try ipv6.map(address))

                    let connection = try await station.transport.connect(
                        host: "name.example",
                        port: 7433,
                        context: try federation.client(),
                        settings: TransportSettings(),
                        proxy: nil,
                        resolver: names
                    )

                    try await connection.send(.chunk(50_000))
                    var frames = connection.inbound.makeAsyncIterator()
                    #expect(try await frames.next() == .chunk(50_000))
                    await connection.close()
                }
            }
        }

        @Test("when no address answers, each is named with its reason, and IPv6 alone gets a hint")
        func nobody() async throws {
            let federation = try TestFederation()
            let transport = TCPTransport(logger: LogRecorder().logger)
            let refused = try SocketAddress(ipAddress: "::1", port: 1)
            let alsoRefused = try SocketAddress(ipAddress: "127.0.0.1", port: 1)

            for (names, words, isIPv6Alone) in [
                (Names(ipv4: [alsoRefused], ipv6: [refused]), ["127.0.0.1:1", "[::1]:1", "refused"], false),
                (Names(ipv4: [], ipv6: [refused]), ["[::1]:1"], true),
            ] {
                let error = await #expect(throws: TransportError.self) {
                    try await transport.connect(
                        host: "name.example",
                        port: 7433,
                        context: try federation.client(),
                        settings: TransportSettings(),
                        proxy: nil,
                        resolver: names
                    )
                }
                let text = "\(try #require(error))"
                #expect(words.allSatisfy(text.contains), "\(text)")
                #expect(text.contains("'::'") == isIPv6Alone, "\(text)")
                #expect(error?.outlook == .passing)
            }
            await transport.shutdown()
        }

        /// An address whose connections are never accepted: its backlog is full.
        private func withDropping(_ body: (SocketAddress) async throws -> Void) async throws {
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            let deaf = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 0)
                .serverChannelOption(.autoRead, value: false)
                .bind(host: "127.0.0.1", port: 0).get()
            let address = try #require(deaf.localAddress)
            let fillers = (0..<3).map { _ in
                ClientBootstrap(group: group).connectTimeout(.milliseconds(80)).connect(to: address)
            }
            _ = try? await EventLoopFuture.whenAllComplete(fillers, on: group.any()).get()
            try await body(address)
            try await deaf.close()
            try await group.shutdownGracefully()
        }
    }
}

/// Answers with given addresses whatever the name is.
private final class Names: Resolver, Sendable {
    let ipv4: [SocketAddress]
    let ipv6: [SocketAddress]
    private let loop = MultiThreadedEventLoopGroup.singleton.any()

    init(ipv4: [SocketAddress], ipv6: [SocketAddress]) {
        self.ipv4 = ipv4
        self.ipv6 = ipv6
    }

    func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        loop.makeSucceededFuture(ipv4)
    }

    func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        loop.makeSucceededFuture(ipv6)
    }

    func cancelQueries() {}
}
