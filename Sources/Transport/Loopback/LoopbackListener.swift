internal import Logging
internal import Synchronization

/// Where the connections of a loopback network come in.
package final class LoopbackListener: Listener {
    /// The address that was bound.
    package let host = "loopback"
    /// The port that was bound.
    package let port: Int
    let identity: PeerIdentity
    private let connections: AsyncStream<LoopbackConnection>
    private let accepted: AsyncStream<LoopbackConnection>.Continuation
    private let open = Mutex(0)
    private let connectionsMax: Int
    private let logger: Logger
    private let closed: @Sendable () -> Void

    init(
        identity: PeerIdentity,
        port: Int,
        connectionsMax: Int,
        logger: Logger,
        closed: @escaping @Sendable () -> Void
    ) {
        self.identity = identity
        self.port = port
        self.connectionsMax = connectionsMax
        self.logger = logger
        self.closed = closed
        (connections, accepted) = AsyncStream.makeStream()
    }

    func admit(_ connection: LoopbackConnection) throws {
        let hasPlace = open.withLock { open in
            guard open < connectionsMax else { return false }
            open += 1
            return true
        }
        guard hasPlace else {
            throw TransportError(
                .tooManyConnections,
                "loopback:\(port) has \(connectionsMax) connections already",
                fix: "Try again later."
            )
        }
        accepted.yield(connection)
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
        _ connection: LoopbackConnection
    ) async {
        do {
            try await handler(connection)
        } catch is CancellationError {
            // The listener is going down and has asked its handlers to stop.
        } catch {
            logger.warning(
                "connection ended with an error",
                metadata: ["peer": .stringConvertible(connection.peer), "reason": .string("\(error)")]
            )
        }
        await connection.close()
        open.withLock { $0 -= 1 }
    }

    /// Stops taking new connections.
    package func close() async { stop() }

    private func stop() {
        closed()
        accepted.finish()
    }
}
