package import Digest
package import Wire

/// What a coordinator's node must do, in the order given.
package enum CoordinatorAction: Sendable, Equatable {
    /// Make a fact durable. The actions that follow must not be performed before it is; if it cannot
    /// be made durable the node must stop without them.
    case record(CoordinatorFact)
    /// Send a message.
    case send(CoordinatorMessage, to: ConnectionID)
    /// Send the message that offers a blob (`RoundStart`, `Batch` or `Pool`) with its manifest.
    case offer(CoordinatorBlob, to: ConnectionID)
    /// Send chunks of the blob offered last, until the connection is offered another blob or is closed.
    /// A digest that is not the blob's, or a chunk beyond its
    /// end, is for the node to report as `undecodable` with `BAD_CHUNK`.
    case sendChunks(CoordinatorBlob, transfer: SHA256Digest, fromChunk: Int, to: ConnectionID)
    /// Begin or resume to receive an upload: answer `Continue` with the first chunk that is missing,
    /// or report `transferFailed` if the manifest alone shows that it cannot be: another layout or encoding.
    case receive(Transfer, Manifest)
    /// Give a chunk to the upload under way.
    case takeChunk(Chunk, of: Transfer)
    /// Close a connection once everything sent to it is on its way; forget its transfers in progress.
    /// No event follows.
    case close(ConnectionID)
    /// Pool the accepted responses of a public step, then report `pooled`. Clients in ascending order.
    case computePool(round: Int, step: Int, clients: [String])
    /// Merge the accepted updates of a round, then report `aggregated`. Clients in ascending order.
    case aggregate(round: Int, clients: [String])
    /// Evaluate the new adapter, which the updates of these clients went into, then report `evaluated`, or
    /// `vetoed` if it is not to be taken. Clients in ascending order.
    case evaluate(round: Int, clients: [String])
    /// Write the round's checkpoint, then report `checkpointed`.
    case checkpoint(round: Int)
    /// Report `tick` at this time. Replaces the timer set before.
    case setTimer(Tick)
    /// Log something that people may want to know.
    case note(CoordinatorNote)
    /// The machine has come to its end; it ignores further events.
    case finish(CoordinatorOutcome)
}

/// A blob that the coordinator sends.
package enum CoordinatorBlob: Sendable, Hashable {
    /// The adapter that a round starts from.
    case adapter(round: Int)
    /// The public items of a step.
    case batch(round: Int, step: Int)
    /// The pool of a step for one client.
    case pool(round: Int, step: Int, client: String)
}

/// How a coordinator ends.
package enum CoordinatorOutcome: Sendable, Equatable {
    /// All rounds are done, and every client knows or had the time to learn.
    case completed
    /// It goes down and will be started again.
    case drained
    /// The run cannot go on.
    case failed(reason: String)
}

/// Something for the log that is no durable fact.
package enum CoordinatorNote: Sendable, Equatable {
    /// A client was admitted.
    case admitted(client: String, session: UInt64)
    /// A connection was refused before it became a client's session.
    case turnedAway(certifiedName: String, code: ErrorCode, message: String)
    /// These clients are new, and take part from this round on.
    case membersAdded(round: Int, clients: [String])
    /// Clients were to be added, but no round is left that they could take part in.
    case tooLateForMembers([String])
    /// A newer session of the same client has taken over, with the addresses of both.
    case replaced(client: String, from: String, by: String)
    /// A client has left before the end, and says why.
    case left(client: String, reason: String)
    /// A client is farther than this coordinator: one of the two goes on from an older copy of its state.
    case ahead(client: String, round: Int, completed: Int)
    /// The coordinator ends although these clients have not heard of the end.
    case uninformed(clients: [String])
    /// A client's connection has ended; nil for one that was never admitted.
    case disconnected(client: String)
    /// A peer has said nothing for too long and is disconnected.
    case silent(client: String)
    /// A peer has broken the protocol and is disconnected.
    case violated(client: String, code: ErrorCode, message: String)
    /// A contribution came after its deadline; the step is nil for an update.
    case late(client: String, round: Int, step: Int?)
    /// A phase goes on without these clients; the step is nil for the collection of updates.
    case leftBehind(round: Int, step: Int?, clients: [String])
    /// A deadline has passed below quorum: the phase keeps waiting. The round is nil for the start.
    case belowQuorum(round: Int?, step: Int?, present: Int, quorum: Int, missing: [String])
    /// A client reports how a step went.
    case progress(client: String, StepProgress)
}
