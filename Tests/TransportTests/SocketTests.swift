import Foundation
import Logging
import NIOCore
import NIOPosix
import Testing
import Wire

@testable import Transport

/// Everything that opens sockets runs one after another under this suite.
@Suite("Sockets", .serialized, .timeLimit(.minutes(2)))
enum SocketTests {}

/// A coordinator that listens on 127.0.0.1 while `body` runs.
struct Station: Sendable {
    let federation: TestFederation
    let transport: TCPTransport
    let context: TLSContext
    let listener: TCPListener
    let log: LogRecorder

    static func run(
        _ federation: TestFederation,
        settings: TransportSettings = TransportSettings(),
        handler: @escaping @Sendable (any Connection) async throws -> Void = echo,
        _ body: (Station) async throws -> Void
    ) async throws {
        let log = LogRecorder()
        let transport = TCPTransport(logger: log.logger)
        let context = try federation.coordinator()
        let listener = try await transport.listen(
            host: "127.0.0.1",
            port: 0,
            context: context,
            settings: settings
        )
        let server = Task { try await listener.serve(handler) }
        let station = Station(
            federation: federation,
            transport: transport,
            context: context,
            listener: listener,
            log: log
        )
        do {
            try await body(station)
            server.cancel()
            _ = await server.result
            await transport.shutdown()
        } catch {
            server.cancel()
            _ = await server.result
            await transport.shutdown()
            throw error
        }
    }

    @Sendable static func echo(_ connection: any Connection) async throws {
        for try await frame in connection.inbound { try await connection.send(frame) }
    }

    func connect(_ context: TLSContext, settings: TransportSettings = TransportSettings()) async throws
        -> TCPConnection
    {
        try await transport.connect(
            host: "127.0.0.1",
            port: listener.port,
            context: context,
            settings: settings
        )
    }

    /// Why a client with this identity does not get in, as the client sees it.
    func refusal(of context: TLSContext) async throws -> TransportError? {
        do {
            let connection = try await connect(context)
            for try await _ in connection.inbound {}
            return nil
        } catch let error as TransportError {
            return error
        }
    }
}

/// The client's half of a TLS connection that sends whatever bytes a test wants.
final class RawClient: Sendable {
    private let channel: any Channel
    let received: AsyncStream<ByteBuffer>

    private init(channel: any Channel, received: AsyncStream<ByteBuffer>) {
        self.channel = channel
        self.received = received
    }

    /// - Parameter context: nil for bare TCP.
    static func connect(port: Int, context: TLSContext?, group: any EventLoopGroup) async throws -> RawClient
    {
        let (received, sink) = AsyncStream.makeStream(of: ByteBuffer.self)
        let channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        let tls = TLSHandler(
                            try context.connection(host: "127.0.0.1"),
                            settings: TransportSettings(),
                            counter: TrafficCounter()
                        )
                        try channel.pipeline.syncOperations.addHandler(tls)
                    }
                    try channel.pipeline.syncOperations.addHandler(Sink(sink))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawClient(channel: channel, received: received)
    }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    /// Closes the socket without close_notify.
    func abort() { channel.triggerUserOutboundEvent(TLSAbort(), promise: nil) }

    func close() async { try? await channel.close().get() }

    private final class Sink: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let sink: AsyncStream<ByteBuffer>.Continuation

        init(_ sink: AsyncStream<ByteBuffer>.Continuation) { self.sink = sink }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { sink.yield(unwrapInboundIn(data)) }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
        func channelInactive(context: ChannelHandlerContext) { sink.finish() }
    }
}

extension Frame {
    /// A chunk frame of so many bytes.
    static func chunk(_ bytes: Int, fill: UInt8 = 0xA5) -> Frame {
        Frame(type: .chunk, body: [UInt8](repeating: fill, count: bytes))
    }

    static let heartbeat = Frame(type: .heartbeat, body: [])
}

extension TransportError {
    /// An error to compare with; only the code counts.
    static func of(_ code: Code) -> TransportError { TransportError(code, "", fix: "") }
}
