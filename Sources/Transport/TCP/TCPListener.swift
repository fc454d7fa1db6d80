internal import Logging
internal import NIOCore
internal import NIOPosix

/// A listening socket whose connections are authenticated before anyone sees them.
package final class TCPListener: Listener {
    /// The address that was bound.
    package let host: String
    /// The port that was bound.
    package let port: Int
    private let channel: any Channel
    private let connections: AsyncStream<TCPConnection>
    private let logger: Logger

    private init(
        host: String,
        port: Int,
        channel: any Channel,
        connections: AsyncStream<TCPConnection>,
        logger: Logger
    ) {
        self.host = host
        self.port = port
        self.channel = channel
        self.connections = connections
        self.logger = logger
    }

    deinit { stop() }

    static func bind(
        host: String,
        port: Int,
        context: TLSContext,
        settings: TransportSettings,
        group: any EventLoopGroup,
        logger: Logger
    ) async throws -> TCPListener {
        // Bounded by the limit on connections, which counts those that wait here.
        let (connections, accepted) = AsyncStream.makeStream(of: TCPConnection.self)
        let admission = Admission(settings)
        let budget = LineBudget(linesMax: settings.linesPerAddressMax)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.recvAllocator, value: receiveBuffers())
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try prepare(
                        channel,
                        context: context,
                        settings: settings,
                        admission: admission,
                        budget: budget,
                        accepted: accepted,
                        logger: logger
                    )
                }
            }
        do {
            let channel = try await bootstrap.bind(host: host, port: port).get()
            channel.closeFuture.whenComplete { _ in accepted.finish() }
            return TCPListener(
                host: channel.localAddress?.ipAddress ?? host,
                port: channel.localAddress?.port ?? port,
                channel: channel,
                connections: connections,
                logger: logger
            )
        } catch {
            throw TransportError.binding(error, host: host, port: port)
        }
    }

    private static func prepare(
        _ channel: any Channel,
        context: TLSContext,
        settings: TransportSettings,
        admission: Admission,
        budget: LineBudget,
        accepted: AsyncStream<TCPConnection>.Continuation,
        logger: Logger
    ) throws {
        let network = channel.remoteAddress?.network ?? "unknown"
        let log = RefusalLog(
            logger,
            budget: budget,
            address: addressText(channel.remoteAddress),
            network: network
        )
        let ticket = admission.begin(from: network) { reason in
            channel.triggerUserOutboundEvent(TLSAbort(reason: reason), promise: nil)
        }
        guard let ticket else {
            log.tooMany(total: admission.refused)
            try channel.pipeline.syncOperations.addHandler(RefusingHandler())
            return
        }
        channel.closeFuture.whenComplete { _ in admission.end(ticket) }
        limitBacklog(of: channel, settings)
        let counter = TrafficCounter()
        let frames = FrameHandler(own: context.identity.peer, settings: settings, counter: counter) {
            result in
            switch result {
            case .success(let connection):
                guard admission.admit(ticket, as: connection.peer) else {
                    log.tooMany(total: admission.refused)
                    return connection.abort()
                }
                log.admitted(connection.peer)
                accepted.yield(connection)
            case .failure(let error):
                admission.end(ticket)
                log.refused(error, total: admission.refused)
            }
        }
        do {
            let tls = TLSHandler(try context.connection(host: nil), settings: settings, counter: counter)
            try channel.pipeline.syncOperations.addHandlers(tls, frames)
        } catch {
            admission.end(ticket)
            logger.error("connection refused", metadata: ["reason": .string("\(error)")])
            throw error
        }
    }

    /// Runs `handler` for each connection until `close()` or cancellation.
    package func serve(_ handler: @escaping @Sendable (any Connection) async throws -> Void) async throws {
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                for await connection in connections {
                    group.addTask { await self.run(handler, connection) }
                }
            }
        } onCancel: {
            stop()
        }
        try Task.checkCancellation()
    }

    private func run(
        _ handler: @Sendable (any Connection) async throws -> Void,
        _ connection: TCPConnection
    ) async {
        do {
            try await handler(connection)
        } catch is CancellationError {
            // The listener is going down and has asked its handlers to stop.
        } catch {
            logger.warning(
                "connection ended with an error",
                metadata: [
                    "peer": .stringConvertible(connection.peer),
                    "peer-address": .string(connection.remoteAddress),
                    "reason": .string("\(error)"),
                ]
            )
        }
        await connection.close()
    }

    /// Stops taking new connections.
    package func close() async {
        guard channel.isActive else { return }
        // The one error is that it is closed already.
        try? await channel.close().get()
    }

    /// Without effect on a closed channel, whose event loop may have stopped.
    private func stop() {
        if channel.isActive { channel.close(promise: nil) }
    }
}

/// Closes a connection as soon as it is there.
private final class RefusingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelActive(context: ChannelHandlerContext) { context.close(promise: nil) }
}
