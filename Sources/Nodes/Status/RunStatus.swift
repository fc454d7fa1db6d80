/// What a run is doing now: the file `status.json` in the coordinator's state directory.
///
/// The coordinator rewrites it as things change, at most twice a second; displays and operators read it.
public struct RunStatus: Codable, Sendable, Equatable {
    /// What the coordinator is about.
    public enum Phase: String, Codable, Sendable {
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
    public struct Client: Codable, Sendable, Equatable {
        /// Its name.
        public var name: String
        /// Whether it is connected now.
        public var connected: Bool
        /// The step of the current round it reported last, from 0; nil before its first.
        public var step: Int?
        /// The mean reward of that step, where its trainer reports one.
        public var reward: Double?
    }

    /// What the coordinator is about.
    public var phase: Phase
    /// The current round, from 0.
    public var round: Int
    /// How many rounds there are.
    public var rounds: Int
    /// How many steps a round has.
    public var steps: Int
    /// Held-out pass@1 by round: first the base's, then one after each finished round.
    public var passAt1: [Double]
    /// Bytes from the clients to the coordinator until now, before encryption.
    public var bytesUp: Int
    /// Bytes from the coordinator to the clients until now, before encryption.
    public var bytesDown: Int
    /// All clients of the topology, sorted by name.
    public var clients: [Client]
    /// Who is being waited for at the moment, sorted by name.
    public var waitingFor: [String]

    /// Makes a status.
    public init(
        phase: Phase,
        round: Int,
        rounds: Int,
        steps: Int,
        passAt1: [Double],
        bytesUp: Int,
        bytesDown: Int,
        clients: [Client],
        waitingFor: [String]
    ) {
        self.phase = phase
        self.round = round
        self.rounds = rounds
        self.steps = steps
        self.passAt1 = passAt1
        self.bytesUp = bytesUp
        self.bytesDown = bytesDown
        self.clients = clients
        self.waitingFor = waitingFor
    }
}
