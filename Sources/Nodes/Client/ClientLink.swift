internal import Rounds
internal import Synchronization
internal import Transport
internal import Wire

/// One connection of a client: what it sends waits here in order and is sent by a task of its own.
final class ClientLink: Sendable {
    /// What is sent.
    private enum Outgoing: Sendable {
        /// A message.
        case message(ClientMessage)
        /// The chunks of a blob, from one of them on.
        case chunks(EncodedBlob, from: Int, order: Int)
    }

    /// While so much waits to be sent, reports are left out.
    private static let waitingMax = 64

    let connection: any Connection
    private let order = Atomic(0)
    private let waiting = Atomic(0)
    private let outbox: AsyncStream<Outgoing>
    private let continuation: AsyncStream<Outgoing>.Continuation

    /// Wraps a connection.
    init(_ connection: any Connection) {
        self.connection = connection
        (outbox, continuation) = AsyncStream.makeStream()
    }

    /// Queues something to be sent. A client has one exchange at a time, so the queue stays short; only
    /// reports could fill it, while a slow network carries an upload, and those may be lost.
    func post(_ message: ClientMessage) {
        if case .progress = message, waiting.load(ordering: .relaxed) >= Self.waitingMax { return }
        post(.message(message))
    }

    /// Queues the chunks of a blob, from one of them on.
    func post(chunksOf blob: EncodedBlob, from first: Int) {
        post(.chunks(blob, from: first, order: order.load(ordering: .relaxed)))
    }

    private func post(_ item: Outgoing) {
        waiting.add(1, ordering: .relaxed)
        continuation.yield(item)
    }

    /// Sends no further chunks of what was queued.
    func stopChunks() { order.add(1, ordering: .relaxed) }

    /// Ends the connection once what was queued is on its way.
    func finish() { continuation.finish() }

    /// Sends what is queued until `finish()`; then closes in order.
    func sendAll() async {
        do {
            for await item in outbox {
                waiting.subtract(1, ordering: .relaxed)
                switch item {
                case .message(let message): try await connection.send(message.frame())
                case .chunks(let blob, let first, let order):
                    for index in first..<blob.chunks.count where order == self.order.load(ordering: .relaxed)
                    {
                        try await connection.send(ClientMessage.chunk(blob.chunk(index)).frame())
                    }
                }
            }
            await connection.close()
        } catch {
            // The reading side sees the same end and reports it.
            connection.abort()
        }
    }
}

/// Connects, reads, hangs up.
extension ClientNode {
    func connect() {
        linkNumber += 1
        let number = linkNumber
        let attempt = Task { [dialer, sender] in
            do {
                let connection = try await dialer.connect()
                if case .terminated = sender.yield(.linked(number, connection)) { connection.abort() }
            } catch {
                self.report(error, of: number, as: .connectFailed(reason: "\(error)"))
            }
        }
        connecting = attempt
        workSender.yield { await attempt.value }
    }

    func open(_ connection: any Connection, _ number: Int) {
        let link = ClientLink(connection)
        self.link = link
        workSender.yield { await link.sendAll() }
        workSender.yield { await self.read(connection, number) }
    }

    /// Gives up the connection, or the attempt to make one. What it has brought of a download is kept.
    func hangUp() {
        linkNumber += 1
        connecting?.cancel()
        connecting = nil
        link?.finish()
        link = nil
    }

    private nonisolated func read(_ connection: any Connection, _ number: Int) async {
        do {
            for try await frame in connection.inbound {
                let message = try CoordinatorMessage(frame: frame)
                await withCheckedContinuation { reply in
                    let result = sender.yield(.ofLink(number, .received(message), reply))
                    if case .terminated = result { reply.resume() }
                }
            }
            sender.yield(.ofLink(number, .disconnected(reason: "the coordinator closed the connection"), nil))
        } catch let error as WireError {
            sender.yield(.ofLink(number, .undecodable(code: error.code, message: "\(error)"), nil))
        } catch {
            report(error, of: number, as: .disconnected(reason: "\(error)"))
        }
    }

    /// Tells the machine of an error that may pass; any other, such as a certificate that nobody trusts,
    /// ends the client, because coming back would only repeat it.
    private nonisolated func report(_ error: any Error, of number: Int, as event: ClientEvent) {
        if let error = error as? TransportError, !error.isTransient {
            sender.yield(.lasting(number, error))
        } else {
            sender.yield(.ofLink(number, event, nil))
        }
    }

    // MARK: - Downloads

    func receive(_ manifest: Manifest) {
        // What a lost connection has brought already need not come again.
        let kept = download.flatMap { $0.manifest == manifest ? $0 : nil }
        let assembler = kept ?? BlobAssembler(manifest: manifest)
        download = assembler
        link?.post(.continue(Continue(transfer: manifest.digest, fromChunk: assembler.nextChunk)))
    }

    func take(_ chunk: Chunk, of blob: ClientDownload) {
        do {
            try download?.accept(chunk)
            guard let complete = download, complete.isComplete else { return }
            download = nil
            downloaded = try complete.finish()
            post(.downloaded(blob))
        } catch {
            download = nil
            post(.downloadFailed(blob, code: error.code, message: "\(error)"))
        }
    }
}
