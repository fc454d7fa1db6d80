package import Contract
package import Digest
internal import Foundation
package import Ledger
package import Nodes
package import Report
package import Topology

/// What the folder of a federated run holds for those who look at it afterwards.
package struct RunRecord: Sendable {
    /// What was run.
    package var topology: Topology
    /// The digest of what all members agreed on.
    package var fingerprint: SHA256Digest
    /// The rounds that were begun.
    package var rounds: [RoundRecord]
    /// The bytes by round, kind and direction.
    package var traffic: [TrafficRecord]
    /// What the coordinator measured.
    package var metrics: RunMetrics
    /// What clients measured of the updates they sent: by round and client.
    package var updates: [Int: [String: [String: Double]]]
    /// What identifies the newest adapter; see `AdapterWeights.digest`.
    package var adapterDigest: SHA256Digest
    /// What clients reported by step.
    package var curves: TrainingCurves

    /// Reads a run's folder; a coordinator may be at work in it.
    ///
    /// - Throws: `NodeError` if no run has begun in it; `LedgerError`; `ConfigurationError`.
    package static func read(_ layout: RunLayout) throws -> RunRecord {
        guard FileManager.default.fileExists(atPath: layout.topologyFile) else {
            throw NodeError(.input, "\(layout.root) is not the folder of a run: it has no topology.yaml")
        }
        let topology = try Topology.load(layout.topologyFile)
        let ledger = try Ledger.inspect(layout.coordinatorState)
        guard let newest = try ledger.latestAdapter() else {
            throw NodeError(.input, "\(layout.coordinatorState): no adapter is recorded yet")
        }
        let rounds = try ledger.rounds()
        var metrics = try RunMetrics(reading: ledger)
        // Where one host has all data, it saw more than the coordinator alone.
        if let data = FileManager.default.contents(atPath: layout.overlapFile) {
            metrics.overlap = try? JSONDecoder().decode(HeldOutOverlap.self, from: data)
        }
        return RunRecord(
            topology: topology,
            fingerprint: ledger.identity.fingerprint,
            rounds: rounds,
            traffic: try ledger.traffic(),
            metrics: metrics,
            updates: Dictionary(
                uniqueKeysWithValues: try rounds.map { ($0.round, try updates(in: ledger, round: $0.round)) }
            ),
            adapterDigest: try ledger.adapterDigest(round: newest.version),
            curves: TrainingCurves(reading: layout.coordinatorState, topology)
        )
    }

    private static func updates(in ledger: Ledger, round: Int) throws -> [String: [String: Double]] {
        try ledger.updates(round: round).reduce(into: [:]) { all, update in
            let metrics = try JSONDecoder().decode([String: Double].self, from: Data(update.metrics))
            all[update.client] = metrics.filter { $0.key.hasPrefix("update/") }
        }
    }

    /// How many rounds are finished and evaluated.
    package var finishedRounds: Int {
        rounds.count { $0.isFinished && metrics.evaluations[$0.round] != nil }
    }

    /// Why a round was not taken; nil if it was.
    package func veto(ofRound round: Int) -> VetoRecord? { metrics.vetoes.last { $0.round == round } }

    /// What monitors measured of the adapter that a round ended with, by name; nil if none watched.
    package func monitorMetrics(ofRound round: Int) -> [String: Double]? {
        let reports = metrics.monitors.filter { $0.round == round }
        guard !reports.isEmpty else { return nil }
        return reports.reduce(into: [:]) { all, record in
            all.merge(record.report.metrics) { _, newer in newer }
        }
    }

    /// What was measured of each client's update: by the client, and by the coordinator's transforms.
    package func updateMetrics(ofRound round: Int) -> [String: [String: Double]]? {
        var all = updates[round] ?? [:]
        for (client, metrics) in metrics.aggregations.last(where: { $0.round == round })?.transforms ?? [:] {
            for (name, value) in metrics { all[client, default: [:]]["coordinator/" + name] = value }
        }
        return all.isEmpty ? nil : all
    }

    /// The figures of the newest evaluation and of what monitors saw last.
    package var figures: [Figure] {
        let evaluated = metrics.evaluations[finishedRounds - 1]?.figures ?? []
        let last = metrics.monitors.map(\.round).max()
        return evaluated + metrics.monitors.filter { $0.round == last }.flatMap(\.report.figures)
    }

    /// The held-out score after as many rounds; 0 is the adapter that round 0 starts from.
    package func score(afterRounds count: Int) -> Score? {
        metrics.evaluations[count - 1].map { Score($0) }
    }

    /// From the beginning of each finished round to its merge, in seconds, added up.
    package var trainingSeconds: Double {
        rounds.reduce(0) { sum, round in
            sum + Double((round.finishedMs ?? round.startedMs) - round.startedMs) / 1000
        }
    }

    /// The time of all evaluations in seconds; nil if none was recorded.
    package var evaluationSeconds: Double? {
        let times = metrics.evaluationTimes
        return times.isEmpty ? nil : times.reduce(0) { $0 + $1.seconds }
    }

    /// The bytes of a round, or of all, by kind in a fixed order.
    package func bytes(inRound round: Int? = nil) -> [ByteCount] {
        var counts: [ByteCount] = []
        for record in traffic where round == nil || record.round == round {
            let place = counts.firstIndex { $0.kind == record.kind } ?? counts.count
            if place == counts.count { counts.append(ByteCount(kind: record.kind, up: 0, down: 0)) }
            switch record.direction {
            case .up: counts[place].up += record.bytes
            case .down: counts[place].down += record.bytes
            }
        }
        let order = ["adapter", "update", "batch", "responses", "pool", "control"]
        return counts.sorted { left, right in
            let places = (order.firstIndex(of: left.kind), order.firstIndex(of: right.kind))
            return (places.0 ?? order.count, left.kind) < (places.1 ?? order.count, right.kind)
        }
    }

    /// What a run's public steps come to, of one round or of all; nil if it had none.
    package func publicSteps(inRound round: Int? = nil) -> PublicTotals? {
        let steps = metrics.publicSteps.filter { round == nil || $0.round == round }
        let groups = steps.reduce(0) { $0 + $1.groups }
        guard groups > 0 else { return nil }
        let measured = steps.compactMap(\.metrics)
        let sums = measured.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
        return PublicTotals(
            isSwapped: measured.count < steps.count,
            isCompared: steps.contains { $0.responses > $0.groups },
            metrics: sums.mapValues { $0 / Double(measured.count) },
            silentBefore: Double(steps.reduce(0) { $0 + $1.silentBefore }) / Double(groups),
            silentAfter: Double(steps.reduce(0) { $0 + $1.silentAfter }) / Double(groups),
            swaps: steps.reduce(0) { $0 + $1.swaps },
            groups: groups
        )
    }
}

