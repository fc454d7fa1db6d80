package import Digest
package import Wire

/// A durable fact: what a coordinator must still know after it was killed.
///
/// A ``CoordinatorRecord`` is the sum of all facts in their order.
package enum CoordinatorFact: Sendable, Hashable {
    /// Sessions up to this number may have been opened; a coordinator that restarts goes on behind it. One fact for
    /// many sessions, since a client may reconnect without end.
    case sessionsReserved(through: UInt64)
    /// A round began.
    case roundBegan(round: Int)
    /// A client's responses to a public step count.
    case responsesAccepted(round: Int, step: Int, client: String, digest: SHA256Digest)
    /// A client's responses to a public step were refused for good.
    case responsesRefused(round: Int, step: Int, client: String, code: ErrorCode)
    /// A public step is closed with the responses of these clients, in ascending order.
    case stepClosed(round: Int, step: Int, clients: [String])
    /// The pools of a closed step are durable.
    case pooled(round: Int, step: Int)
    /// A client's update counts.
    case updateAccepted(round: Int, client: String, digest: SHA256Digest, examples: Int)
    /// A client's update was refused for good.
    case updateRefused(round: Int, client: String, code: ErrorCode)
    /// An update came after its round was closed, and does not count.
    case updateLate(round: Int, client: String)
    /// A round is closed with the updates of these clients, in ascending order.
    case roundClosed(round: Int, clients: [String])
    /// The next adapter is durable.
    case aggregated(round: Int, adapter: SHA256Digest)
    /// The next adapter was evaluated.
    case evaluated(round: Int)
    /// The next adapter was evaluated and is not taken: the one with this digest goes on.
    case vetoed(round: Int, adapter: SHA256Digest)
    /// The round's checkpoint is durable.
    case roundCompleted(round: Int)
    /// A client was shut out for good.
    case quarantined(client: String, code: ErrorCode)
    /// A client was added to a run under way: it takes part from this round on.
    case memberAdded(round: Int, client: String)
    /// A client has heard that the run is over: it said goodbye after it was told.
    case informed(client: String)
}

/// One line for each fact, which can be read back.
extension CoordinatorFact: LosslessStringConvertible {
    /// The fact's word and its values, separated by spaces.
    package var description: String {
        switch self {
        case .sessionsReserved(let last): "sessionsReserved \(last)"
        case .roundBegan(let round): "roundBegan \(round)"
        case .responsesAccepted(let round, let step, let client, let digest):
            "responsesAccepted \(round) \(step) \(client) \(digest)"
        case .responsesRefused(let round, let step, let client, let code):
            "responsesRefused \(round) \(step) \(client) \(code.name)"
        case .stepClosed(let round, let step, let clients):
            "stepClosed \(round) \(step) \(Self.list(clients))"
        case .pooled(let round, let step): "pooled \(round) \(step)"
        case .updateAccepted(let round, let client, let digest, let examples):
            "updateAccepted \(round) \(client) \(digest) \(examples)"
        case .updateRefused(let round, let client, let code):
            "updateRefused \(round) \(client) \(code.name)"
        case .updateLate(let round, let client): "updateLate \(round) \(client)"
        case .roundClosed(let round, let clients): "roundClosed \(round) \(Self.list(clients))"
        case .aggregated(let round, let adapter): "aggregated \(round) \(adapter)"
        case .evaluated(let round): "evaluated \(round)"
        case .vetoed(let round, let adapter): "vetoed \(round) \(adapter)"
        case .roundCompleted(let round): "roundCompleted \(round)"
        case .quarantined(let client, let code): "quarantined \(client) \(code.name)"
        case .memberAdded(let round, let client): "memberAdded \(round) \(client)"
        case .informed(let client): "informed \(client)"
        }
    }

    /// Reads a line that ``description`` has written; nil for anything else.
    package init?(_ description: String) {
        var words = Words(description)
        guard let fact = Self.read(words.word(), &words), words.isAtEnd else { return nil }
        self = fact
    }

    private static func read(_ name: String?, _ words: inout Words) -> CoordinatorFact? {
        switch name {
        case "sessionsReserved": return words.session().map { .sessionsReserved(through: $0) }
        case "quarantined":
            guard let client = words.word(), let code = words.code() else { return nil }
            return .quarantined(client: client, code: code)
        case "informed":
            return words.word().map { .informed(client: $0) }
        case .some(let name):
            guard let round = words.number() else { return nil }
            return readOfRound(name, round, &words)
        case nil:
            return nil
        }
    }

    private static func readOfRound(_ name: String, _ round: Int, _ words: inout Words) -> CoordinatorFact? {
        switch name {
        case "roundBegan": return .roundBegan(round: round)
        case "evaluated": return .evaluated(round: round)
        case "roundCompleted": return .roundCompleted(round: round)
        case "aggregated": return words.digest().map { .aggregated(round: round, adapter: $0) }
        case "vetoed": return words.digest().map { .vetoed(round: round, adapter: $0) }
        case "roundClosed": return words.names().map { .roundClosed(round: round, clients: $0) }
        case "memberAdded": return words.word().map { .memberAdded(round: round, client: $0) }
        case "updateLate": return words.word().map { .updateLate(round: round, client: $0) }
        case "updateAccepted":
            guard let client = words.word(), let digest = words.digest(), let examples = words.number()
            else { return nil }
            return .updateAccepted(round: round, client: client, digest: digest, examples: examples)
        case "updateRefused":
            guard let client = words.word(), let code = words.code() else { return nil }
            return .updateRefused(round: round, client: client, code: code)
        case "responsesAccepted":
            guard let step = words.number(), let client = words.word(), let digest = words.digest()
            else { return nil }
            return .responsesAccepted(round: round, step: step, client: client, digest: digest)
        case "responsesRefused":
            guard let step = words.number(), let client = words.word(), let code = words.code()
            else { return nil }
            return .responsesRefused(round: round, step: step, client: client, code: code)
        case "stepClosed":
            guard let step = words.number(), let clients = words.names() else { return nil }
            return .stepClosed(round: round, step: step, clients: clients)
        case "pooled": return words.number().map { .pooled(round: round, step: $0) }
        default: return nil
        }
    }

    /// Names joined by commas; `-` for none, since no name is empty.
    private static func list(_ names: [String]) -> String {
        names.isEmpty ? "-" : names.joined(separator: ",")
    }
}
