internal import Exchange
internal import Synchronization
internal import Trainers
internal import Wire

/// A client's trainer on a compute thread of its own.
///
/// The trainer is made and called on that thread alone, so it needs no lock and may block as long as it
/// likes: the node's event loop and heartbeats never wait for it. What travels is unpacked and packed here
/// as well, because that takes long for a large adapter.
actor TrainerHost {
    private let thread = ComputeThread()
    private let stop = StopFlag()
    private let delayPerStep: Duration
    private var trainer: (any LocalTrainer)?

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Starts the thread; the trainer comes with `prepare`.
    ///
    /// - Parameter delayPerStep: Slept after each local step, to play a slow machine.
    init(delayPerStep: Duration) { self.delayPerStep = delayPerStep }

    /// Makes the trainer, and continues from a snapshot unless that is empty.
    func prepare(_ make: @Sendable () throws -> any LocalTrainer, restoring snapshot: [UInt8]) throws {
        trainer = try make()
        if !snapshot.isEmpty { try trainer?.restore(snapshot) }
    }

    /// The adapter as it stands.
    var adapter: AdapterWeights { get throws { try made().adapter } }

    /// Takes over a round's broadcast adapter.
    func beginRound(_ round: Int, adapter: AdapterWeights) throws {
        _ = try made()
        try trainer?.beginRound(round, adapter: adapter)
    }

    /// Takes over a round's broadcast adapter as it travelled.
    func beginRound(_ round: Int, from blob: EncodedBlob) throws {
        try beginRound(round, adapter: BlobDecoder.adapter(from: blob))
    }

    /// Takes local steps; `progress` hears of each. Ends early with `CancellationError` after `interrupt()`.
    func adapt(_ plan: StepPlan, progress: @Sendable (StepReport) -> Void) throws -> StepReport {
        let report = try trainer?.adapt(plan) { report in
            progress(report)
            if delayPerStep > .zero { pause(delayPerStep) }
            if stop.isSet { throw CancellationError() }
        }
        return try made(report)
    }

    /// Answers a public batch.
    func respond(to batch: EncodedBlob) throws -> EncodedBlob {
        let responses = try made(trainer?.respond(to: BlobDecoder.batch(from: batch)))
        return try BlobEncoder.encode(responses)
    }

    /// Learns from a pool.
    func absorb(_ pool: EncodedBlob) throws -> StepReport {
        try made(trainer?.absorb(BlobDecoder.pool(from: pool)))
    }

    /// Packs what the adapter has changed by since the broadcast.
    ///
    /// - Returns: The update, and what a lossy encoding owes afterwards.
    func update(
        since broadcast: EncodedBlob,
        encoding: TensorEncoding,
        feedback: ErrorFeedback
    ) throws -> (blob: EncodedBlob, feedback: ErrorFeedback) {
        let delta = try adapter.subtracting(BlobDecoder.adapter(from: broadcast))
        var feedback = feedback
        return (try feedback.encode(delta, encoding: encoding).blob, feedback)
    }

    /// Everything that a restart needs.
    func snapshot() throws -> [UInt8] { try made().snapshot() }

    /// Makes a call in progress end after the step in hand.
    nonisolated func interrupt() { stop.set() }

    private func made() throws -> any LocalTrainer { try made(trainer) }

    private func made<Value>(_ value: Value?) throws -> Value {
        guard let value else { throw NodeError(.failed, "the trainer was called before it was made") }
        return value
    }
}

/// A flag that one thread sets and another polls.
final class StopFlag: Sendable {
    private let flag = Atomic(false)

    /// Whether it has been set.
    var isSet: Bool { flag.load(ordering: .acquiring) }

    /// Sets it for good.
    func set() { flag.store(true, ordering: .releasing) }
}