/// What several public steps come to.
package struct PublicTotals: Sendable, Equatable {
    /// The part of the groups, 0 to 1, that are silent before swaps.
    /// Whether the pool rule swapped, and not the judge combined.
    package var isSwapped: Bool
    /// Whether there are groups of several responses.
    package var isCompared: Bool
    /// What the judge measured when it combined, as the mean over the steps.
    package var metrics: [String: Double]
    package var silentBefore: Double
    /// The same after swaps.
    package var silentAfter: Double
    /// How many responses were swapped.
    package var swaps: Int
    /// How many groups there were.
    package var groups: Int
}

extension Score {
    /// The primary figure of an evaluation.
    package init(_ evaluation: Evaluation) {
        self.init(
            overall: evaluation.value,
            bySlice: Dictionary(
                evaluation.slices.map { ($0.name, $0.value) },
                uniquingKeysWith: { first, _ in first }
            ),
            slice: evaluation.measure.slice,
            interval: evaluation.interval
        )
    }

    /// The mean of several scores with the same slices; nil for none.
    package static func mean(_ scores: [Score]) -> Score? {
        guard let first = scores.first else { return nil }
        let count = Double(scores.count)
        let slices = first.bySlice.keys.map { slice in
            (slice, scores.reduce(0) { $0 + ($1.bySlice[slice] ?? 0) } / count)
        }
        return Score(
            overall: scores.reduce(0) { $0 + $1.overall } / count,
            bySlice: Dictionary(slices, uniquingKeysWith: { first, _ in first }),
            slice: first.slice
        )
    }
}
