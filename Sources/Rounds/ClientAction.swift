package import Wire

/// What a client's node must do, in the order given. Trainer work is done one piece after another.
package enum ClientAction: Sendable, Equatable {
    /// Open a connection, then report `connected` or `connectFailed`.
    case connect
    /// Close the connection once everything sent is on its way; forget the download in progress.
    /// No event follows.
    case hangUp
    /// Send a message.
    case send(ClientMessage)
    /// Send the message that offers a kept blob (`OfferResponses` or `OfferUpdate`).
    case offer(ClientUpload)
    /// Send chunks of the blob offered last.
    case sendChunks(ClientUpload, fromChunk: Int)
    /// Send no further chunks: the upload is no longer wanted.
    case stopSending(ClientUpload)
    /// Begin or resume to receive a blob: answer `Continue` with the first chunk that is missing.
    case receive(ClientDownload, Manifest)
    /// Give a chunk to the download under way.
    case takeChunk(Chunk, of: ClientDownload)
    /// Make the trainer for these terms and restore its snapshot if there is one, then report `prepared`.
    case prepare(Welcome)
    /// Give the trainer the round's adapter, which was just downloaded.
    case beginRound(Int)
    /// Take local steps, reporting `stepped` after each but the last, then `adapted`.
    case startLocalSteps(round: Int, steps: Range<Int>)
    /// Answer the batch just downloaded, keep the responses until they are discarded, then report
    /// `responded`.
    case respond(round: Int, step: Int)
    /// Learn from the pool just downloaded, then report `absorbed`.
    case absorb(round: Int, step: Int)
    /// Keep the adapter just downloaded as what the run came to.
    case keepResult(Finished)
    /// Make the round's update, keep it until it is discarded, then report `packed`.
    case packUpdate(round: Int)
    /// Save this record together with a snapshot of the trainer as it then is, both or neither. The
    /// actions that follow must not be performed before it is durable.
    case save(ClientRecord)
    /// A kept blob is of no further use.
    case discard(ClientUpload)
    /// Report `tick` at this time. Replaces the timer set before.
    case setTimer(Tick)
    /// Log something that people may want to know.
    case note(ClientNote)
    /// The machine has come to its end; it ignores further events.
    case finish(ClientOutcome)
}

/// How a client ends.
package enum ClientOutcome: Sendable, Equatable {
    /// The run is over.
    case completed(Finished)
    /// It goes down and will be started again.
    case drained
    /// It cannot go on; the code is the coordinator's, if it was the coordinator that said so.
    case failed(code: ErrorCode?, reason: String)
}

/// Something for the log.
package enum ClientNote: Sendable, Equatable {
    /// The coordinator has admitted this client.
    case welcomed(session: UInt64)
    /// There is no connection; the next try comes after so many milliseconds.
    case retrying(reason: String, afterMs: Tick)
    /// A round begins with the coordinator's adapter.
    case roundBegan(round: Int)
    /// A public step goes on without this client; it takes a local step.
    case stepSkipped(round: Int, step: Int)
    /// A contribution counts.
    case accepted(ClientUpload)
    /// A contribution does not count.
    case notCounted(ClientUpload, code: ErrorCode, message: String)
    /// The round went on without this client; it asks for the next.
    case roundLost(round: Int, code: ErrorCode)
    /// The coordinator does not give away the final adapter.
    case withoutResult(reason: String)
}
