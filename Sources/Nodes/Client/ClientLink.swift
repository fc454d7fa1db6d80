internal import Rounds
internal import Synchronization
internal import Transport
internal import Wire

/// One connection of a client: what it sends waits here and is sent by a task of its own.
final class ClientLink: Sendable {
    /// While so much waits to be sent, reports are left out.
    private static let waitingMax = 64

    let connection: any Connection
    private let outbox = Outbox<ClientMessage>()
    private let bytesSeen = Atomic(0)

    /// Wraps a connection.
    init(_ connection: any Connection) { self.connection = connection }

    /// Whether bytes have come since this was last asked.
    var hasHeard: Bool {
        let bytes = connection.traffic.bytesIn
        return bytesSeen.exchange(bytes, ordering: .relaxed) != bytes
    }

    /// Queues something to be sent. A client has one exchange at a time, so the queue stays short; only
    /// reports could fill it, while a slow network carries an upload, and those may be lost.
    func post(_ message: ClientMessage) {
        if case .progress = message, outbox.messagesWaiting >= Self.waitingMax { return }
        outbox.post(message)
    }

    /// Queues the chunks of a blob, from one of them on.
    func post(chunksOf blob: EncodedBlob, from first: Int) { outbox.post(chunksOf: blob, from: first) }

    /// Sends no further chunks of what was queued.
    func stopChunks() { outbox.stopChunks() }

    /// Ends the connection once the messages that were queued are on their way.
    func finish() { outbox.finish() }

    /// Sends what is queued until `finish()`; then closes in order.
    func sendAll() async {
        do {
            while let item = await outbox.next() {
                switch item {
                case .message(let message): try await connection.send(message.frame())
                case .chunk(let index, let blob): try await connection.send(blob.chunkFrame(index))
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
            while let frames = try await connection.inbound.nextBatch() {
                let (messages, fault) = CoordinatorMessage.read(frames)
                await withCheckedContinuation { reply in
                    let result = sender.yield(.ofLink(number, messages.map { .received($0) }, reply))
                    if case .terminated = result { reply.resume() }
                }
                if let fault { throw fault }
            }
            sender.yield(
                .ofLink(number, [.disconnected(reason: "the coordinator closed the connection")], nil)
            )
        } catch let error as WireError {
            sender.yield(.ofLink(number, [.undecodable(code: error.code, message: "\(error)")], nil))
        } catch {
            report(error, of: number, as: .disconnected(reason: "\(error)"))
        }
    }

    /// Tells the loop of an error and of what it is to the machine if it passes.
    private nonisolated func report(_ error: any Error, of number: Int, as event: ClientEvent) {
        if let error = error as? TransportError, error.outlook != .passing {
            sender.yield(.lasting(number, error, event))
        } else {
            sender.yield(.ofLink(number, [event], nil))
        }
    }

    /// Whether an error ends the client: one that lasts, such as a certificate that nobody trusts, because
    /// coming back would only repeat it; and one that may be a load balancer's answer during a restart, when
    /// it has gone on for too long.
    func isFinal(_ error: TransportError) -> Bool {
        guard error.outlook == .doubtful else { return true }
        let since = doubtfulSince ?? .now
        doubtfulSince = since
        return .now - since >= patience
    }

    // MARK: - Downloads

    func receive(_ manifest: Manifest) async throws {
        let first = try await store.receive(manifest)
        link?.post(.continue(Continue(transfer: manifest.digest, fromChunk: first)))
    }

    func take(_ chunks: [Chunk], of blob: ClientDownload) async throws {
        do {
            guard let complete = try await store.take(chunks) else { return }
            downloaded = complete
            post(.downloaded(blob))
        } catch let error as WireError {
            post(.downloadFailed(blob, code: error.code, message: "\(error)"))
        }
    }
}
