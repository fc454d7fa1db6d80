/// The limits of a transport. The defaults suit a coordinator with some hundreds of clients.
package struct TransportSettings: Sendable {
    /// How long TCP may take to connect, and then TLS to shake hands.
    package var handshakeTimeout: Duration = .seconds(10)
    /// How long `close()` waits for the peer's close_notify.
    package var closeTimeout: Duration = .seconds(3)
    /// How long the socket may take not a single byte of what is to be sent before the peer counts as stuck.
    package var sendTimeout: Duration = .seconds(120)
    /// Reading stops when this many bytes of frames wait to be taken from a connection.
    package var inboundBytesHigh = 1 << 20
    /// Reading goes on when no more than this many bytes wait.
    package var inboundBytesLow = 1 << 18
    /// Admitted connections that a listener keeps at the same time; more are refused.
    package var connectionsMax = 1024
    /// Admitted connections of one certificate's identity; the newest takes the place of the oldest.
    package var connectionsPerPeerMax = 128
    /// Connections that may be in their TLS handshake at the same time; a newcomer takes the place of the
    /// oldest from the address that has the most.
    package var handshakesMax = 64
    /// Bytes that may wait to be sent before the TLS handshake is over.
    package var bytesBeforeHandshakeMax = 1 << 20
    /// Bytes that wait in the kernel without having been sent; a larger backlog there would hold up what is
    /// urgent, and hide for minutes on a slow link whether the peer takes anything.
    package var unsentBytesMax = 131_072
    /// Lines that the log gets about refused connections of one address in a minute; more are counted.
    package var linesPerAddressMax = 5

    /// The defaults.
    package init() {}
}
