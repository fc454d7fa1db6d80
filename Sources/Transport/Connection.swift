package import Wire

/// One authenticated, ordered, reliable stream of frames to one peer.
///
/// `TCPTransport` gives it over TLS 1.3, `LoopbackNetwork` in memory; everything above this protocol
/// behaves the same over both. A connection owns bounded memory: a peer that sends faster than the
/// frames are taken from `inbound` is made to wait, and `send` waits for a peer that reads slowly.
package protocol Connection: AnyObject, Sendable {
    /// Who the peer has proven to be.
    var peer: PeerIdentity { get }

    /// The peer's address as people read it, such as `192.0.2.7:51234`; for logs only.
    var remoteAddress: String { get }

    /// What has gone over this connection until now.
    var traffic: Traffic { get }

    /// The frames from the peer, in order; one consumer.
    ///
    /// It ends (nil) when the peer closes in order or after `close()`. It throws `TransportError` when the
    /// connection breaks and `WireError` when the peer sends bytes that are no frame; after a `WireError`
    /// nothing more is read, but `send` still works, so that the refusal can be told.
    var inbound: InboundFrames { get }

    /// Sends one frame and returns once the operating system has taken it.
    ///
    /// Frames of concurrent senders do not mix; frames of one sender keep their order.
    /// - Throws: `TransportError`: why the connection is over; `CancellationError`: the frame may still go
    ///   out.
    func send(_ frame: Frame) async throws

    /// Closes in order: what was sent goes out, then close_notify, then a bounded wait for the peer's.
    /// Frames not yet taken from `inbound` are dropped. Calling it again is harmless.
    func close() async

    /// Cuts the connection at once.
    func abort()
}

/// Where connections come in.
package protocol Listener: Sendable {
    /// The address that was bound.
    var host: String { get }

    /// The port that was bound, also when port 0 was asked for.
    var port: Int { get }

    /// Runs `handler` for each admitted connection, all at the same time, until `close()` or cancellation.
    ///
    /// An error of a handler is logged and ends that connection alone; when a handler returns, its
    /// connection is closed in order. Returns after the last handler has ended. To be called once.
    func serve(_ handler: @escaping @Sendable (any Connection) async throws -> Void) async throws

    /// Stops taking new connections; those that are there go on until their handlers return.
    func close() async
}

/// What makes connections to one coordinator, again and again.
package protocol Dialer: Sendable {
    /// Connects once; the caller owns the back-off.
    /// - Throws: `TransportError` with what went wrong and what to do about it.
    func connect() async throws -> any Connection
}
