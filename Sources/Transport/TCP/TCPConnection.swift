internal import NIOCore
package import Wire

/// A connection over TCP and TLS.
package final class TCPConnection: Connection {
    /// Who the peer has proven to be.
    package let peer: PeerIdentity
    /// The peer's address, for logs.
    package let remoteAddress: String
    private let channel: any Channel
    private let queue: FrameQueue
    private let counter: TrafficCounter
    private let outcome: ConnectionOutcome

    init(
        channel: any Channel,
        peer: PeerIdentity,
        queue: FrameQueue,
        counter: TrafficCounter,
        outcome: ConnectionOutcome
    ) {
        self.channel = channel
        self.peer = peer
        self.queue = queue
        self.counter = counter
        self.outcome = outcome
        remoteAddress = addressText(channel.remoteAddress)
    }

    /// A connection that nobody holds any more must not hold its socket.
    deinit { cut() }

    /// What has gone over this connection until now.
    package var traffic: Traffic { counter.snapshot }

    /// The frames from the peer, in order; one consumer.
    package var inbound: InboundFrames { InboundFrames(queue: queue) }

    /// Sends one frame; waits for a peer that reads slowly.
    package func send(_ frame: Frame) async throws {
        if let error = outcome.error { throw error }
        try Task.checkCancellation()
        var buffer = channel.allocator.buffer(capacity: Frame.headerBytes + frame.body.count)
        buffer.writeBytes(FrameEncoder.header(of: frame))
        buffer.writeBytes(frame.body)
        let sent = Completion<Void>()
        channel.writeAndFlush(buffer).whenComplete { sent.finish($0) }
        do {
            try await sent.value()
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            // The reason why the connection is over says more than that a write came too late.
            throw outcome.error ?? TransportError.connection(error)
        }
        counter.sent(frame.type, bytes: Frame.headerBytes + frame.body.count)
    }

    /// Closes in order: sends what was sent, says so to the peer, and waits a bounded time for it.
    package func close() async {
        outcome.set(.closed())
        queue.finish(.success(()), dropping: true)
        guard channel.isActive else { return }
        let closed = Completion<Void>()
        channel.close().whenComplete { _ in closed.finish(.success(())) }
        // Cancellation is the one error here; the channel goes on closing by itself within its timeout.
        try? await closed.value()
    }

    /// Cuts the connection at once.
    package func abort() {
        outcome.set(.closed())
        queue.finish(.success(()), dropping: true)
        cut()
    }

    /// Without effect on a closed channel, whose event loop may have stopped.
    private func cut() {
        if channel.isActive { channel.triggerUserOutboundEvent(TLSAbort(), promise: nil) }
    }
}

/// An address as `192.0.2.7:5123` or `[2001:db8::1]:5123`.
func addressText(_ address: SocketAddress?) -> String {
    guard let address, let ip = address.ipAddress, let port = address.port else { return "unknown" }
    return ip.contains(":") ? "[\(ip)]:\(port)" : "\(ip):\(port)"
}
