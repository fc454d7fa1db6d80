/// What a client does between two exchanges: the client's half of a trainer.
///
/// A trainer is synchronous and runs on one compute thread. It knows no socket, no clock (it marks its sampling with
/// `ClientContext.timer`, which the host reads) and no actor; its random numbers come from `RandomStream(seed, client, purpose, round, step, …)` alone,
/// so the same calls on the same build and processor type end with the same bits. A client calls
///
///     beginRound ─► [ adapt × q ─► respond ─► absorb ] × n ─► adapter
///
/// and keeps `snapshot()` where a restart finds it. Where a public step is skipped, `adapt` runs the
/// step instead. Nothing here needs more than bytes and JSON, so that the other side of these calls may be
/// another process, and no call has to answer within a heartbeat.
public protocol LocalTrainer: SendableMetatype {
    /// The trainer's hyper-parameters, shared with its judge.
    associatedtype Settings: TrainerSettings

    /// The word that names the trainer in a topology file.
    static var name: String { get }

    /// Checks what the topology says in the trainer's own words besides its settings: `model`, `adapter` and
    /// `objectives`. Without this function there must be none.
    ///
    /// - Throws: `ConfigurationError` naming the line; `SettingsFault`.
    static func check(_ settings: Settings, _ run: RunContext) throws

    /// Everything that all members must agree on besides the settings, which are compared anyway: the first
    /// part that differs is named to both sides. Without this function nothing else is compared.
    static func fingerprint(_ settings: Settings, _ run: RunContext) throws -> [FingerprintPart]

    /// The same run with what the trainer's own words leave out of `adapter` and `objectives` filled in, for people who
    /// want to see what they get. Without this function nothing is filled in.
    static func completed(_ settings: Settings, _ run: RunContext) throws -> RunContext

    /// Names, shapes and parts of the adapter, where they can be told without loading anything large; nil where they
    /// cannot, and without this function. Whether the topology's rule can merge such adapters is then checked at once.
    static func layout(_ settings: Settings, _ run: RunContext) throws -> AdapterLayout?

    /// Loads what the client's data are judged by, reads and checks all of them without training, and says in a few
    /// words what was found. A client does so before it connects.
    ///
    /// - Throws: `ConfigurationError` naming the line; what is wrong with the data.
    static func examine(_ settings: Settings, _ client: ClientContext) throws -> String

    /// The texts of a client's private items, such as its questions, for a comparison with held-out ones on the client's
    /// own host, which they never leave. Without this function there is nothing to compare.
    static func itemTexts(_ settings: Settings, _ client: ClientContext) throws -> [String]

    /// Writes an adapter into a folder as its users expect it, such as a PEFT folder, and returns true. Without
    /// this function it is a safetensors file beside a JSON file that says what its parts are.
    static func write(_ adapter: AdapterWeights, to folder: String, _ settings: Settings, _ run: RunContext)
        throws -> Bool

    /// Reads what `write` wrote; nil if `write` returns false.
    static func readAdapter(from folder: String, _ settings: Settings, _ run: RunContext) throws
        -> AdapterWeights?

    /// How many parameters a full synchronisation would send in place of adapters, for reports to compare with; nil
    /// where what travels is all there is, and without this function.
    static func parameterCount(_ settings: Settings, _ run: RunContext) throws -> Int?

    /// Loads the model and the private data and validates everything, before the first round.
    ///
    /// - Throws: `ConfigurationError`, `SettingsFault`, or whatever loading the model or the data throws.
    init(settings: Settings, context: ClientContext) throws

    /// The adapter as it stands, local parts included. Its names, shapes and parts never change.
    var adapter: AdapterWeights { get }

    /// Takes over the broadcast adapter of a round, and starts the optimiser anew unless the
    /// settings keep it. Local parts, which do not travel, come back as this trainer last had them.
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

    /// Continues from a snapshot of a trainer with the same settings and context.
    ///
    /// - Throws: `SnapshotFault` for bytes that are no such snapshot; the trainer is then unchanged.
    mutating func restore(_ bytes: [UInt8]) throws
}

extension LocalTrainer {
    /// Refuses a `model`, an `adapter` and `objectives`: this trainer has no words for them.
    public static func check(_ settings: Settings, _ run: RunContext) throws {
        for (key, section) in [("model", run.model), ("adapter", run.adapter)] where !section.isEmpty {
            throw section.error("", "the trainer '\(name)' has no '\(key)'; expected no such section")
        }
        if let term = run.objectives.first {
            throw term.settings.error("", "the trainer '\(name)' takes no further objectives")
        }
    }

    /// Nothing besides the settings.
    public static func fingerprint(_ settings: Settings, _ run: RunContext) throws -> [FingerprintPart] { [] }

    /// The run as it is.
    public static func completed(_ settings: Settings, _ run: RunContext) throws -> RunContext { run }

    /// Not known beforehand.
    public static func layout(_ settings: Settings, _ run: RunContext) throws -> AdapterLayout? { nil }

    /// Nothing to compare.
    public static func itemTexts(_ settings: Settings, _ client: ClientContext) throws -> [String] { [] }

    /// Says nothing of the data.
    public static func examine(_ settings: Settings, _ client: ClientContext) throws -> String { "" }

    /// Nothing to compare with.
    public static func parameterCount(_ settings: Settings, _ run: RunContext) throws -> Int? { nil }

    /// Leaves the writing to Tributary.
    public static func write(
        _ adapter: AdapterWeights,
        to folder: String,
        _ settings: Settings,
        _ run: RunContext
    ) throws -> Bool { false }

    /// Leaves the reading to Tributary.
    public static func readAdapter(
        from folder: String,
        _ settings: Settings,
        _ run: RunContext
    ) throws -> AdapterWeights? { nil }
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
