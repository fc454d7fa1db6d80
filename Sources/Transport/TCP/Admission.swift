internal import NIOCore
internal import Synchronization

/// Counts the connections of a listener against its limits and decides who makes room.
///
/// Strangers can only take places in the handshake. When those are all taken, the oldest handshake of the
/// address that has the most of them gives its place to the newcomer: whoever fills the places fills them
/// against himself, and a member, whose handshake takes a few packets, still comes through. A certificate
/// has a few connections; its newest takes the place of its oldest.
final class Admission: Sendable {
    /// One connection, from its handshake to its end.
    struct Ticket: Sendable, Hashable { fileprivate let number: Int }

    private struct Place {
        var number: Int
        /// The address in the handshake, the certificate's identity after it.
        var owner: String
        /// Cuts the connection; called outside the lock.
        var cut: @Sendable (TransportError) -> Void
    }

    private struct State {
        var next = 0
        /// Oldest first.
        var handshakes: [Place] = []
        var admitted: [Place] = []
        var refused = 0
    }

    private let state = Mutex(State())
    private let settings: TransportSettings

    init(_ settings: TransportSettings) { self.settings = settings }

    /// Takes a place for a new connection in its handshake; nil when all connections are taken by members.
    /// - Parameters:
    ///   - network: who is counted together, see `SocketAddress.network`.
    ///   - cut: ends the connection; called at most once, if another takes its place.
    func begin(
        from network: String,
        cut: @escaping @Sendable (TransportError) -> Void
    ) -> Ticket? {
        let (ticket, displaced) = state.withLock { state -> (Ticket?, Place?) in
            guard state.admitted.count < settings.connectionsMax else {
                state.refused += 1
                return (nil, nil)
            }
            var displaced: Place?
            if state.handshakes.count >= settings.handshakesMax {
                state.refused += 1
                displaced = Admission.oldestOfTheMost(state.handshakes).map {
                    state.handshakes.remove(at: $0)
                }
            }
            state.next += 1
            state.handshakes.append(Place(number: state.next, owner: network, cut: cut))
            return (Ticket(number: state.next), displaced)
        }
        displaced?.cut(
            TransportError(
                .tooManyConnections,
                "\(settings.handshakesMax) handshakes are under way, most of them from this address",
                fix: "If this is a member, it comes through when it tries again."
            )
        )
        return ticket
    }

    /// The handshake has failed, or its connection is over.
    func end(_ ticket: Ticket) {
        state.withLock { state in
            state.handshakes.removeAll { $0.number == ticket.number }
            state.admitted.removeAll { $0.number == ticket.number }
        }
    }

    /// The handshake has succeeded: the connection counts for its certificate from now on. False when there
    /// is no place for it.
    func admit(_ ticket: Ticket, as peer: PeerIdentity) -> Bool {
        let (isIn, displaced) = state.withLock { state -> (Bool, Place?) in
            // One that has just been displaced may still get here.
            guard let index = state.handshakes.firstIndex(where: { $0.number == ticket.number }) else {
                return (false, nil)
            }
            var place = state.handshakes.remove(at: index)
            place.owner = peer.uri
            var displaced: Place?
            let own = state.admitted.indices.filter { state.admitted[$0].owner == place.owner }
            if let oldest = own.first, own.count >= settings.connectionsPerPeerMax {
                displaced = state.admitted.remove(at: oldest)
            }
            guard state.admitted.count < settings.connectionsMax else {
                state.refused += 1
                return (false, displaced)
            }
            state.admitted.append(place)
            return (true, displaced)
        }
        displaced?.cut(
            TransportError(
                .tooManyConnections,
                "'\(peer)' has \(settings.connectionsPerPeerMax) connections already; the oldest is closed",
                fix: "Make sure that one machine alone uses this identity."
            )
        )
        return isIn
    }

    /// How many connections were turned away or displaced until now.
    var refused: Int { state.withLock { $0.refused } }

    /// Among those with equally many, the one that has waited longest.
    private static func oldestOfTheMost(_ places: [Place]) -> Int? {
        let counts = Dictionary(places.map { ($0.owner, 1) }, uniquingKeysWith: +)
        let most = counts.values.max()
        return places.firstIndex { counts[$0.owner] == most }
    }
}

extension SocketAddress {
    /// Whom limits count as one: an IPv4 address, or the /64 of an IPv6 address, which one host can fill.
    var network: String {
        guard let text = ipAddress, let bytes = AlternativeNames.address(text), bytes.count == 16 else {
            return ipAddress ?? "unknown"
        }
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        if Array(bytes.prefix(12)) == mapped {
            return bytes.suffix(4).map(String.init).joined(separator: ".")
        }
        return bytes.prefix(8).map { String($0, radix: 16) }.joined(separator: ":") + "/64"
    }
}
