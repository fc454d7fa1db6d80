import NIOCore
import NIOPosix
import Testing
import Wire

@testable import Transport

@Suite("The proxy that the environment names")
struct ProxyEnvironmentTests {
    private func proxy(
        _ environment: [String: String],
        to target: String = "coordinator.example",
        port: Int = 7433
    ) throws -> HTTPProxy? {
        try HTTPProxy.from(environment: environment, target: target, port: port)
    }

    @Test(
        "all spellings of an address are read",
        arguments: [
            ("http://proxy.example:3128", HTTPProxy(host: "proxy.example", port: 3128)),
            ("proxy.example:3128/", HTTPProxy(host: "proxy.example", port: 3128)),
            ("HTTP://proxy.example", HTTPProxy(host: "proxy.example", port: 80)),
            ("http://[2001:db8::1]:8080", HTTPProxy(host: "2001:db8::1", port: 8080)),
            ("http://192.0.2.1:8080", HTTPProxy(host: "192.0.2.1", port: 8080)),
            (
                "http://ada:s%40f%3Ae@p.example:1",
                HTTPProxy(host: "p.example", port: 1, credentials: "ada:s@f:e")
            ),
            ("http://ada@p.example:1", HTTPProxy(host: "p.example", port: 1, credentials: "ada:")),
        ]
    )
    func spellings(value: String, expected: HTTPProxy) throws {
        #expect(try proxy(["HTTPS_PROXY": value]) == expected)
        #expect(try proxy(["https_proxy": value, "HTTPS_PROXY": "http://other:1"]) == expected)
        #expect(try proxy(["https_proxy": "", "HTTPS_PROXY": value]) == expected)
    }

    @Test("no variable, an empty one or that of plain HTTP names no proxy")
    func none() throws {
        #expect(try proxy([:]) == nil)
        #expect(try proxy(["HTTPS_PROXY": ""]) == nil)
        #expect(try proxy(["HTTP_PROXY": "http://proxy.example:1"]) == nil)
    }

    @Test(
        "a value that cannot be read is refused without its password",
        arguments: [
            "https://u:secret@p.example:1", "socks5://u:secret@p:1", "http://u:secret@p:0",
            "http://u:secret@p:65536", "http://u:secret@p:x", "http://u:secret@", "http://u:sec%ZZret@p:1",
            "http://u:sec%0D%0Aret@p:1", "http://u:secret@p:1/path", "http://u:secret@a b:1", "http://[::1:1",
        ]
    )
    func unreadable(value: String) throws {
        let error = #expect(throws: TransportError.of(.badProxy)) { try proxy(["https_proxy": value]) }
        let text = "\(try #require(error))"
        #expect(text.contains("https_proxy") && !text.contains("secret"), "\(text)")
        #expect(error?.outlook == .lasting)
    }

    @Test(
        "exceptions are names with what is below them, addresses, networks and ports",
        arguments: [
            ("coordinator.example", "coordinator.example", true), ("a.coordinator.example", "example", true),
            ("coordinator.example", ".example", true), ("example", ".example", true),
            ("COORDINATOR.Example.", "coordinator.example", true), ("notexample", "example", false),
            ("a.example", "*.example", true), ("coordinator.example", "b.example, example", true),
            ("coordinator.example", "*", true), ("coordinator.example", "", false),
            ("coordinator.example", "coordinator.example:7433", true),
            ("coordinator.example", "coordinator.example:443", false),
            ("10.1.2.3", "10.0.0.0/8", true), ("11.1.2.3", "10.0.0.0/8", false),
            ("10.1.2.3", "10.1.2.3", true), ("10.1.2.3", "0.0.0.0/0", true),
            ("10.1.2.3", "10.1.2.3/33", false),
            ("2001:db8::5", "2001:db8::/32", true), ("2001:db9::5", "2001:db8::/32", false),
            ("::1", "", true), ("127.0.0.9", "", true), ("localhost", "", true), ("x.localhost", "", true),
            ("localhost.example", "", false), ("10.1.2.3", "1.2.3", false), ("a.example", ",, ,", false),
        ]
    )
    func exceptions(host: String, list: String, isDirect: Bool) throws {
        let environment = ["HTTPS_PROXY": "http://proxy.example:1", "NO_PROXY": list]
        #expect(try (proxy(environment, to: host) == nil) == isDirect)
    }

    @Test("the description has no password")
    func description() throws {
        let found = try #require(try proxy(["HTTPS_PROXY": "http://u:secret@p.example:8"]))
        #expect("\(found)" == "p.example:8")
    }
}

extension SocketTests {
    @Suite("Through a proxy")
    struct ThroughProxy {
        @Test("frames go both ways through a tunnel, with Basic authentication", arguments: [1, 1_000_000])
        func tunnel(answerBytesAtOnce: Int) async throws {
            let federation = try TestFederation()
            try await Station.run(federation) { station in
                let proxy = try await TestProxy.start(
                    "HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n",
                    piece: answerBytesAtOnce,
                    behind: station.listener.port
                )
                let connection = try await station.transport.connect(
                    host: "localhost",
                    port: 7433,
                    context: try federation.client(),
                    proxy: HTTPProxy(host: "127.0.0.1", port: proxy.port, credentials: "ada:s@fe")
                )

                try await connection.send(.chunk(50_000))
                var frames = connection.inbound.makeAsyncIterator()
                #expect(try await frames.next() == .chunk(50_000))
                await connection.close()
                let request = await proxy.request()
                #expect(request.hasPrefix("CONNECT localhost:7433 HTTP/1.1\r\nHost: localhost:7433\r\n"))
                #expect(request.contains("\r\nProxy-Authorization: Basic YWRhOnNAZmU=\r\n"))
                #expect(request.hasSuffix("\r\n\r\n"))
                try await proxy.stop()
            }
        }

