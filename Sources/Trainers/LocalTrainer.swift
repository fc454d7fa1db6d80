public import Exchange

/// What a client does between two exchanges: the client's half of a trainer.
///
/// A trainer is synchronous and runs on one compute thread. It knows no socket, no clock and no
/// actor; its random numbers come from `RandomStream(seed, client, purpose, round, step, …)` alone,
/// so the same calls on the same build and processor type end with the same bits. A client calls
///
///     beginRound ─► [ adapt × q ─► respond ─► absorb ] × n ─► adapter
///
/// and keeps `snapshot()` where a restart finds it. Where a public step is skipped, `adapt` runs the
/// step instead.
public protocol LocalTrainer: SendableMetatype {
    /// The trainer's hyper-parameters, shared with its judge.
    associatedtype Settings: TrainerSettings

    /// The word that names the trainer in a topology file.
    static var name: String { get }

    /// Loads the model and the private data and validates everything, before the first round.
    ///
    /// - Throws: `SettingsFault`, or whatever loading the model or the data throws.
    init(settings: Settings, resources: ClientResources) throws

    /// The adapter as it stands. Its names and shapes never change.
    var adapter: AdapterWeights { get }

    /// Takes over the broadcast adapter of a round, and starts the optimiser anew unless the
    /// settings keep it.
    ///
    /// - Throws: `AdapterFault` if the adapter's names or shapes are not this trainer's.
    mutating func beginRound(_ round: Int, adapter: AdapterWeights) throws

    /// Takes local steps on private data.
    ///
    /// - Parameters:
    ///   - plan: Which steps of which round. An empty range changes nothing.
    ///   - progress: Called after each step with that step's report; what it throws ends the
    ///     call between two steps.
    /// - Returns: The mean over the steps taken.
    mutating func adapt(_ plan: StepPlan, progress: (StepReport) throws -> Void) throws -> StepReport

    /// Answers each item of a public batch `responsesPerItem` times with the adapter as it stands.
    ///
    /// The responses come item by item in the batch's order, by ascending index. The trainer keeps
    /// the batch and its answers until `absorb` or the next `beginRound`.
    mutating func respond(to batch: PublicBatch) throws -> [Response]

    /// Learns from what the coordinator returned for the batch answered last.
    ///
    /// - Throws: `PoolFault` if the pool does not fit that batch.
    mutating func absorb(_ pool: ResponsePool) throws -> StepReport

    /// Everything that a restart needs to go on to the same bits: adapter, optimiser, position in
    /// the data, and a public batch in flight with its answers. Stays on the client.
    func snapshot() throws -> [UInt8]

    /// Continues from a snapshot of a trainer with the same settings and resources.
    ///
    /// - Throws: `SnapshotFault` for bytes that are no such snapshot; the trainer is then unchanged.
    mutating func restore(_ bytes: [UInt8]) throws
}

/// Which steps of which round to take.
public struct StepPlan: Sendable, Equatable {
    /// The round, from 0.
    public var round: Int
    /// The steps within the round, counted from 0, public ones included.
    public var steps: Range<Int>

    /// Makes a plan.
    public init(round: Int, steps: Range<Int>) {
        self.round = round
        self.steps = steps
    }
}

/// An adapter that is not of the trainer's layout.
public struct AdapterFault: Error, Equatable, CustomStringConvertible {
    /// What is wrong, with the name and the two shapes where they differ.
    public var description: String

    /// Makes a fault from what is wrong.
    public init(_ description: String) { self.description = description }

    /// Throws unless `adapter` has the names and shapes of `layout`.
    ///
    /// - Throws: `AdapterFault` naming the first array that differs.
    public static func check(_ adapter: AdapterWeights, against layout: AdapterWeights) throws(AdapterFault) {
        for (found, wanted) in zip(adapter.arrays, layout.arrays) {
            guard found.name == wanted.name else {
                throw AdapterFault("adapter: found the array \(found.name), expected \(wanted.name)")
            }
            guard found.shape == wanted.shape else {
                throw AdapterFault("adapter: \(found.name) is \(found.shape), expected \(wanted.shape)")
            }
        }
        guard adapter.arrays.count == layout.arrays.count else {
            throw AdapterFault(
                "adapter: found \(adapter.arrays.count) arrays, expected \(layout.arrays.count)"
            )
        }
    }
}

/// A pool that does not fit the batch the trainer answered last.
public enum PoolFault: Error, Equatable {
    /// No batch has been answered since the last pool or round.
    case nothingPending
    /// The pool is of another round or step.
    case wrongStep(round: Int, step: Int, expectedRound: Int, expectedStep: Int)
    /// The pool's items are not the batch's, in the batch's order.
    case wrongItems(expected: Int, found: Int)
    /// A group has another count of scores than responses were given.
    case wrongScores(item: String, expected: Int, found: Int)
    /// A replacement's index is out of range, or not above the one before it.
    case wrongIndex(item: String, index: Int)
    /// A replacement is not a response in the trainer's encoding.
    case malformed(item: String, index: Int, reason: String)
}
