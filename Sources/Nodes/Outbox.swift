internal import Synchronization
internal import Wire

/// What one connection still has to send: messages in order, and between them, one by one, the chunks of a
/// blob. So nothing that is urgent waits behind more than one chunk.
///
/// Many post, one task takes.
final class Outbox<Message: Sendable>: Sendable {
    /// What is sent next.
    enum Item: Sendable {
        /// A message.
        case message(Message)
        /// A piece of a blob, by its number.
        case chunk(Int, of: EncodedBlob)
    }

    private struct State {
        var messages: [Message] = []
        var blob: EncodedBlob?
        var nextChunk = 0
        var isFinished = false
        var taker: CheckedContinuation<Void, Never>?

        var isReady: Bool { !messages.isEmpty || blob != nil || isFinished }
    }

    private let state = Mutex(State())

    /// How many messages wait.
    var messagesWaiting: Int { state.withLock { $0.messages.count } }

    /// Queues a message.
    func post(_ message: Message) { change { if !$0.isFinished { $0.messages.append(message) } } }

    /// Queues the chunks of a blob, from one of them on, in place of those that were queued before.
    func post(chunksOf blob: EncodedBlob, from first: Int) {
        change { state in
            guard !state.isFinished else { return }
            state.blob = first < blob.chunks.count ? blob : nil
            state.nextChunk = first
        }
    }

    /// Drops the chunks that were not taken yet.
    func stopChunks() { change { $0.blob = nil } }

    /// Ends the queue behind the messages that wait; chunks are dropped, since the receiver keeps what it
    /// has.
    func finish() {
        change { state in
            state.blob = nil
            state.isFinished = true
        }
    }

    /// The next thing to send; nil at the end.
    func next() async -> Item? {
        while true {
            if let taken = take() { return taken.item }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        if !state.isReady { state.taker = continuation }
                        return state.isReady
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                finish()
            }
        }
    }

    private func take() -> (item: Item?, Void)? {
        state.withLock { state in
            if !state.messages.isEmpty { return (.message(state.messages.removeFirst()), ()) }
            if let blob = state.blob {
                let index = state.nextChunk
                state.nextChunk += 1
                if state.nextChunk == blob.chunks.count { state.blob = nil }
                return (.chunk(index, of: blob), ())
            }
            return state.isFinished ? (nil, ()) : nil
        }
    }

    private func change(_ body: (inout sending State) -> Void) {
        let taker = state.withLock { state -> CheckedContinuation<Void, Never>? in
            body(&state)
            guard state.isReady else { return nil }
            defer { state.taker = nil }
            return state.taker
        }
        taker?.resume()
    }
}
