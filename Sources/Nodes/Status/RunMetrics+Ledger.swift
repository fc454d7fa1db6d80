internal import FoundationEssentials
public import Ledger
public import Trainers

/// How long the coordinator took to evaluate an adapter.
public struct EvaluationMetrics: Codable, Sendable, Equatable {
    static let eventName = "evaluation"

    /// The round whose result was evaluated, from 0; -1 for the adapter that round 0 starts from.
    public var round: Int
    /// The evaluation's time in seconds.
    public var seconds: Double

    init(round: Int, elapsed: Duration) {
        self.round = round
        let (whole, attoseconds) = elapsed.components
        seconds = Double(whole) + Double(attoseconds) / 1e18
    }
}

/// Everything that a coordinator measured, as its ledger has it.
public struct RunMetrics: Sendable, Equatable {
    /// Its public steps, in the order in which they were closed.
    public var publicSteps: [PublicStepMetrics] = []
    /// Its merges, one for each finished round.
    public var aggregations: [AggregationMetrics] = []
    /// How long its evaluations took; one that was interrupted and repeated is there twice.
    public var evaluationTimes: [EvaluationMetrics] = []
    /// What its adapters achieve, by round; -1 is the adapter that round 0 starts from.
    public var evaluations: [Int: Evaluation] = [:]

    /// Nothing measured.
    public init() {}

    /// Reads what has been measured so far.
    ///
    /// - Throws: `LedgerError`; `NodeError` for a record that is not what its name says.
    public init(reading ledger: Ledger) throws {
        var last: Int64 = 0
        while true {
            let events = try ledger.events(after: last)
            guard let newest = events.last else { break }
            last = newest.number
            for event in events {
                let place = "\(ledger.directory): event \(event.number), '\(event.name)'"
                switch event.name {
                case PublicStepMetrics.eventName:
                    publicSteps.append(try RunMetrics.value(event.detail, place))
                case AggregationMetrics.eventName:
                    aggregations.append(try RunMetrics.value(event.detail, place))
                case EvaluationMetrics.eventName:
                    evaluationTimes.append(try RunMetrics.value(event.detail, place))
                default: continue
                }
            }
        }
        for (round, result) in try ledger.evaluations() {
            evaluations[round] = try RunMetrics.value(
                result,
                "\(ledger.directory): evaluation of round \(round)"
            )
        }
    }

    private static func value<Value: Decodable>(_ json: [UInt8], _ place: String) throws -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(json))
        } catch {
            throw NodeError(.data, "\(place): not \(Value.self): \(error)")
        }
    }
}
