public import Exchange

/// The coordinator's half of a trainer: it owns the public items, their answers and the held-out
/// set, and believes no client.
public protocol PublicJudge: SendableMetatype {
    /// The same settings as the trainer's.
    associatedtype Settings: TrainerSettings

    /// Loads the model and the public and held-out data and validates everything.
    init(settings: Settings, resources: CoordinatorResources) throws

    /// The adapter of round 0, a function of the federation's seed.
    func initialAdapter() throws -> AdapterWeights

    /// The items of a public step; a function of round and step, the same however often it is asked.
    func batch(round: Int, step: Int) throws -> PublicBatch

    /// Scores one response by itself, whatever its sender says of it.
    ///
    /// - Throws: `ResponseFault` for an unknown item, an index outside 0 ..< K, an over-long or
    ///   malformed payload.
    func score(_ response: Response) throws -> Double

    /// A response with at least this score counts as correct.
    var acceptedScore: Double { get }

    /// What an adapter achieves on the held-out set.
    func evaluate(_ adapter: AdapterWeights, round: Int) throws -> Evaluation
}

/// Why a response is refused.
public enum ResponseFault: Error, Equatable {
    /// The item is not one of the public set.
    case unknownItem(String)
    /// The index is outside 0 ..< limit.
    case indexOutOfRange(item: String, index: Int, limit: Int)
    /// The response is longer than the limit, in the trainer's units (language trainers: tokens).
    case tooLong(item: String, index: Int, length: Int, limit: Int)
    /// The payload is not a response in the trainer's encoding.
    case malformed(item: String, index: Int, reason: String)
}

extension ResponseFault: CustomStringConvertible {
    /// The fault in words, without any of the payload.
    public var description: String {
        switch self {
        case .unknownItem(let item): "response to '\(item)', which was not asked"
        case .indexOutOfRange(let item, let index, let limit):
            "response \(index) to '\(item)': the index must be in 0 ..< \(limit)"
        case .tooLong(let item, let index, let length, let limit):
            "response \(index) to '\(item)': length \(length) > limit \(limit)"
        case .malformed(let item, let index, let reason): "response \(index) to '\(item)': \(reason)"
        }
    }
}

/// What an adapter achieves on the held-out set.
public struct Evaluation: Sendable, Equatable, Codable {
    /// The probability that one sampled answer is right, averaged over topics with equal weight.
    public var passAt1: Double
    /// The share of greedy answers that are right, averaged in the same way; nil where not measured.
    public var greedyAccuracy: Double?
    /// The same by topic, sorted by topic.
    public var topics: [TopicEvaluation]
    /// Anything else the trainer measures, by name.
    public var metrics: [String: Double]

    /// Makes an evaluation from its topics: the overall figures are the means over topics.
    public init(topics: [TopicEvaluation], metrics: [String: Double] = [:]) {
        self.topics = topics.sorted { $0.topic < $1.topic }
        self.metrics = metrics
        let count = Double(max(topics.count, 1))
        passAt1 = self.topics.reduce(0) { $0 + $1.passAt1 } / count
        let greedy = self.topics.compactMap(\.greedyAccuracy)
        greedyAccuracy = greedy.count == topics.count && !greedy.isEmpty ? greedy.reduce(0, +) / count : nil
    }

    /// The lowest pass@1 of any topic; nil without topics.
    public var worstPassAt1: Double? { topics.map(\.passAt1).min() }
}

/// What an adapter achieves on one topic.
public struct TopicEvaluation: Sendable, Equatable, Codable {
    /// The topic.
    public var topic: String
    /// How many held-out items it has.
    public var items: Int
    /// The probability that one sampled answer is right.
    public var passAt1: Double
    /// The share of greedy answers that are right; nil where not measured.
    public var greedyAccuracy: Double?

    /// Makes a topic's figures.
    public init(topic: String, items: Int, passAt1: Double, greedyAccuracy: Double?) {
        self.topic = topic
        self.items = items
        self.passAt1 = passAt1
        self.greedyAccuracy = greedyAccuracy
    }
}
