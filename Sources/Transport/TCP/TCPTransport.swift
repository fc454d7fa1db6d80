internal import Glibc
package import Logging
internal import NIOCore
internal import NIOPosix

/// Connections over TCP and TLS 1.3; owns the event loops they run on.
package final class TCPTransport: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let logger: Logger

    /// Starts the event loops; call `shutdown` when all connections are closed.
    /// - Parameter threads: number of event loops; one carries hundreds of clients.
    package init(threads: Int = 1, logger: Logger) {
        precondition((1...16).contains(threads), "event loop threads: \(threads), must be 1...16")
        group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        self.logger = logger
    }

    /// Listens for clients.
    /// - Parameters:
    ///   - host: an address of this machine; `0.0.0.0` and `::` stand for all.
    ///   - port: the port; 0 lets the system choose.
    ///   - context: the coordinator's identity.
    /// - Throws: `TransportError` when the address cannot be bound.
    package func listen(
        host: String,
        port: Int,
        context: TLSContext,
        settings: TransportSettings = TransportSettings()
    ) async throws -> TCPListener {
        precondition(context.identity.peer.role == .coordinator, "only a coordinator listens")
        guard (0...65_535).contains(port) else { throw badPort(port) }
        return try await TCPListener.bind(
            host: host,
            port: port,
            context: context,
            settings: settings,
            group: group,
            logger: logger
        )
    }

    /// Connects to a coordinator.
    ///
    /// The certificate must be the coordinator's of this client's federation and be for `host`. In TLS 1.3
    /// the coordinator judges the client's certificate after this returns: a refusal shows in `inbound` and
    /// `send`.
    ///
    /// All addresses of a name are tried as RFC 8305 says, each with a socket of its own; TLS begins on the
    /// one that answers first.
    /// - Parameters:
    ///   - host: a DNS name or an IP address.
    ///   - proxy: the HTTP proxy that connects to the host for us; nil for none.
    /// - Throws: `TransportError`; `CancellationError`.
    package func connect(
        host: String,
        port: Int,
        context: TLSContext,
        settings: TransportSettings = TransportSettings(),
        proxy: HTTPProxy? = nil
    ) async throws -> TCPConnection {
        try await connect(
            host: host,
            port: port,
            context: context,
            settings: settings,
            proxy: proxy,
            resolver: nil
        )
    }

    func connect(
        host: String,
        port: Int,
        context: TLSContext,
        settings: TransportSettings,
        proxy: HTTPProxy?,
        resolver: (any Resolver & Sendable)?
    ) async throws -> TCPConnection {
        let own = context.identity.peer
        precondition(own.role != .coordinator, "only a client or an operator connects")
        guard (1...65_535).contains(port) else { throw badPort(port) }
        let tls = try context.connection(host: host)
        let counter = TrafficCounter()
        let established = Completion<TCPConnection>()
        let bound = NIOLoopBoundBox.makeBoxSendingValue(tls, eventLoop: group.next())
        let bootstrap = ClientBootstrap(group: bound.eventLoop)
            .connectTimeout(TimeAmount(settings.handshakeTimeout))
            .channelOption(.autoRead, value: false)
            .channelOption(.recvAllocator, value: receiveBuffers())
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .resolver(resolver)
        let (server, serverPort) = proxy.map { ($0.host, $0.port) } ?? (host, port)
        let attempt = bootstrap.connect(host: server, port: serverPort).flatMap { channel in
            limitBacklog(of: channel, settings)
            return channel.eventLoop.makeCompletedFuture {
                guard channel.isActive else { throw TransportError.closed() }
                let frames = FrameHandler(own: own, settings: settings, counter: counter) {
                    established.finish($0.mapError { $0 })
                }
                let handlers: [any ChannelHandler] = [
                    TLSHandler(bound.value, settings: settings, counter: counter), frames,
                ]
                let pipeline = channel.pipeline.syncOperations
                guard let proxy else { return try pipeline.addHandlers(handlers) }
                let tunnel = ProxyHandler(
                    proxy,
                    target: (host, port),
                    timeout: settings.handshakeTimeout,
                    behind: handlers
                )
                tunnel.whenFailed = { established.finish(.failure($0)) }
                try pipeline.addHandler(tunnel)
            }.map { channel }
        }
        // Two steps, since a failed attempt also ends the handlers and its own reason is the better one.
        let connected = Completion<Void>()
        attempt.whenComplete { connected.finish($0.map { _ in }) }
        do {
            try await connected.value()
            return try await established.value()
        } catch {
            // A cancelled attempt must not leave its socket behind.
            attempt.whenSuccess { $0.close(promise: nil) }
            throw TransportError.connecting(error, host: server, port: serverPort)
        }
    }

    /// Stops the event loops; connections that are left are cut.
    package func shutdown() async {
        do {
            try await group.shutdownGracefully()
        } catch {
            logger.error("event loops did not stop", metadata: ["reason": .string("\(error)")])
        }
    }

    private func badPort(_ port: Int) -> TransportError {
        TransportError(.badAddress, "port \(port) does not exist", fix: "Give a port from 1 to 65535.")
    }
}

/// Connects to one coordinator over TCP.
package struct TCPDialer: Dialer {
    private let transport: TCPTransport
    private let host: String
    private let port: Int
    private let context: TLSContext
    private let settings: TransportSettings
    private let proxy: HTTPProxy?

    /// Takes what `TCPTransport.connect` needs.
    package init(
        transport: TCPTransport,
        host: String,
        port: Int,
        context: TLSContext,
        settings: TransportSettings = TransportSettings(),
        proxy: HTTPProxy? = nil
    ) {
        self.proxy = proxy
        self.transport = transport
        self.host = host
        self.port = port
        self.context = context
        self.settings = settings
    }

    /// Connects once.
    package func connect() async throws -> any Connection {
        try await transport.connect(
            host: host,
            port: port,
            context: context,
            settings: settings,
            proxy: proxy
        )
    }
}

/// How much is read at once: little from a quiet connection, several chunks from a busy one.
func receiveBuffers() -> AdaptiveRecvByteBufferAllocator {
    AdaptiveRecvByteBufferAllocator(minimum: 2_048, initial: 16_384, maximum: 262_144)
}

/// Keeps the kernel's backlog of unsent bytes short, where the system knows how to.
func limitBacklog(of channel: any Channel, _ settings: TransportSettings) {
    let option = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: TCP_NOTSENT_LOWAT))
    // Without it connections work too; only what is urgent waits longer on a slow link.
    channel.setOption(option, value: settings.unsentBytesMax).whenFailure { _ in }
}
