internal import Synchronization

/// Counts the connections of a listener against its limits.
final class Admission: Sendable {
    private struct State {
        var handshakes = 0
        var connections = 0
        var refused = 0
    }

    private let state = Mutex(State())
    private let handshakesMax: Int
    private let connectionsMax: Int

    init(_ settings: TransportSettings) {
        handshakesMax = settings.handshakesMax
        connectionsMax = settings.connectionsMax
    }

    /// Takes a place for a new connection in its handshake; false when there is none.
    func begin() -> Bool {
        state.withLock { state in
            guard state.handshakes < handshakesMax, state.connections < connectionsMax else {
                state.refused += 1
                return false
            }
            state.handshakes += 1
            state.connections += 1
            return true
        }
    }

    /// The handshake has succeeded or failed.
    func endHandshake() { state.withLock { $0.handshakes -= 1 } }

    /// The connection is closed.
    func end() { state.withLock { $0.connections -= 1 } }

    /// How many connections were turned away until now.
    var refused: Int { state.withLock { $0.refused } }
}
