/// The limits of a transport. The defaults suit a coordinator with some hundreds of clients.
package struct TransportSettings: Sendable {
    /// How long TCP may take to connect, and then TLS to shake hands.
    package var handshakeTimeout: Duration = .seconds(10)
    /// How long `close()` waits for the peer's close_notify.
    package var closeTimeout: Duration = .seconds(3)
    /// How long one frame (at most 1 MiB and its header) may take to leave before the peer counts as stuck.
    package var sendTimeout: Duration = .seconds(120)
    /// Reading stops when this many bytes of frames wait to be taken from a connection.
    package var inboundBytesHigh = 4 << 20
    /// Reading goes on when no more than this many bytes wait.
    package var inboundBytesLow = 1 << 20
    /// Connections that a listener keeps at the same time; more are refused at once.
    package var connectionsMax = 1024
    /// Connections that may be in their TLS handshake at the same time; more are refused at once.
    package var handshakesMax = 64
    /// Bytes that may wait to be sent before the TLS handshake is over.
    package var bytesBeforeHandshakeMax = 1 << 20

    /// The defaults.
    package init() {}
}
