internal import Contract
internal import Digest
internal import Foundation
internal import Ledger
internal import Nodes
internal import Report
internal import Topology
internal import Wire

/// What a client's state folder holds for those who look at it afterwards.
struct ClientRunRecord {
    /// What was run.
    let topology: Topology
    /// Which of its clients this is.
    let client: String
    /// What identifies the final adapter; nil as long as the run is not over.
    let adapterDigest: String?
    /// What was measured step by step.
    let curves: TrainingCurves
    private var examples = 0
    private var taken = 0
    private var seconds: [String: Double] = [:]
    private var rounds: [Int: Round] = [:]

    private struct Round {
        var steps = 0
        var seconds: [String: Double] = [:]
        var sums: [String: (sum: Double, count: Int)] = [:]
    }

    /// Reads a state folder; a client may be at work in it.
    ///
    /// - Throws: `NodeError` for a folder without a topology; `LedgerError`; `ConfigurationError`.
    init(_ folder: String, _ registry: Registry) throws {
        let topology = try RunReport.topology(in: folder, of: "a client")
        let identity = try ClientState.inspect(folder)
        var curves = TrainingCurves(steps: topology.rounds.count * topology.rounds.steps)
        var (examples, taken) = (0, 0)
        var seconds: [String: Double] = [:]
        var rounds: [Int: Round] = [:]
        StepLine.each(in: folder) { step in
            curves.add(step)
            examples += step.kind == .local ? step.examples ?? 0 : 0
            taken += 1
            var round = rounds[step.round] ?? Round()
            round.steps += 1
            for (name, value) in step.metrics {
                if name.hasPrefix("seconds/") {
                    round.seconds[name, default: 0] += value
                    seconds[String(name.dropFirst("seconds/".count)), default: 0] += value
                } else if step.kind == .local {
                    round.sums[name, default: (0, 0)].sum += value
                    round.sums[name, default: (0, 0)].count += 1
                }
            }
            rounds[step.round] = round
        }
        self.topology = topology
        client = identity.client
        self.curves = curves
        (self.examples, self.taken, self.seconds, self.rounds) = (examples, taken, seconds, rounds)
        let adapter = folder + "/adapter"
        adapterDigest =
            FileManager.default.fileExists(atPath: adapter)
            ? try Job(topology, registry).anyAdapter(in: adapter).digest.description : nil
    }

    /// The summary of the steps taken so far.
    var summary: ClientSummary {
        let plan = topology.rounds
        let member = topology.client(named: client)
        return ClientSummary(
            federation: topology.federation,
            client: client,
            trainer: topology.trainer.name,
            seed: topology.seed,
            rounds: plan.count,
            steps: plan.count * plan.steps,
            stepsTaken: taken,
            examples: examples,
            seconds: seconds,
            adapterDigest: adapterDigest,
            history: rounds.sorted { $0.key < $1.key }.map { number, round in
                ClientRound(
                    round: number + 1,
                    steps: round.steps,
                    metrics: round.sums.mapValues { $0.sum / Double($0.count) }.merging(round.seconds) { $1 }
                )
            },
            settings: [
                Setting("model", topology.model.oneLine), Setting("adapter", topology.adapter.oneLine),
                Setting("trainer", topology.trainer.settings.oneLine),
                Setting(
                    "schedule",
                    "\(plan.count) rounds of \(plan.steps) steps, \(plan.publicSteps) of them public"
                ),
                Setting("coordinator", "\(topology.coordinator.host):\(topology.coordinator.port)"),
                Setting("threads", "\(member?.threads ?? 1)"),
                Setting("objectives", topology.objectives.oneLine),
                Setting("transforms of updates", topology.transforms.client.oneLine),
                Setting("values on the wire", topology.encoding.rawValue),
            ].filter { !$0.value.isEmpty }
        )
    }
}

extension TrainingCurves {
    /// Adds a line of `metrics.jsonl`.
    mutating func add(_ step: StepLine) {
        add(step: step.step, of: step.client, isPublic: step.kind == .public, metrics: step.metrics)
    }

    /// Reads the steps of a state folder.
    init(reading folder: String, _ topology: Topology) {
        var curves = TrainingCurves(steps: topology.rounds.count * topology.rounds.steps)
        StepLine.each(in: folder) { curves.add($0) }
        self = curves
    }
}
