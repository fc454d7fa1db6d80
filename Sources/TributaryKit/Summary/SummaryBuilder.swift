internal import Aggregation
internal import Contract
internal import Digest
internal import Nodes
internal import Report
internal import Topology
internal import Wire

/// Gathers a summary from what was read: no file, no clock.
struct SummaryBuilder {
    /// The federated run.
    var run: RunRecord
    /// What it is compared with.
    var controls: Controls
    /// How the summary names the topology file.
    var topologyName: String
    /// How many parameters a full synchronisation would send; nil if there is nothing to compare with.
    var modelParameters: Int?
    /// How long the program took to build, in seconds; nil if nobody measured it.
    var buildSeconds: Double?

    /// The summary of the rounds finished so far.
    ///
    /// - Throws: `NodeError` if no round is finished and evaluated.
    func summary() throws -> RunSummary {
        let topology = run.topology
        let rounds = run.finishedRounds
        guard rounds > 0, let last = run.metrics.evaluations[rounds - 1],
            let federated = run.score(afterRounds: rounds)
        else {
            throw NodeError(.input, "\(topologyName): no round is finished and evaluated yet")
        }
        guard let base = run.score(afterRounds: 0) else {
            throw NodeError(.data, "\(topologyName): the adapter that round 0 starts from was not evaluated")
        }
        return RunSummary(
            federation: topology.federation,
            topology: topologyName,
            trainer: topology.trainer.name,
            seed: topology.seed,
            rounds: rounds,
            clients: topology.clients.count,
            measure: last.measure,
            scores: MethodScores(
                base: base,
                federated: federated,
                noSwap: controls.noSwapScore(afterRounds: rounds),
                localOnly: controls.localOnlyScore(afterRounds: rounds, clients: topology.clients.map(\.name))
            ),
            bytes: ByteTotals(byKind: run.bytes(), fullModelSync: fullModelSync ?? 0),
            seconds: Seconds(
                build: buildSeconds ?? 0,
                training: run.trainingSeconds,
                evaluation: run.evaluationSeconds ?? 0
            ),
            adapterDigest: run.adapterDigest.description,
            history: (1...rounds).map(history),
            settings: settings,
            metrics: last.metrics,
            figures: run.figures,
            overlap: run.metrics.overlap
        )
    }

    /// Bytes of sending the whole model to and from every client in every finished round.
    var fullModelSync: Int? {
        modelParameters.map { $0 * bytesPerValue * run.topology.clients.count * 2 * run.finishedRounds }
    }

    private var bytesPerValue: Int {
        switch run.topology.encoding {
        case .f32: 4
        case .bf16: 2
        case .int8: 1
        }
    }

    private func history(_ count: Int) -> RoundHistory {
        let round = count - 1
        let merge = run.metrics.aggregations.last { $0.round == round }
        let steps = run.publicSteps(inRound: round)
        let compared = steps.flatMap { $0.isSwapped && $0.isCompared ? $0 : nil }
        let veto = run.veto(ofRound: round)
        return RoundHistory(
            round: count,
            federated: run.score(afterRounds: count),
            noSwap: controls.noSwapScore(afterRounds: count),
            localOnly: controls.localOnlyScore(
                afterRounds: count,
                clients: run.topology.clients.map(\.name)
            ),
            drift: merge?.clientDrift,
            // Without factors there is no gap.
            fedITGap: run.metrics.aggregations.contains { $0.factorGap > 0 } ? merge?.factorGap : nil,
            silentBefore: compared?.silentBefore,
            silentAfter: compared?.silentAfter,
            swaps: steps.flatMap { $0.isSwapped ? $0.swaps : nil },
            bytes: run.bytes(inRound: round),
            vetoed: veto?.reason,
            vetoedClients: veto?.clients,
            monitors: run.monitorMetrics(ofRound: round),
            updates: run.updateMetrics(ofRound: round),
            combined: steps.flatMap { $0.metrics.isEmpty ? nil : $0.metrics },
            metrics: run.metrics.evaluations[round].flatMap { $0.metrics.isEmpty ? nil : $0.metrics }
        )
    }

    private var settings: [Setting] {
        let topology = run.topology
        let rounds = topology.rounds
        var rows = [
            Setting("model", model), Setting("adapter", topology.adapter.oneLine),
            Setting(
                "schedule",
                "\(rounds.count) rounds of \(rounds.steps) steps, \(rounds.publicSteps) of them public; "
                    + "\(run.finishedRounds) rounds finished"
            ),
            Setting("clients", topology.clients.map(\.name).joined(separator: ", ")),
            Setting(
                "merge",
                "\(topology.aggregation.delta), weights \(topology.aggregation.weights.rawValue)"
            ),
            Setting("swap", topology.pool),
            Setting("objectives", topology.objectives.oneLine),
            Setting("transforms, clients", topology.transforms.client.oneLine),
            Setting("transforms, coordinator", topology.transforms.coordinator.oneLine),
            Setting("monitors", topology.monitors.oneLine), Setting("guards", topology.guards.oneLine),
            Setting("values on the wire", topology.encoding.rawValue),
            Setting("full-model figure", fullModelText),
            Setting("training seconds", "from the beginning of each round to its merge, added up"),
            Setting("evaluation seconds", evaluationText),
        ]
        rows.removeAll { $0.value.isEmpty }
        if buildSeconds == nil { rows.append(Setting("build seconds", "not measured")) }
        rows.append(Setting("what members agreed on, SHA-256", run.fingerprint.description))
        rows.append(Setting("adapter digest", run.adapterDigest.description))
        return rows
    }

    private var model: String {
        run.topology.model.oneLine + (modelParameters.map { ", \($0) parameters" } ?? "")
    }

    private var fullModelText: String {
        guard let modelParameters, let fullModelSync else {
            return ""
        }
        return "\(modelParameters) parameters × \(bytesPerValue) B (\(run.topology.encoding.rawValue), not"
            + " compressed) × \(run.topology.clients.count) clients × 2 ways × \(run.finishedRounds) rounds"
            + " = \(fullModelSync) B"
    }

    private var evaluationText: String {
        let count = run.metrics.evaluationTimes.count
        return count > 0
            ? "the coordinator's \(count) evaluations, that before the first round included" : "not measured"
    }
}

extension [Component] {
    /// `clip (norm: 2), …`; nothing for no entries.
    var oneLine: String {
        map { $0.settings.isEmpty ? $0.name : "\($0.name) (\($0.settings.oneLine))" }.joined(separator: ", ")
    }
}

extension Mapping {
    /// `rank: 8, alpha: 16`; nothing for an empty mapping.
    var oneLine: String {
        members.map { key, value in
            "\(key): \(value.filter { $0 != "\"" }.replacing(",", with: ", "))"
        }.joined(separator: ", ")
    }
}
