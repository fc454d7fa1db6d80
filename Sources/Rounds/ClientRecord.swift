package import Digest
package import Wire

/// What a client must still know after it was killed, saved together with the trainer's snapshot.
package struct ClientRecord: Sendable, Equatable {
    /// How far the client is.
    package enum Place: Sendable, Hashable {
        /// No round under way; the number of the last one, -1 before the first.
        case between(after: Int)
        /// A phase of the round's schedule is next; the count of phases when only the update is left.
        case phase(round: Int, index: Int)
        /// The responses of a public step are made and kept, but not known to be accepted.
        case responded(round: Int, index: Int, digest: SHA256Digest)
        /// The round's update is made and kept, but not known to be accepted.
        case trained(round: Int, digest: SHA256Digest)
        /// The run is over; its rounds and the digest of its last adapter.
        case finished(rounds: Int, adapter: SHA256Digest)
    }

    /// What the coordinator said when the client was first welcomed; nil before.
    package var terms: RunTerms?
    /// How far the client is.
    package var place: Place

    /// A record; without arguments that of a client which has never been welcomed.
    package init(terms: RunTerms? = nil, place: Place = .between(after: -1)) {
        self.terms = terms
        self.place = place
    }
}

extension ClientRecord {
    /// How many steps of the run are behind the client, those of rounds that it missed included: what it did later is
    /// done again after a restart.
    package var stepsDone: Int {
        guard let terms else { return 0 }
        let phases = roundSchedule(steps: terms.steps, localPerPublic: terms.localPerPublic)
        switch place {
        case .between(let after): return (after + 1) * terms.steps
        case .phase(let round, let index), .responded(let round, let index, _):
            return round * terms.steps + phases.prefix(index).reduce(0) { $0 + $1.stepCount }
        case .trained(let round, _): return (round + 1) * terms.steps
        case .finished(let rounds, _): return rounds * terms.steps
        }
    }
}

/// What a welcome fixes for the whole run.
package struct RunTerms: Sendable, Hashable {
    /// The federation's seed.
    package var seed: UInt64
    /// The trainer's name.
    package var trainer: String
    /// SHA-256 of the trainer's settings.
    package var settings: SHA256Digest
    /// How many rounds the run has.
    package var rounds: Int
    /// How many steps a round has.
    package var steps: Int
    /// q, the local steps before each public one.
    package var localPerPublic: Int
    /// How updates must be packed.
    package var encoding: TensorEncoding

    /// The terms of a welcome.
    package init(_ welcome: Welcome) {
        seed = welcome.seed
        trainer = welcome.trainer
        settings = SHA256Digest(of: welcome.settings)
        rounds = welcome.rounds
        steps = welcome.steps
        localPerPublic = welcome.localPerPublic
        encoding = welcome.encoding
    }

    /// What differs in other terms, for people; nil if nothing does. How many rounds there are may change on the way:
    /// no round depends on it.
    func difference(to other: RunTerms) -> String? {
        if seed != other.seed { return "seed \(seed) became \(other.seed)" }
        if trainer != other.trainer { return "trainer '\(trainer)' became '\(other.trainer)'" }
        if settings != other.settings { return "the trainer's settings changed" }
        if steps != other.steps { return "steps \(steps) became \(other.steps)" }
        if localPerPublic != other.localPerPublic {
            return "local steps per public one \(localPerPublic) became \(other.localPerPublic)"
        }
        if encoding != other.encoding {
            return "encoding \(encoding.rawValue) became \(other.encoding.rawValue)"
        }
        return nil
    }
}

/// One line, which can be read back.
extension ClientRecord: LosslessStringConvertible {
    /// The terms, or `-`, and the place, as words separated by spaces.
    package var description: String {
        let place =
            switch place {
            case .between(let after): "between \(after + 1)"
            case .phase(let round, let index): "phase \(round) \(index)"
            case .responded(let round, let index, let digest): "responded \(round) \(index) \(digest)"
            case .trained(let round, let digest): "trained \(round) \(digest)"
            case .finished(let rounds, let adapter): "finished \(rounds) \(adapter)"
            }
        guard let terms else { return "- \(place)" }
        return "terms \(terms.seed) \(terms.trainer) \(terms.settings) \(terms.rounds) \(terms.steps) "
            + "\(terms.localPerPublic) \(terms.encoding.rawValue) \(place)"
    }

    /// Reads a line that ``description`` has written; nil for anything else.
    package init?(_ description: String) {
        var words = Words(description)
        var terms: RunTerms?
        switch words.word() {
        case "-": break
        case "terms":
            guard let read = RunTerms(&words) else { return nil }
            terms = read
        default: return nil
        }
        guard let name = words.word(), let round = words.number() else { return nil }
        switch name {
        case "between": self.init(terms: terms, place: .between(after: round - 1))
        case "phase":
            guard let index = words.number() else { return nil }
            self.init(terms: terms, place: .phase(round: round, index: index))
        case "responded":
            guard let index = words.number(), let digest = words.digest() else { return nil }
            self.init(terms: terms, place: .responded(round: round, index: index, digest: digest))
        case "trained":
            guard let digest = words.digest() else { return nil }
            self.init(terms: terms, place: .trained(round: round, digest: digest))
        case "finished":
            guard let digest = words.digest() else { return nil }
            self.init(terms: terms, place: .finished(rounds: round, adapter: digest))
        default: return nil
        }
        guard words.isAtEnd else { return nil }
    }
}

extension RunTerms {
    init?(_ words: inout Words) {
        guard let seed = words.session(), let trainer = words.word(), let settings = words.digest(),
            let rounds = words.number(), let steps = words.number(), let localPerPublic = words.number(),
            let encoding = words.word().flatMap({ TensorEncoding(rawValue: $0) })
        else { return nil }
        self.seed = seed
        self.trainer = trainer
        self.settings = settings
        self.rounds = rounds
        self.steps = steps
        self.localPerPublic = localPerPublic
        self.encoding = encoding
    }
}
