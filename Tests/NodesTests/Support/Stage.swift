import Logging
import Contract
import Foundation
import Ledger
import Rounds
import Synchronization
import Testing
import Trainers
import Transport

@testable import Nodes
@testable import Wire

/// A coordinator in memory that a test talks to: with real clients, with hand-made messages, or both.
final class Stage: Sendable {
    let recipe: Recipe
    let job: Job
    private let scratch: Scratch
    let layout: RunLayout
    let network: LoopbackNetwork
    let coordinator: CoordinatorNode
    private let port: Int
    private let running: Task<CoordinatorOutcome, any Error>

    init(_ recipe: Recipe, in scratch: Scratch, logger: Logger = quiet) async throws {
        self.recipe = recipe
        self.scratch = scratch
        job = try recipe.job()
        layout = RunLayout(root: scratch.path)
        network = LoopbackNetwork(logger: quiet)
        let listener = try network.listen(as: PeerIdentity(federation: "test", role: .coordinator))
        port = listener.port
        let coordinator = try await Coordinator.make(
            job,
            state: layout.coordinatorState,
            status: layout.statusFile,
            adapter: layout.coordinatorState + "/adapter",
            listener: listener,
            isRevoked: { _ in false },
            logger: logger
        )
        self.coordinator = coordinator
        running = Task { try await coordinator.run() }
    }

    deinit { running.cancel() }

    func dialer(_ name: String) -> LoopbackDialer {
        LoopbackDialer(
            network: network,
            port: port,
            identity: PeerIdentity(federation: "test", role: .client(name))
        )
    }

    /// A real client; another recipe or dialer makes it one that does not fit.
    func client(_ name: String, as other: Recipe? = nil, through dialer: (any Dialer)? = nil) async throws
        -> ClientNode
    {
        try await Client.make(
            other?.job() ?? job,
            name: name,
            state: layout.state(ofClient: name),
            dataFile: nil,
            dialer: dialer ?? self.dialer(name),
            logger: quiet
        )
    }

    /// A connection on which the test says what it likes.
    func rawClient(_ name: String) async throws -> RawClient {
        RawClient(name, try await dialer(name).connect(), on: self)
    }

    /// Waits for the coordinator's end.
    func outcome() async throws -> CoordinatorOutcome { try await running.value }

    /// The coordinator's end, while these clients run.
    func finish(with clients: [ClientNode]) async throws -> CoordinatorOutcome {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in clients { group.addTask { _ = try await client.run() } }
            for try await _ in group {}
        }
        return try await outcome()
    }

    /// The facts that are durable.
    func facts() throws -> [String] { try Ledger.inspect(layout.coordinatorState).facts() }

    /// Ends the coordinator in order.
    func drain() async throws {
        coordinator.post(.drainRequested(reconnectAfterMs: 100))
        _ = try await outcome()
    }
}

/// A client made of messages.
final class RawClient: Sendable {
    let name: String
    let connection: any Connection
    /// The adapter of its round, if a test put it here.
    let adapter = Kept<EncodedBlob>()
    private let stage: Stage
    private var job: Job { stage.job }

    init(_ name: String, _ connection: any Connection, on stage: Stage) {
        self.name = name
        self.connection = connection
        self.stage = stage
    }

    func send(_ message: ClientMessage) async throws { try await connection.send(message.frame()) }

    /// The next message that is no heartbeat; nil at the end of the connection.
    func next() async throws -> CoordinatorMessage? {
        for try await frame in connection.inbound {
            let message = try CoordinatorMessage(frame: frame)
            if message != .heartbeat { return message }
        }
        return nil
    }

    /// Says hello as a client that fits.
    func hello() async throws -> Welcome {
        let hello = Hello(
            software: "test",
            federation: "test",
            client: name,
            trainer: job.entry.name,
            fingerprint: try job.fingerprint()
        )
        try await send(.hello(hello))
        let answer = try await next()
        guard case .welcome(let welcome) = answer else { throw Unexpected(found: answer) }
        return welcome
    }

