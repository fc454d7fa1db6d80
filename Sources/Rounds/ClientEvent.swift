package import Digest
package import Wire

/// What happens to a client. Of a connection that was hung up, nothing is reported any more.
package enum ClientEvent: Sendable, Equatable {
    /// The node is ready: the first event of every machine, new or restored.
    case started
    /// The connection that was asked for is there, encrypted and with both certificates checked.
    case connected
    /// The connection that was asked for could not be made, for a reason that may pass. One that will
    /// not, such as a certificate of another federation, is `workFailed`.
    case connectFailed(reason: String)
    /// The connection has ended.
    case disconnected(reason: String)
    /// A message has arrived.
    case received(CoordinatorMessage)
    /// What arrived is no message; the connection cannot go on.
    case undecodable(code: ErrorCode, message: String)
    /// The trainer is made and, after a restart, restored from its snapshot.
    case prepared
    /// All bytes of the blob under way have arrived, were verified, and are kept.
    case downloaded(ClientDownload)
    /// The blob under way is not what its manifest announced, or cannot be kept.
    case downloadFailed(ClientDownload, code: ErrorCode, message: String)
    /// A local step is done and more follow.
    case stepped(StepProgress)
    /// The local steps asked for are done.
    case adapted(round: Int, steps: Range<Int>)
    /// The responses to the batch are made and kept on disk under this digest.
    case responded(round: Int, step: Int, digest: SHA256Digest)
    /// The pool is learnt.
    case absorbed(round: Int, step: Int)
    /// The round's update is made and kept on disk under this digest.
    case packed(round: Int, digest: SHA256Digest)
    /// Work that the machine asked for has failed and will fail again.
    case workFailed(reason: String)
    /// The time of the timer has come.
    case tick
    /// Bytes have come over the connection since this was last said; a message may take long on a slow link.
    case heard
    /// The client is to go down and come back later.
    case drainRequested
}

/// A blob that a client receives.
package enum ClientDownload: Sendable, Hashable {
    /// The adapter that a round starts from.
    case adapter(round: Int)
    /// The public items of a step.
    case batch(round: Int, step: Int)
    /// What to absorb in a step.
    case pool(round: Int, step: Int)
}

/// A blob that a client sends.
package enum ClientUpload: Sendable, Hashable {
    /// The responses of a public step.
    case responses(round: Int, step: Int)
    /// The update of a round.
    case update(round: Int)
}
