internal import Digest
internal import Nodes
internal import Report
internal import Topology
internal import Trainers

/// Gathers a summary from what was read: no file, no clock.
struct SummaryBuilder {
    /// The federated run.
    var run: RunRecord
    /// What it is compared with.
    var controls: Controls
    /// How the summary names the topology file.
    var topologyName: String
    /// How many parameters the base model has; nil if it is not here to ask.
    var modelParameters: Int?
    /// How long the program took to build, in seconds; nil if nobody measured it.
    var buildSeconds: Double?

    /// The summary of the rounds finished so far.
    ///
    /// - Throws: `NodeError` if no round is finished and evaluated.
    func summary() throws -> RunSummary {
        let topology = run.topology
        let rounds = run.finishedRounds
        guard rounds > 0, let federated = run.score(afterRounds: rounds) else {
            throw NodeError(.input, "\(topologyName): no round is finished and evaluated yet")
        }
        guard let base = run.score(afterRounds: 0) else {
            throw NodeError(.data, "\(topologyName): the base model was not evaluated")
        }
        return RunSummary(
            federation: topology.federation,
            topology: topologyName,
            trainer: topology.trainer.name,
            seed: topology.seed,
            rounds: rounds,
            clients: topology.clients.count,
            passAt1: MethodScores(
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
            adapterSHA256: (run.adapterFile ?? run.adapterOnWire).description,
            history: (1...rounds).map(history),
            settings: settings
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
        return RoundHistory(
            round: count,
            federated: run.score(afterRounds: count),
            noSwap: controls.noSwapScore(afterRounds: count),
            localOnly: controls.localOnlyScore(
                afterRounds: count,
                clients: run.topology.clients.map(\.name)
            ),
            drift: merge?.clientDrift,
            fedITGap: merge?.factorGap,
            silentBefore: steps?.silentBefore,
            silentAfter: steps?.silentAfter,
            swaps: steps?.swaps,
            bytes: run.bytes(inRound: round)
        )
    }

    private var settings: [Setting] {
        let topology = run.topology
        let rounds = topology.rounds
        let alpha = ProgressDisplay.fixed(
            topology.adapter.alpha,
            topology.adapter.alpha.rounded() == topology.adapter.alpha ? 0 : 2
        )
        var rows = [
            Setting("base model", model),
            Setting(
                "adapter",
                "rank \(topology.adapter.rank), alpha \(alpha), on "
                    + topology.adapter.targets.joined(separator: ", ")
            ),
            Setting(
                "schedule",
                "\(rounds.count) rounds of \(rounds.steps) steps, \(rounds.publicSteps) of them public; "
                    + "\(run.finishedRounds) rounds finished"
            ),
            Setting("clients", topology.clients.map(\.name).joined(separator: ", ")),
            Setting(
                "merge",
                "\(topology.aggregation.delta.rawValue), weights \(topology.aggregation.weights.rawValue)"
            ),
            Setting("swap", topology.pool.rawValue),
            Setting("values on the wire", topology.encoding.rawValue),
            Setting("full-model figure", fullModelText),
            Setting("training seconds", "from the beginning of each round to its merge, added up"),
            Setting("evaluation seconds", evaluationText),
        ]
        if buildSeconds == nil { rows.append(Setting("build seconds", "not measured")) }
        rows.append(Setting("base model SHA-256", run.baseModel.description))
        rows.append(Setting("newest adapter as it travels, SHA-256", run.adapterOnWire.description))
        if let file = run.adapterFile { rows.append(Setting("adapter file SHA-256", file.description)) }
        return rows
    }

    private var model: String {
        let source =
            switch run.topology.model {
            case .embedded(let name): "embedded \(name)"
            case .directory(let path), .gguf(let path): path
            }
        return source + (modelParameters.map { ", \($0) parameters" } ?? "")
    }

    private var fullModelText: String {
        guard let modelParameters, let fullModelSync else {
            return "left out: the base model is not here to count its parameters"
        }
        return "\(modelParameters) parameters × \(bytesPerValue) B (\(run.topology.encoding.rawValue), not"
            + " compressed) × \(run.topology.clients.count) clients × 2 ways × \(run.finishedRounds) rounds"
            + " = \(fullModelSync) B"
    }

    private var evaluationText: String {
        let count = run.metrics.evaluationTimes.count
        return count > 0
            ? "the coordinator's \(count) evaluations, that of the base model included" : "not measured"
    }
}
