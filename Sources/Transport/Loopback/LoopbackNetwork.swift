package import Logging
internal import Synchronization
package import Wire

/// Connections in memory with the behaviour of `TCPTransport`: the same back-pressure, the same ends, every
/// frame encoded and decoded. For tests and for federations that live in one process.
package final class LoopbackNetwork: Sendable {
    /// Where a frame is when a fault can hit it.
    package struct FaultPoint: Sendable {
        /// The client's name.
        package let client: String
        /// How many connections this client had made before this one.
        package let connection: Int
        /// Who sends the frame.
        package let sender: Peer
        /// How many frames this sender had sent before over this connection.
        package let index: Int
        /// What the frame is.
        package let type: MessageType
    }

    /// What happens to a frame. TLS lets nothing else happen: bytes cannot change and frames cannot get lost
    /// singly.
    package enum Fault: Sendable, Hashable {
        /// It arrives.
        case none
        /// The connection breaks before it arrives.
        case cutBefore
        /// It arrives, then the connection breaks.
        case cutAfter
    }

    private struct State {
        var listeners: [Int: LoopbackListener] = [:]
        var nextPort = 1
        var connections: [String: Int] = [:]
    }

    private let state = Mutex(State())
    private let settings: TransportSettings
    private let faults: (@Sendable (FaultPoint) -> Fault)?
    private let logger: Logger

    /// - Parameter faults: asked about every frame; it must be quick and may not wait.
    package init(
        settings: TransportSettings = TransportSettings(),
        logger: Logger,
        faults: (@Sendable (FaultPoint) -> Fault)? = nil
    ) {
        self.settings = settings
        self.logger = logger
        self.faults = faults
    }

    /// Listens at a port of this network; 0 chooses one.
    /// - Throws: `TransportError` when the port is taken.
    package func listen(as identity: PeerIdentity, port: Int = 0) throws -> LoopbackListener {
        precondition(identity.role == .coordinator, "only a coordinator listens")
        return try state.withLock { state in
            while port == 0, state.listeners[state.nextPort] != nil { state.nextPort += 1 }
            let port = port == 0 ? state.nextPort : port
            guard state.listeners[port] == nil else {
                throw TransportError(
                    .addressInUse,
                    "loopback:\(port) is taken",
                    fix: "Close the other listener or choose another port."
                )
            }
            let listener = LoopbackListener(
                identity: identity,
                port: port,
                connectionsMax: settings.connectionsMax,
                logger: logger
            ) { [weak self] in self?.state.withLock { _ = $0.listeners.removeValue(forKey: port) } }
            state.listeners[port] = listener
            return listener
        }
    }

    /// Connects a client to the listener at a port.
    /// - Throws: `TransportError`, as `TCPTransport.connect` does.
    package func connect(port: Int, as identity: PeerIdentity) throws -> LoopbackConnection {
        precondition(identity.role != .coordinator, "only a client or an operator connects")
        let name = identity.shortName
        let (listener, number) = state.withLock { state in
            let number = state.connections[name, default: 0]
            state.connections[name] = number + 1
            return (state.listeners[port], number)
        }
        guard let listener else {
            throw TransportError(
                .refused,
                "nothing listens at loopback:\(port)",
                fix: "Start the coordinator, or correct the port."
            )
        }
        guard listener.identity.federation == identity.federation else {
            throw TransportError(
                .wrongFederation,
                "the peer is '\(listener.identity)', not of the federation '\(identity.federation)'",
                fix: "Use one federation on both sides."
            )
        }
        let link = LoopbackLink(
            client: identity,
            coordinator: listener.identity,
            number: number,
            settings: settings,
            faults: faults
        )
        try listener.admit(LoopbackConnection(link: link, side: .coordinator))
        return LoopbackConnection(link: link, side: .client)
    }
}

/// Connects one client to one port of a loopback network.
package struct LoopbackDialer: Dialer {
    private let network: LoopbackNetwork
    private let port: Int
    private let identity: PeerIdentity

    /// Takes what `LoopbackNetwork.connect` needs.
    package init(network: LoopbackNetwork, port: Int, identity: PeerIdentity) {
        self.network = network
        self.port = port
        self.identity = identity
    }

    /// Connects once.
    package func connect() async throws -> any Connection { try network.connect(port: port, as: identity) }
}
