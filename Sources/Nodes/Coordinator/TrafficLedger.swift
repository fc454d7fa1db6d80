internal import Ledger
internal import Synchronization
internal import Wire

/// What bytes on the wire were for.
enum TrafficKind: String, CaseIterable {
    case adapter, update, batch, responses, pool
    /// Requests, manifests, acknowledgements, heartbeats.
    case control

    init(_ kind: BlobKind) {
        switch kind {
        case .adapter: self = .adapter
        case .update: self = .update
        case .batch: self = .batch
        case .responses: self = .responses
        case .pool: self = .pool
        }
    }
}

/// Counts frames by kind and direction, and by round once `flush` says which round they were of.
final class TrafficLedger: Sendable {
    private struct Key: Hashable {
        var kind: TrafficKind
        var direction: TrafficDirection
    }

    private struct State {
        var open: [Key: (messages: Int, bytes: Int)] = [:]
        var up = 0
        var down = 0
    }

    private let state: Mutex<State>

    /// Starts from what was counted before.
    init(up: Int, down: Int) {
        state = Mutex(State(up: up, down: down))
    }

    /// Counts one frame.
    func add(_ kind: TrafficKind, _ direction: TrafficDirection, bytes: Int) {
        state.withLock { state in
            let old = state.open[Key(kind: kind, direction: direction)] ?? (0, 0)
            state.open[Key(kind: kind, direction: direction)] = (old.messages + 1, old.bytes + bytes)
            switch direction {
            case .up: state.up += bytes
            case .down: state.down += bytes
            }
        }
    }

    /// All bytes in each direction.
    var totals: (up: Int, down: Int) { state.withLock { ($0.up, $0.down) } }

    /// Takes what was counted since the last call, as records of a round.
    func flush(round: Int) -> [TrafficRecord] {
        let open = state.withLock { state in
            defer { state.open = [:] }
            return state.open
        }
        return TrafficKind.allCases.flatMap { kind in
            TrafficDirection.allCases.compactMap { direction in
                open[Key(kind: kind, direction: direction)].map { count in
                    TrafficRecord(
                        round: round,
                        kind: kind.rawValue,
                        direction: direction,
                        messages: count.messages,
                        bytes: count.bytes
                    )
                }
            }
        }
    }
}
