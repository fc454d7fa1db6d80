package import Digest
package import Wire

/// A connection, as the node numbers them; no number is used twice.
package struct ConnectionID: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The number.
    package let number: Int

    /// Makes an identifier.
    package init(_ number: Int) { self.number = number }

    /// By number.
    package static func < (first: ConnectionID, second: ConnectionID) -> Bool { first.number < second.number }

    /// `#7`
    package var description: String { "#\(number)" }
}

/// What happens to a coordinator.
package enum CoordinatorEvent: Sendable, Equatable {
    /// The node is ready: the first event of every machine, new or restored.
    case started
    /// A client has connected; the name is the one in its certificate, in lieu of any claim of its own.
    /// The address is for people.
    case connected(ConnectionID, certifiedName: String, address: String = "")
    /// A connection has ended, from whichever side.
    case disconnected(ConnectionID)
    /// A message has arrived.
    case received(ConnectionID, ClientMessage)
    /// What arrived is no message; the connection cannot go on.
    case undecodable(ConnectionID, code: ErrorCode, message: String)
    /// All bytes of a transfer have arrived, were verified, and are durable.
    case transferStored(Transfer)
    /// A transfer was refused for its bytes or what they contain, or could not be stored. With `BAD_CHUNK` it
    /// was refused for how it was sent: the connection ends, and the contribution may be offered again.
    case transferFailed(Transfer, code: ErrorCode, message: String)
    /// The pools of a public step are made and durable.
    case pooled(round: Int, step: Int)
    /// The next adapter is made and durable.
    case aggregated(round: Int, adapter: SHA256Digest)
    /// The next adapter was evaluated.
    case evaluated(round: Int)
    /// The next adapter was evaluated and is not taken: the round goes on with the one that has this digest,
    /// which has durably taken its place.
    case vetoed(round: Int, adapter: SHA256Digest)
    /// The checkpoint of a round is durable.
    case checkpointed(round: Int)
    /// Work that the machine asked for has failed and will fail again: the run cannot go on.
    case workFailed(reason: String)
    /// A client is to be shut out for the rest of the run.
    case expelled(client: String, code: ErrorCode, message: String)
    /// The time of the timer has come.
    case tick
    /// Bytes have come over a connection since this was last said; a message may take long on a slow link.
    case heard(ConnectionID)
    /// These clients are new in the topology, and the quorum is this one from the round on in which they take part.
    case membersAdded([String], quorum: Int)
    /// The coordinator is to go down and come back later.
    case drainRequested(reconnectAfterMs: Int)
}

/// An upload that the coordinator has agreed to receive.
package struct Transfer: Sendable, Equatable {
    /// What a client uploads.
    package enum Place: Sendable, Hashable {
        /// The responses of a public step.
        case responses(round: Int, step: Int)
        /// The update of a round.
        case update(round: Int)
    }

    /// The connection on which it was offered.
    package var connection: ConnectionID
    /// The client.
    package var client: String
    /// What it is.
    package var place: Place
    /// The digest in the manifest.
    package var digest: SHA256Digest
    /// Of an update, the private examples behind it.
    package var examples: Int
    /// Of an update, the client's metrics.
    package var metrics: [Metric]

    /// Makes a transfer.
    package init(
        connection: ConnectionID,
        client: String,
        place: Place,
        digest: SHA256Digest,
        examples: Int = 0,
        metrics: [Metric] = []
    ) {
        self.connection = connection
        self.client = client
        self.place = place
        self.digest = digest
        self.examples = examples
        self.metrics = metrics
    }
}
