internal import Ledger
internal import Rounds
internal import Synchronization
internal import Transport
internal import Wire

/// One connection of a coordinator: what it sends waits here, and its bytes are counted by kind.
///
/// The node's loop never waits for a slow peer: it puts messages into the outbox, and a task of the
/// connection sends them. Requests are answered one by one, so the outbox stays short; a peer that lets it
/// grow does not read and is cut off.
final class Session: Sendable {
    /// What is sent.
    enum Outgoing: Sendable {
        /// A message.
        case message(CoordinatorMessage)
        /// The chunks of a blob, from one of them on.
        case chunks(EncodedBlob, from: Int)
    }

    static let waitingMax = 256

    let id: ConnectionID
    let connection: any Connection
    let certifiedName: String
    private let outbox = Outbox<CoordinatorMessage>()
    private let bytesSeen = Atomic(0)
    private let counter: TrafficLedger

    /// Wraps a connection.
    init(_ id: ConnectionID, _ connection: any Connection, certifiedName: String, counter: TrafficLedger) {
        self.id = id
        self.connection = connection
        self.certifiedName = certifiedName
        self.counter = counter
    }

    /// Whether bytes have come since this was last asked.
    var hasHeard: Bool {
        let bytes = connection.traffic.bytesIn
        return bytesSeen.exchange(bytes, ordering: .relaxed) != bytes
    }

    /// Queues something to be sent.
    func post(_ item: Outgoing) {
        switch item {
        case .message(let message):
            // What is offered next takes the place of what was offered before.
            switch message {
            case .roundStart, .batch, .pool: outbox.stopChunks()
            default: break
            }
            guard outbox.messagesWaiting < Self.waitingMax else { return connection.abort() }
            outbox.post(message)
        case .chunks(let blob, let first): outbox.post(chunksOf: blob, from: first)
        }
    }

    /// Ends the connection once the messages that were queued are on their way.
    func finish() { outbox.finish() }

    /// Sends what is queued until `finish()`; then closes in order.
    func sendAll() async {
        do {
            while let item = await outbox.next() {
                switch item {
                case .message(let message): try await send(message.frame(), as: .control)
                case .chunk(let index, let blob):
                    try await send(blob.chunkFrame(index), as: TrafficKind(blob.manifest.kind))
                }
            }
            await connection.close()
        } catch {
            // The reading side sees the same end and reports it.
            connection.abort()
        }
    }

    private func send(_ frame: Frame, as kind: TrafficKind) async throws {
        try await connection.send(frame)
        counter.add(kind, .down, bytes: frame.byteCount)
    }
}

extension Frame {
    /// The frame's bytes, header included.
    var byteCount: Int { Frame.headerBytes + body.count }
}

/// What bytes on the wire were for.
enum TrafficKind: String, CaseIterable {
    case adapter, update, batch, responses, pool
    /// Requests, manifests, acknowledgements, heartbeats.
    case control

    init(_ kind: BlobKind) {
        switch kind {
        case .adapter: self = .adapter
        case .update: self = .update
        case .batch: self = .batch
        case .responses: self = .responses
        case .pool: self = .pool
        }
    }
}

/// Counts frames by kind and direction, and by round once `flush` says which round they were of.
final class TrafficLedger: Sendable {
    private struct Key: Hashable {
        var kind: TrafficKind
        var direction: TrafficDirection
    }

    private struct State {
        var open: [Key: (messages: Int, bytes: Int)] = [:]
        var up = 0
        var down = 0
    }

    private let state: Mutex<State>

    /// Starts from what was counted before.
    init(up: Int, down: Int) {
        state = Mutex(State(up: up, down: down))
    }

    /// Counts one frame.
    func add(_ kind: TrafficKind, _ direction: TrafficDirection, bytes: Int) {
        state.withLock { state in
            let old = state.open[Key(kind: kind, direction: direction)] ?? (0, 0)
            state.open[Key(kind: kind, direction: direction)] = (old.messages + 1, old.bytes + bytes)
            switch direction {
            case .up: state.up += bytes
            case .down: state.down += bytes
            }
        }
    }

    /// All bytes in each direction.
    var totals: (up: Int, down: Int) { state.withLock { ($0.up, $0.down) } }

    /// Takes what was counted since the last call, as records of a round.
    func flush(round: Int) -> [TrafficRecord] {
        let open = state.withLock { state in
            defer { state.open = [:] }
            return state.open
        }
        return TrafficKind.allCases.flatMap { kind in
            TrafficDirection.allCases.compactMap { direction in
                open[Key(kind: kind, direction: direction)].map { count in
                    TrafficRecord(
                        round: round,
                        kind: kind.rawValue,
                        direction: direction,
                        messages: count.messages,
                        bytes: count.bytes
                    )
                }
            }
        }
    }
}
