internal import Aggregation
package import Contract
internal import FoundationEssentials
package import Ledger

/// What the coordinator measured in one public step.
package struct PublicStepMetrics: Codable, Sendable, Equatable {
    static let eventName = "publicStep"

    /// The round, from 0.
    package var round: Int
    /// The step within the round, from 0.
    package var step: Int
    /// Groups in all: clients times items.
    package var groups: Int
    /// Groups whose scores are all alike, so that they teach nothing, before replacement.
    package var silentBefore: Int
    /// The same after replacement.
    package var silentAfter: Int
    /// How many responses were replaced.
    package var swaps: Int
    /// How many responses there were.
    package var responses: Int
    /// How many of them were correct.
    package var correct: Int
    /// What the judge measured when it combined them; nil where the pool rule swapped.
    package var metrics: [String: Double]?

    init(_ statistics: PoolStatistics, round: Int, step: Int) {
        self.round = round
        self.step = step
        groups = statistics.groups
        silentBefore = statistics.silentBefore
        silentAfter = statistics.silentAfter
        swaps = statistics.swaps
        responses = statistics.responses
        correct = statistics.clients.reduce(0) { $0 + $1.correct }
        metrics = statistics.metrics.isEmpty ? nil : statistics.metrics
    }
}

/// What the coordinator measured when it merged the updates of a round.
package struct AggregationMetrics: Codable, Sendable, Equatable {
    static let eventName = "aggregation"

    /// The round, from 0.
    package var round: Int
    /// How far the averaged factors are from the mean of the products, relative to the mean update.
    package var factorGap: Double
    /// The mean distance of the clients' weights from their average, ‖W_i − W̄‖_F.
    package var clientDrift: Double
    /// The norm of the mean update.
    package var meanUpdateNorm: Double
    /// The mean cosine between the clients' updates.
    package var meanCosine: Double
    /// Who took part, sorted.
    package var clients: [String]
    /// By client, what the transforms between wire and merge measured; nil without transforms.
    package var transforms: [String: [String: Double]]?
    /// The norm above which updates of the round were refused.
    package var normLimit: Double?
    /// By client, the norm of its update.
    package var norms: [String: Double]?
    /// By client, how much it counted, before division by the total.
    package var weights: [String: Double]?

    init(
        _ merged: Aggregate,
        round: Int,
        transforms: [String: [String: Double]],
        norms: [String: Double],
        normLimit: Double
    ) {
        let diagnostics = merged.diagnostics
        weights = merged.weights
        self.norms = norms
        self.normLimit = normLimit
        self.round = round
        factorGap = diagnostics.factorGap
        clientDrift = diagnostics.clientDrift
        meanUpdateNorm = diagnostics.meanUpdateNorm
        meanCosine = diagnostics.meanCosine
        clients = diagnostics.clients.map(\.client)
        self.transforms = transforms.isEmpty ? nil : transforms
    }
}

/// How long the coordinator took to evaluate an adapter.
package struct EvaluationMetrics: Codable, Sendable, Equatable {
    static let eventName = "evaluation"

    /// The round whose result was evaluated, from 0; -1 for the adapter that round 0 starts from.
    package var round: Int
    /// The evaluation's time in seconds.
    package var seconds: Double

    init(round: Int, elapsed: Duration) {
        self.round = round
        seconds = elapsed.seconds
    }
}

/// A round that was not taken.
package struct VetoRecord: Codable, Sendable, Equatable {
    static let eventName = "veto"

    /// The round, from 0.
    package var round: Int
    /// Why.
    package var reason: String
    /// Whose updates were in it, sorted.
    package var clients: [String]
}

/// What a monitor saw of an adapter.
package struct MonitorRecord: Codable, Sendable, Equatable {
    static let eventName = "monitor"

    /// The round that ended with the adapter, from 0; -1 for the one that round 0 starts from.
    package var round: Int
    /// The monitor.
    package var monitor: String
    /// What it saw.
    package var report: MonitorReport
}

/// Everything that a coordinator measured, as its ledger has it.
package struct RunMetrics: Sendable, Equatable {
    /// Its public steps, in the order in which they were closed.
    package var publicSteps: [PublicStepMetrics] = []
    /// Its merges, by round; one that was interrupted and repeated is there once.
    package var aggregations: [AggregationMetrics] = []
    /// How long its evaluations took; one that was interrupted and repeated is there twice.
    package var evaluationTimes: [EvaluationMetrics] = []
    /// The rounds that were not taken.
    package var vetoes: [VetoRecord] = []
    /// What monitors saw, in order.
    package var monitors: [MonitorRecord] = []
    /// What was found of held-out items among those that are learnt from; nil where nothing was compared.
    package var overlap: HeldOutOverlap?
    /// What its adapters achieve, by round; -1 is the adapter that round 0 starts from. A round that was not taken
    /// has what the adapter achieves that went on.
    package var evaluations: [Int: Evaluation] = [:]

    static let overlapEvent = "heldOutOverlap"

    /// Nothing measured.
    package init() {}

    /// Reads what has been measured so far.
    ///
    /// - Parameters:
    ///   - ledger: The ledger.
    ///   - only: The one round to read the measurements of; nil for all.
    /// - Throws: `LedgerError`; `NodeError` for a record that is not what its name says.
    package init(reading ledger: Ledger, round only: Int? = nil) throws {
        var last: Int64 = 0
        while true {
            let events = try ledger.events(after: last, round: only)
            guard let newest = events.last else { break }
            last = newest.number
            for event in events {
                let place = "\(ledger.directory): event \(event.number), '\(event.name)'"
                switch event.name {
                case PublicStepMetrics.eventName:
                    let step: PublicStepMetrics = try RunMetrics.value(event.detail, place)
                    publicSteps.removeAll { ($0.round, $0.step) == (step.round, step.step) }
                    publicSteps.append(step)
                case AggregationMetrics.eventName:
                    let merge: AggregationMetrics = try RunMetrics.value(event.detail, place)
                    aggregations.removeAll { $0.round == merge.round }
                    aggregations.append(merge)
                case EvaluationMetrics.eventName:
                    evaluationTimes.append(try RunMetrics.value(event.detail, place))
                case VetoRecord.eventName: vetoes.append(try RunMetrics.value(event.detail, place))
                case MonitorRecord.eventName: monitors.append(try RunMetrics.value(event.detail, place))
                case RunMetrics.overlapEvent: overlap = try RunMetrics.value(event.detail, place)
                default: continue
                }
            }
        }
        for (round, result) in try ledger.evaluations() where only == nil || round == only {
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
            throw NodeError(.data, "\(place): the record cannot be read; it may be of another version")
        }
    }
}

extension Encodable {
    /// The value as JSON on one line, keys sorted.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