        @Test(
            "a proxy that opens no tunnel is named with what it said",
            arguments: [
                (
                    "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
                    TransportError.Code.proxyAuthentication
                ),
                ("HTTP/1.0 403 Forbidden\r\nX: y\r\n\r\n", .proxyForbids),
                ("HTTP/1.1 503 Service Unavailable\r\n\r\n", .proxyUnavailable),
                ("HTTP/1.1 504\r\n\r\n", .proxyUnavailable), ("SSH-2.0-x\r\n\r\n", .proxyUnavailable),
                ("HTTP/1.1 200 OK\r\n", .proxyUnavailable), ("", .proxyUnavailable),
                (String(repeating: "x", count: 40_000), .proxyUnavailable),
            ]
        )
        func refused(answer: String, code: TransportError.Code) async throws {
            let federation = try TestFederation()
            let proxy = try await TestProxy.start(answer, piece: 100_000, behind: nil)
            let transport = TCPTransport(logger: LogRecorder().logger)
            var settings = TransportSettings()
            settings.handshakeTimeout = .milliseconds(300)

            let error = await #expect(throws: TransportError.of(code)) {
                try await transport.connect(
                    host: "coordinator.example",
                    port: 7433,
                    context: try federation.client(),
                    settings: settings,
                    proxy: HTTPProxy(host: "127.0.0.1", port: proxy.port)
                )
            }

            let text = "\(try #require(error))"
            #expect(text.contains("127.0.0.1:\(proxy.port)"), "\(text)")
            #expect(text.contains("coordinator.example:7433") || code == .proxyAuthentication, "\(text)")
            try await proxy.stop()
            await transport.shutdown()
        }

        @Test("a proxy that is not there is an address where nothing listens")
        func absent() async throws {
            let federation = try TestFederation()
            let transport = TCPTransport(logger: LogRecorder().logger)
            await #expect(throws: TransportError.of(.refused)) {
                try await transport.connect(
                    host: "coordinator.example",
                    port: 7433,
                    context: try federation.client(),
                    proxy: HTTPProxy(host: "127.0.0.1", port: 1)
                )
            }
            await transport.shutdown()
        }
    }
}

/// Answers a CONNECT with given words, then carries bytes to a port of this machine.
private struct TestProxy: Sendable {
    let port: Int
    private let channel: any Channel
    private let group: MultiThreadedEventLoopGroup
    private let asked: Completion<String>

    static func start(_ answer: String, piece: Int, behind: Int?) async throws -> TestProxy {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let asked = Completion<String>()
        let channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = Handler(answer: answer, piece: piece, behind: behind, asked: asked)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return TestProxy(port: channel.localAddress?.port ?? 0, channel: channel, group: group, asked: asked)
    }

    func request() async -> String { (try? await asked.value()) ?? "" }

    func stop() async throws {
        try await channel.close()
        try await group.shutdownGracefully()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let answer: String
        let piece: Int
        let behind: Int?
        let asked: Completion<String>
        var request = ""
        var target: (any Channel)?
        var early = ByteBuffer()

        init(answer: String, piece: Int, behind: Int?, asked: Completion<String>) {
            self.answer = answer
            self.piece = piece
            self.behind = behind
            self.asked = asked
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            if let target { return target.writeAndFlush(bytes, promise: nil) }
            guard !request.hasSuffix("\r\n\r\n") else {
                early.writeBuffer(&bytes)
                return
            }
            request += bytes.readString(length: bytes.readableBytes) ?? ""
            guard request.hasSuffix("\r\n\r\n") else { return }
            asked.finish(.success(request))
            guard let behind else {
                reply(context)
                if answer.isEmpty { context.close(promise: nil) }
                return
            }
            let back = context.channel
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            ClientBootstrap(group: context.eventLoop)
                .channelInitializer { $0.pipeline.addHandler(Back(back)) }
                .connect(host: "127.0.0.1", port: behind)
                .whenSuccess { channel in
                    let (handler, context) = bound.value
                    handler.target = channel
                    handler.reply(context)
                    if handler.early.readableBytes > 0 { channel.writeAndFlush(handler.early, promise: nil) }
                }
        }

        func reply(_ context: ChannelHandlerContext) {
            var rest = Array(answer.utf8)[...]
            while !rest.isEmpty {
                context.channel.writeAndFlush(ByteBuffer(bytes: rest.prefix(piece)), promise: nil)
                rest = rest.dropFirst(piece)
            }
        }

        func channelInactive(context: ChannelHandlerContext) { target?.close(promise: nil) }
    }

    private final class Back: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let channel: any Channel
        init(_ channel: any Channel) { self.channel = channel }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            channel.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }
        func channelInactive(context: ChannelHandlerContext) { channel.close(promise: nil) }
    }
}