    /// Asks for the round after the last one, and hears that there is none.
    func hearTheEnd(after round: Int) async throws -> Finished {
        try await send(.fetchRound(FetchRound(after: round)))
        let answer = try await next()
        guard case .finished(let finished) = answer else { throw Unexpected(found: answer) }
        try await send(.bye(Bye(reason: "finished")))
        await leave()
        return finished
    }

    /// Hangs up.
    func leave() async { await connection.close() }

    /// Asks for the next round, and takes its adapter.
    func fetchRound(after: Int) async throws -> (round: Int, adapter: EncodedBlob) {
        try await send(.fetchRound(FetchRound(after: after)))
        let answer = try await next()
        guard case .roundStart(let start) = answer else { throw Unexpected(found: answer) }
        return (start.round, try await download(start.manifest))
    }

    /// Asks for a batch, and takes it.
    func fetchBatch(round: Int, step: Int) async throws -> EncodedBlob {
        try await send(.fetchBatch(FetchBatch(round: round, step: step)))
        let answer = try await next()
        guard case .batch(let batch) = answer else { throw Unexpected(found: answer) }
        return try await download(batch.manifest)
    }

    private func download(_ manifest: Manifest) async throws -> EncodedBlob {
        var assembler = BlobAssembler(manifest: manifest)
        try await send(.continue(Continue(transfer: manifest.digest, fromChunk: 0)))
        while !assembler.isComplete {
            let answer = try await next()
            guard case .chunk(let chunk) = answer else { throw Unexpected(found: answer) }
            try assembler.accept(chunk)
        }
        return try assembler.finish()
    }

    /// Offers an update and returns the answer, sending chunks if it is asked to.
    func offerUpdate(_ blob: EncodedBlob, round: Int, examples: Int = 1) async throws -> CoordinatorMessage? {
        try await upload(
            blob,
            .offerUpdate(OfferUpdate(round: round, manifest: blob.manifest, examples: examples, metrics: []))
        )
    }

    /// Offers responses and returns the answer, sending chunks if it is asked to.
    func offerResponses(_ blob: EncodedBlob, round: Int, step: Int) async throws -> CoordinatorMessage? {
        try await upload(
            blob,
            .offerResponses(OfferResponses(round: round, step: step, manifest: blob.manifest))
        )
    }

    private func upload(_ blob: EncodedBlob, _ offer: ClientMessage) async throws -> CoordinatorMessage? {
        try await send(offer)
        let answer = try await next()
        guard case .continue(let wanted) = answer else { return answer }
        for index in wanted.fromChunk..<blob.chunks.count { try await send(.chunk(blob.chunk(index))) }
        return try await next()
    }

    /// Another message than the test waits for.
    struct Unexpected: Error {
        init(found: CoordinatorMessage?) {
            // At once: a test that throws may first have to wait for others.
            Issue.record("the coordinator said \(String(describing: found))")
        }
    }
}

extension CoordinatorMessage {
    /// The code of a refusal or a rejection.
    var code: ErrorCode? {
        switch self {
        case .refused(let refused): refused.code
        case .rejected(let rejected): rejected.code
        default: nil
        }
    }
}

/// Polls for something that other tasks bring about.
func waitUntil(_ condition: () throws -> Bool, sourceLocation: SourceLocation = #_sourceLocation) async throws
{
    for _ in 0..<1000 {
        if try condition() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("still not so after 10 s", sourceLocation: sourceLocation)
}

/// Something that is kept for later.
actor Kept<Value: Sendable> {
    private var kept: Value?

    func set(_ value: Value) { kept = value }

    var value: Value {
        get throws {
            guard let kept else { throw RawClient.Unexpected(found: nil) }
            return kept
        }
    }
}

extension EncodedBlob {
    /// One chunk as its receiver reads it.
    func chunk(_ index: Int) throws -> Chunk { try Chunk(body: chunkFrame(index).body) }
}
