package import Wire

/// Where the coordinator stands with one connection; the first table of `protocol/SPEC.md`'s
/// "States" has a row for each.
package enum PeerState: String, Sendable, Hashable, CaseIterable {
    /// Nothing has come yet. Goes to `ready`, or the connection is refused.
    case awaitingHello
    /// Admitted, with nothing asked that is not answered. Goes to any of the following.
    case ready
    /// A blob was offered and may be asked for, chunk by chunk. Otherwise as `ready`.
    case serving
    /// A request waits for its answer: the next round, a batch or a pool. Goes to `ready` or `serving`.
    case waiting
    /// An upload was agreed to. Goes to `ready` when it is accepted, rejected or too late.
    case uploading

    /// Whether the client may send a message of this type now.
    ///
    /// Chunks that come in `ready`, `serving` or `waiting` were on their way when their upload was
    /// rejected or found too late; they are dropped.
    ///
    /// Anything else is answered by `Refused` with `UNEXPECTED_MESSAGE`, and the connection closed.
    package func allows(_ type: MessageType) -> Bool {
        switch type {
        case .hello: self == .awaitingHello
        case .fetchRound, .fetchBatch, .fetchPool, .offerResponses, .offerUpdate:
            self == .ready || self == .serving
        case .continue: self == .serving
        case .chunk: self != .awaitingHello
        case .progress, .heartbeat: self != .awaitingHello
        case .ask: false
        case .bye: true
        case .welcome, .refused, .roundStart, .batch, .pool, .stepSkipped, .accepted, .rejected, .finished,
            .drain, .report:
            false
        }
    }
}

/// One connection as the coordinator's machine sees it.
struct Connection {
    /// What the connection is doing, with what that needs.
    enum Activity {
        case awaitingHello
        case ready
        case serving(CoordinatorBlob)
        case waiting(Request)
        case uploading(Transfer)

        var state: PeerState {
            switch self {
            case .awaitingHello: .awaitingHello
            case .ready: .ready
            case .serving: .serving
            case .waiting: .waiting
            case .uploading: .uploading
            }
        }
    }

    /// A request whose answer is not known yet.
    enum Request: Equatable {
        /// The round after the given one.
        case round(after: Int)
        case batch(round: Int, step: Int)
        case pool(round: Int, step: Int)
    }

    /// The name in the certificate.
    let certifiedName: String
    /// Where the client connects from, for people.
    let address: String
    var activity = Activity.awaitingHello
    var lastHeard: Tick
    var lastSent: Tick
}
