package import Contract
internal import FoundationEssentials

/// What a run is doing now: the file `status.json` in the coordinator's state directory.
///
/// The coordinator rewrites it as things change, at most twice a second; displays and operators read it. The
/// values of the trainer's primary figure stand under that figure's key, such as `passAt1`.
package struct RunStatus: Sendable, Equatable {
    /// What the coordinator is about.
    package enum Phase: String, Codable, Sendable {
        /// Waiting for clients to connect.
        case enrolling
        /// Clients train.
        case training
        /// The last updates are in and are being merged and evaluated.
        case aggregating
        /// All rounds are done.
        case finished
    }

    /// One client as the coordinator sees it.
    package struct Client: Codable, Sendable, Equatable {
        /// Its name.
        package var name: String
        /// Whether it is connected now.
        package var connected: Bool
        /// The step of the current round it reported last, from 0; nil before its first.
        package var step: Int?
        /// The mean reward of that step, where its trainer reports one.
        package var reward: Double?
        /// The loss of that step, where its trainer reports one.
        package var loss: Double?
    }

    /// A certificate or a list that has to be renewed.
    package struct Expiry: Codable, Sendable, Equatable {
        /// `coordinator`, a client's name, `authority` or `revocation list`.
        package var name: String
        /// When it ends, such as `2027-03-01T12:00:00Z`.
        package var notAfter: String
    }

    /// What the coordinator is about.
    package var phase: Phase
    /// The current round, from 0.
    package var round: Int
    /// How many rounds there are.
    package var rounds: Int
    /// How many steps a round has.
    package var steps: Int
    /// What is measured first; nil before the first evaluation.
    package var measure: Measure?
    /// The primary figure by round: first that of the adapter that round 0 starts from, then one after each finished
    /// round.
    package var values: [Double]
    /// The rounds that were not taken, from 0.
    package var vetoed: [Int]
    /// Bytes from the clients to the coordinator until now, before encryption.
    package var bytesUp: Int
    /// Bytes from the coordinator to the clients until now, before encryption.
    package var bytesDown: Int
    /// All clients of the topology, sorted by name.
    package var clients: [Client]
    /// Who is being waited for at the moment, sorted by name.
    package var waitingFor: [String]
    /// What ends within weeks, or has ended.
    package var expiring: [Expiry] = []
    /// What was found of held-out items among those that are learnt from; nil where nothing was compared.
    package var overlap: HeldOutOverlap?
    /// The federation's name; nil in a file of an earlier version, as are those that follow.
    package var federation: String?
    /// Since when each of `waitingFor` is being waited for, such as `2027-03-01T12:00:00Z`.
    package var waitingSince: [String: String] = [:]
    /// Until when the coordinator's certificate, the authority's, the revocation list and the certificates of connected
    /// clients are valid.
    package var certificates: [Expiry] = []
    /// The folder of the newest merged adapter, once there is one, on the coordinator's host.
    package var adapter: String?
    /// When this was written.
    package var updated: String?

    /// The certificates that a status speaks of.
    package struct Certificates: Sendable {
        /// Those of this program and of its peers.
        package var all: [Expiry] = []
        /// Those of them that end within weeks, or have ended.
        package var due: [Expiry] = []
    }

    /// The status that a coordinator wrote last; nil if there is none, or it is not whole.
    package static func read(from file: String) -> RunStatus? {
        guard let data = try? Data(contentsOf: URL(filePath: file)) else { return nil }
        return try? JSONDecoder().decode(RunStatus.self, from: data)
    }
}

extension RunStatus: Codable {
    private enum CodingKeys: String, CodingKey {
        case phase, round, rounds, steps, measure, vetoed, bytesUp, bytesDown, clients, waitingFor, expiring
        case overlap
        case federation, waitingSince, certificates, adapter, updated
    }

    /// Reads what `encode(to:)` wrote.
    package init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        let measure = try keys.decodeIfPresent(Measure.self, forKey: .measure)
        let values = try decoder.container(keyedBy: AnyCodingKey.self)
        self.init(
            phase: try keys.decode(Phase.self, forKey: .phase),
            round: try keys.decode(Int.self, forKey: .round),
            rounds: try keys.decode(Int.self, forKey: .rounds),
            steps: try keys.decode(Int.self, forKey: .steps),
            measure: measure,
            values: try measure.map { try values.decode([Double].self, forKey: AnyCodingKey($0.key)) } ?? [],
            vetoed: try keys.decodeIfPresent([Int].self, forKey: .vetoed) ?? [],
            bytesUp: try keys.decode(Int.self, forKey: .bytesUp),
            bytesDown: try keys.decode(Int.self, forKey: .bytesDown),
            clients: try keys.decode([Client].self, forKey: .clients),
            waitingFor: try keys.decode([String].self, forKey: .waitingFor),
            expiring: try keys.decodeIfPresent([Expiry].self, forKey: .expiring) ?? [],
            overlap: try keys.decodeIfPresent(HeldOutOverlap.self, forKey: .overlap),
            federation: try keys.decodeIfPresent(String.self, forKey: .federation),
            waitingSince: try keys.decodeIfPresent([String: String].self, forKey: .waitingSince) ?? [:],
            certificates: try keys.decodeIfPresent([Expiry].self, forKey: .certificates) ?? [],
            adapter: try keys.decodeIfPresent(String.self, forKey: .adapter),
            updated: try keys.decodeIfPresent(String.self, forKey: .updated)
        )
    }

    /// Writes the values under the measure's key.
    package func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(phase, forKey: .phase)
        try keys.encode(round, forKey: .round)
        try keys.encode(rounds, forKey: .rounds)
        try keys.encode(steps, forKey: .steps)
        try keys.encode(vetoed, forKey: .vetoed)
        try keys.encode(bytesUp, forKey: .bytesUp)
        try keys.encode(bytesDown, forKey: .bytesDown)
        try keys.encode(clients, forKey: .clients)
        try keys.encode(waitingFor, forKey: .waitingFor)
        try keys.encode(expiring, forKey: .expiring)
        try keys.encodeIfPresent(overlap, forKey: .overlap)
        try keys.encodeIfPresent(federation, forKey: .federation)
        try keys.encode(waitingSince, forKey: .waitingSince)
        try keys.encode(certificates, forKey: .certificates)
        try keys.encodeIfPresent(adapter, forKey: .adapter)
        try keys.encodeIfPresent(updated, forKey: .updated)
        guard let measure else { return }
        try keys.encode(measure, forKey: .measure)
        var own = encoder.container(keyedBy: AnyCodingKey.self)
        try own.encode(values, forKey: AnyCodingKey(measure.key))
    }
}
