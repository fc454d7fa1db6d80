internal import Contract
internal import FoundationEssentials
internal import Ledger

/// One finished round, as a line of the coordinator's `metrics.jsonl` has it; the adapter that round 0 starts from has one
/// of the kind `base`.
///
/// It is made of what the ledger holds, so the same line can be made again at any time. The clients' own figures stand
/// under `clients`, and beside the line's own keys as means over the clients that report them.
struct RoundLine: Encodable {
    /// What lines of its kind are called.
    enum Kind: String, Codable, Sendable { case base, round }

    /// Bytes of one round, both ways.
    struct Bytes: Encodable {
        /// From clients to the coordinator.
        var up = 0
        /// The other way.
        var down = 0
    }

    /// What public steps came to, added up.
    ///
    /// The fields are those of `PublicStepMetrics`.
    struct Pool: Encodable {
        var groups = 0
        var silentBefore = 0
        var silentAfter = 0
        var swaps = 0
        var responses = 0
        var correct = 0
    }

    /// What it is about.
    let kind: Kind
    /// From 0; nil for the base.
    let round: Int?
    /// How many steps of the run are done with it.
    let step: Int
    /// What the adapter achieves that goes on.
    let evaluation: Evaluation?
    /// How long round and evaluation took, under names that begin with `seconds/`.
    let seconds: [String: Double]
    /// By client, what it measured, as means over the round's steps, and how many examples it learnt from.
    var clients: [String: [String: Double]] = [:]
    /// Until the round ended.
    var bytes: Bytes?
    /// Nil for a round without public steps.
    var pool: Pool?
    /// Nil for a round whose updates were not merged.
    var aggregation: AggregationMetrics?
    /// By monitor, what it measured.
    var monitors: [String: [String: Double]] = [:]
    /// Why the round was not taken; nil if it was.
    var vetoed: String?

    /// The line of the adapter that round 0 starts from; nil while it is not evaluated.
    static func base(_ ledger: Ledger) throws -> RoundLine? {
        let metrics = try RunMetrics(reading: ledger, round: -1)
        guard let evaluation = metrics.evaluations[-1] else { return nil }
        var line = RoundLine(
            kind: .base,
            round: nil,
            step: 0,
            evaluation: evaluation,
            seconds: evaluationSeconds(metrics)
        )
        line.monitors = monitors(metrics)
        return line
    }

    /// The line of a finished round.
    ///
    /// - Parameter steps: How many steps a round has.
    static func round(_ round: Int, steps: Int, _ ledger: Ledger) throws -> RoundLine {
        let metrics = try RunMetrics(reading: ledger, round: round)
        var seconds = evaluationSeconds(metrics)
        if let record = try ledger.rounds().first(where: { $0.round == round }), let end = record.finishedMs {
            seconds["seconds/round"] = Double(end - record.startedMs) / 1000
        }
        var line = RoundLine(
            kind: .round,
            round: round,
            step: (round + 1) * steps,
            evaluation: metrics.evaluations[round],
            seconds: seconds
        )
        let merge = metrics.aggregations.last
        for update in try ledger.updates(round: round) {
            let own = (try? JSONDecoder().decode([String: Double].self, from: Data(update.metrics))) ?? [:]
            line.clients[update.client] = own.merging(["examples": Double(update.examples)]) { $1 }
        }
        var bytes = Bytes()
        for record in try ledger.traffic() where record.round == round {
            switch record.direction {
            case .up: bytes.up += record.bytes
            case .down: bytes.down += record.bytes
            }
        }
        line.bytes = bytes
        if !metrics.publicSteps.isEmpty {
            line.pool = metrics.publicSteps.reduce(into: Pool()) { pool, step in
                pool.groups += step.groups
                pool.silentBefore += step.silentBefore
                pool.silentAfter += step.silentAfter
                pool.swaps += step.swaps
                pool.responses += step.responses
                pool.correct += step.correct
            }
        }
        line.aggregation = merge
        line.monitors = monitors(metrics)
        line.vetoed = metrics.vetoes.last?.reason
        return line
    }

    private static func evaluationSeconds(_ metrics: RunMetrics) -> [String: Double] {
        metrics.evaluationTimes.last.map { ["seconds/evaluation": $0.seconds] } ?? [:]
    }

    private static func monitors(_ metrics: RunMetrics) -> [String: [String: Double]] {
        metrics.monitors.reduce(into: [:]) { all, record in
            all[record.monitor] = record.report.metrics.filter { $0.value.isFinite }
        }
    }

    /// What the clients measured, as means over those that did.
    private var means: [String: Double] {
        var sums: [String: (sum: Double, count: Int)] = [:]
        for (name, value) in clients.values.joined() where value.isFinite {
            sums[name, default: (0, 0)].sum += value
            sums[name, default: (0, 0)].count += 1
        }
        return sums.mapValues { $0.sum / Double($0.count) }
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: AnyCodingKey.self)
        for (name, value) in means.merging(seconds, uniquingKeysWith: { $1 }) {
            try values.encode(value, forKey: AnyCodingKey(name))
        }
        try values.encode(kind, forKey: "kind")
        try values.encodeIfPresent(round, forKey: "round")
        try values.encode(step, forKey: "step")
        if let evaluation {
            try values.encode(evaluation.value, forKey: AnyCodingKey(evaluation.measure.key))
            let slices = evaluation.slices.map { ($0.name, $0.value) }
            try values.encode(
                Dictionary(slices, uniquingKeysWith: { first, _ in first }),
                forKey: "slices"
            )
            if !evaluation.metrics.isEmpty { try values.encode(evaluation.metrics, forKey: "evaluation") }
        }
        if !clients.isEmpty { try values.encode(clients, forKey: "clients") }
        try values.encodeIfPresent(bytes, forKey: "bytes")
        try values.encodeIfPresent(pool, forKey: "pool")
        try values.encodeIfPresent(aggregation, forKey: "aggregation")
        if !monitors.isEmpty { try values.encode(monitors, forKey: "monitors") }
        try values.encodeIfPresent(vetoed, forKey: "vetoed")
    }

    /// The line as text, with a line feed.
    func text() throws -> String { try json() + "\n" }
}
