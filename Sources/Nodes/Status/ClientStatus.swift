internal import FoundationEssentials
package import Rounds

/// What a client is doing now: the file `status.json` in its state directory, rewritten at most twice a second.
package struct ClientStatus: Codable, Sendable, Equatable {
    /// The federation's name.
    package var federation: String
    /// The client's name.
    package var client: String
    /// The coordinator's address, `HOST:PORT`.
    package var coordinator: String
    /// Whether the coordinator has welcomed the client on the present connection.
    package var connected: Bool
    /// Why the last connection ended or could not be made; nil once connected.
    package var trouble: String?
    /// What the client is about.
    package var activity: ClientActivity
    /// Since when, such as `2027-03-01T12:00:00Z`.
    package var since: String
    /// Whether the run is over and the client knows it.
    package var finished: Bool
    /// The round that the client is in or waits for, from 0.
    package var round: Int
    /// How many rounds there are.
    package var rounds: Int
    /// The last step that was taken, from 1 and counted through all rounds; nil before the first.
    package var step: Int?
    /// How many steps a round has.
    package var steps: Int
    /// What the trainer measured in that step.
    package var metrics: [String: Double] = [:]
    /// Bytes to the coordinator on the present connection, encryption included.
    package var bytesUp: Int
    /// Bytes from the coordinator on the present connection, encryption included.
    package var bytesDown: Int
    /// Until when the certificates are valid.
    package var certificates: [RunStatus.Expiry] = []
    /// When this was written.
    package var updated: String

    /// Whether the trainer takes local steps.
    package var isTraining: Bool { activity == .training }

    /// What the client is about, in words.
    package var activityText: String {
        switch activity {
        case .preparing: "preparing"
        case .waitingForRound: "waiting for the next round"
        case .training: "training"
        case .waitingForBatch: "waiting for public items"
        case .responding: "responding to public items"
        case .uploadingResponses: "sending responses"
        case .waitingForPool: "waiting for the others' responses"
        case .absorbing: "learning from the others' responses"
        case .packing: "packing its update"
        case .uploadingUpdate: "sending its update"
        case .fetchingResult: "fetching the final adapter"
        case .ended: "stopped"
        }
    }

    /// The status that a client wrote last; nil if there is none, or it is not whole.
    package static func read(from file: String) -> ClientStatus? {
        guard let data = try? Data(contentsOf: URL(filePath: file)) else { return nil }
        return try? JSONDecoder().decode(ClientStatus.self, from: data)
    }
}
