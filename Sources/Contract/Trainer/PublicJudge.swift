/// The coordinator's half of a trainer: it owns the public items, their answers and the held-out
/// set, and believes no client.
public protocol PublicJudge: SendableMetatype {
    /// The same settings as the trainer's.
    associatedtype Settings: TrainerSettings

    /// Loads what the public and held-out data are judged by, checks all of them, and says in a few words what was
    /// found.
    ///
    /// - Throws: `ConfigurationError` naming the line; what is wrong with the data.
    static func examine(_ settings: Settings, _ coordinator: CoordinatorContext) throws -> [String]

    /// The texts of the public items and of the held-out ones, which should have none in common with what is learnt
    /// from. Without this function there is nothing to compare.
    static func itemTexts(_ settings: Settings, _ coordinator: CoordinatorContext) throws -> JudgedTexts

    /// Loads the model and the public and held-out data and validates everything.
    init(settings: Settings, context: CoordinatorContext) throws

    /// The adapter of round 0, a function of the federation's seed, with the part of each array.
    func initialAdapter() throws -> AdapterWeights

    /// The items of a public step; a function of round and step, the same however often it is asked.
    func batch(round: Int, step: Int) throws -> PublicBatch

    /// Scores one client's responses by itself, whatever the sender says of them.
    ///
    /// - Parameters:
    ///   - responses: For each item of the batch in its order, the K responses by index.
    ///   - batch: What was asked.
    ///   - sender: Who answered; its adapter is read only if it is asked for.
    /// - Returns: A finite score for each response, in the same arrangement.
    /// - Throws: `ResponseFault` for an over-long or malformed payload.
    func score(_ responses: [[Response]], to batch: PublicBatch, from sender: Sender) throws -> [[Double]]

    /// A response with at least this score counts as correct.
    var acceptedScore: Double { get }

    /// Why an adapter that a client's update makes is of no use, such as one whose representations have collapsed; nil if it
    /// may be merged. The update is then refused with these words, and counts for nothing. Names, shapes, finite values
    /// and the norm have been checked. Without this function every update may be merged.
    ///
    /// - Parameters:
    ///   - adapter: The adapter, which is read only if it is asked for.
    ///   - client: Whose update makes it.
    func objection(to adapter: @autoclosure () throws -> AdapterWeights, from client: String) throws
        -> String?

    /// What each client gets back for a step. Without this function it is what the topology's pool rule
    /// swaps.
    func combine(_ step: ScoredStep) throws -> Combination

    /// What an adapter achieves on the held-out set. Local parts are not in it.
    ///
    /// What this throws, and a result that is not finite, vetoes the round that made the adapter.
    func evaluate(_ adapter: AdapterWeights, round: Int) throws -> Evaluation
}

extension PublicJudge {
    /// Says nothing of the data.
    public static func examine(_ settings: Settings, _ coordinator: CoordinatorContext) throws -> [String] {
        []
    }

    /// Nothing to compare.
    public static func itemTexts(_ settings: Settings, _ coordinator: CoordinatorContext) throws
        -> JudgedTexts
    { JudgedTexts() }

    /// Lets every update be merged.
    public func objection(
        to adapter: @autoclosure () throws -> AdapterWeights,
        from client: String
    ) throws -> String? { nil }

    /// Leaves it to the topology's pool rule.
    public func combine(_ step: ScoredStep) throws -> Combination { .swap() }
}

/// The texts that a judge's items ask.
public struct JudgedTexts: Sendable, Equatable {
    /// Of the public items.
    public var asked: [String]
    /// Of the held-out ones.
    public var heldOut: [String]

    /// Gathers them.
    public init(asked: [String] = [], heldOut: [String] = []) {
        self.asked = asked
        self.heldOut = heldOut
    }
}

/// A client whose responses are scored.
public struct Sender {
    /// The client's name.
    public let client: String
    private let load: () throws -> AdapterWeights
    private let loadMerged: () throws -> AdapterWeights

    /// Names a sender.
    ///
    /// - Parameters:
    ///   - client: The client's name.
    ///   - merged: Reads the adapter that the round began from.
    ///   - adapter: Reads its own adapter.
    public init(
        _ client: String,
        merged: @escaping () throws -> AdapterWeights,
        adapter: @escaping () throws -> AdapterWeights
    ) {
        self.client = client
        loadMerged = merged
        load = adapter
    }

    /// The adapter that the round began from, which all clients were sent.
    public func merged() throws -> AdapterWeights { try loadMerged() }

    /// The newest adapter that this client is known to have had: what its last accepted update made of the
    /// adapter its round began from; before its first update, the adapter of round 0.
    public func adapter() throws -> AdapterWeights { try load() }
}

/// The responses of all clients to a public step, scored.
public struct ScoredStep {
    /// What was asked.
    public let batch: PublicBatch
    /// The clients that answered, in ascending order of name, with the score of each response by item and
    /// index.
    public let clients: [(name: String, scores: [[Double]])]
    private let load: (String) throws -> [[Response]]
    private let loadMerged: () throws -> AdapterWeights

    /// Gathers a step.
    ///
    /// - Parameters:
    ///   - batch: What was asked.
    ///   - clients: Who answered, with scores.
    ///   - merged: Reads the adapter that the round began from.
    ///   - responses: Reads a client's responses.
    public init(
        batch: PublicBatch,
        clients: [(name: String, scores: [[Double]])],
        merged: @escaping () throws -> AdapterWeights,
        responses: @escaping (String) throws -> [[Response]]
    ) {
        self.batch = batch
        self.clients = clients
        loadMerged = merged
        load = responses
    }

    /// The adapter that the round began from, which all clients were sent.
    public func merged() throws -> AdapterWeights { try loadMerged() }

    /// One client's responses by item and index, read when they are asked for: take one client after the other,
    /// so that no more than one is in memory.
    public func responses(of client: String) throws -> [[Response]] { try load(client) }
}

/// What clients get back for a public step.
public enum Combination: Sendable, Equatable {
    /// What the topology's pool rule makes of the scores: others' correct responses in place of wrong ones; beside them
    /// something that all clients are told, and figures for the run's metrics.
    case swap(merged: [UInt8] = [], metrics: [String: Double] = [:])
    /// A pool for each client by name, with figures for the run's metrics: merged statistics, targets, or
    /// replacements of the judge's own choice.
    case pools([String: ResponsePool], metrics: [String: Double])
}

/// Why a response is refused.
public enum ResponseFault: Error, Equatable {
    /// The response is longer than the limit, in the trainer's units (such as bytes).
    case tooLong(item: String, index: Int, length: Int, limit: Int)
    /// The payload is not a response in the trainer's encoding.
    case malformed(item: String, index: Int, reason: String)
}

extension ResponseFault: CustomStringConvertible {
    /// The fault in words, without any of the payload.
    public var description: String {
        switch self {
        case .tooLong(let item, let index, let length, let limit):
            "response \(index) to '\(item)': length \(length) > limit \(limit)"
        case .malformed(let item, let index, let reason): "response \(index) to '\(item)': \(reason)"
        }
    }
}
