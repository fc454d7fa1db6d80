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
