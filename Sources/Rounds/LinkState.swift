package import Wire

/// Where a client stands with the coordinator; the second table of `protocol/SPEC.md`'s "States" has
/// a row for each.
package enum LinkState: String, Sendable, Hashable, CaseIterable {
    /// No connection, or one being made.
    case offline
    /// `Hello` was sent.
    case awaitingWelcome
    /// Welcomed, with nothing asked: the trainer is at work.
    case ready
    /// `FetchRound` was sent.
    case awaitingRound
    /// `FetchBatch` was sent.
    case awaitingBatch
    /// `FetchPool` was sent.
    case awaitingPool
    /// An offered blob is being received.
    case downloading
    /// `OfferResponses` was sent.
    case uploadingResponses
    /// `OfferUpdate` was sent.
    case uploadingUpdate

    /// Whether the coordinator may send a message of this type now.
    package func allows(_ type: MessageType) -> Bool {
        switch type {
        case .welcome: self == .awaitingWelcome
        case .refused, .drain: self != .offline
        case .heartbeat: self != .offline && self != .awaitingWelcome
        case .roundStart, .finished: self == .awaitingRound
        case .batch: self == .awaitingBatch
        case .pool: self == .awaitingPool
        case .stepSkipped: self == .awaitingBatch || self == .awaitingPool || self == .uploadingResponses
        case .accepted, .continue: self == .uploadingResponses || self == .uploadingUpdate
        case .rejected:
            switch self {
            case .awaitingRound, .awaitingBatch, .awaitingPool, .uploadingResponses, .uploadingUpdate: true
            case .offline, .awaitingWelcome, .ready, .downloading: false
            }
        case .chunk: self == .downloading
        case .hello, .fetchRound, .fetchBatch, .offerResponses, .fetchPool, .offerUpdate, .progress, .bye:
            false
        }
    }
}
