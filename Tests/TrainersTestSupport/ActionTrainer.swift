package import Contract
internal import Glibc
internal import Randomness

/// The settings of the toy trainer `action`.
package struct ActionSettings: TrainerSettings {
    /// The step size of the policy gradient.
    package var learningRate = 0.5
    /// K, the walks of a group.
    package var responses = 4
    /// The walks of a local step, K each.
    package var walksPerStep = 4

    /// Whether a critic, which stays on the client, takes the place of the group's mean reward.
    package var critic = false

    /// The defaults.
    package init() {}

    /// Checks the ranges.
    package func validate() throws(SettingsFault) {
        guard (2...64).contains(responses) else {
            throw SettingsFault(key: "responses", reason: "is \(responses), expected 2 … 64")
        }
        guard walksPerStep >= 1 else {
            throw SettingsFault(key: "walksPerStep", reason: "is \(walksPerStep), expected 1 or more")
        }
    }
}

/// A toy whose responses are action sequences, which the judge replays in its own simulator: shaped like a trainer of
/// a policy whose critic stays at home.
///
/// The adapter is a dense table of logits `[9, 4]`: situation × action. Local steps are REINFORCE on
/// the client's own walks.
package struct ActionTrainer: LocalTrainer {
    /// `action`.
    package static let name = "action"
    private let settings: ActionSettings
    private let seed: UInt64
    private let client: String
    private var state = DenseState<[Int]>(
        values: Array(repeating: 0, count: 36),
        name: "policy",
        shape: [9, 4]
    )

    /// Takes the settings; the walks come from the seed and the client's name.
    package init(settings: ActionSettings, context: ClientContext) throws {
        self.settings = settings
        seed = context.run.seed
        client = context.name
        if settings.critic {
            state.localName = "critic"
            state.local = Array(repeating: 0, count: 9)
        }
    }

    /// The table.
    package var adapter: AdapterWeights { state.adapter }

    /// Takes over the broadcast table.
    package mutating func beginRound(_ round: Int, adapter: AdapterWeights) throws {
        try state.begin(round, adapter)
    }

    /// One policy-gradient step on fresh private walks at each step.
    package mutating func adapt(_ plan: StepPlan, progress: (StepReport) throws -> Void) throws -> StepReport
    {
        var reports: [StepReport] = []
        for step in plan.steps {
            var stream = RandomStream(seed: seed, client, "action-walks", plan.round, step)
            var rewards: [Double] = []
            var gradient = [Double](repeating: 0, count: state.values.count)
            for _ in 0..<settings.walksPerStep {
                let cells = (0..<4).map { _ in stream.below(GridWalk.size) }
                let start = GridWalk(x: cells[0], y: cells[1], goalX: cells[2], goalY: cells[3])
                let group = (0..<settings.responses).map { _ in walk(start, &stream) }
                let scores = group.map { start.score($0) }
                rewards += scores
                accumulate(start, group, scores, into: &gradient)
            }
            apply(gradient, groups: settings.walksPerStep)
            let report = StepReport(
                round: plan.round,
                steps: step..<step + 1,
                examples: rewards.count,
                metrics: ["reward": rewards.reduce(0, +) / Double(rewards.count)]
            )
            reports.append(report)
            try progress(report)
        }
        return .mean(of: reports, for: plan)
    }

    /// Walks from each item's start, K times.
    package mutating func respond(to batch: PublicBatch) throws -> [Response] {
        var responses: [Response] = []
        var answers: [[[Int]]] = []
        for item in batch.items {
            guard let start = GridWalk(payload: item.payload) else { throw VectorTask.Malformed() }
            answers.append(
                (0..<batch.responsesPerItem).map { index in
                    var stream = RandomStream(
                        seed: seed,
                        client,
                        "action-response",
                        batch.round,
                        batch.step,
                        item.id,
                        index
                    )
                    return walk(start, &stream)
                }
            )
            for (index, actions) in answers[answers.count - 1].enumerated() {
                responses.append(Response(itemID: item.id, index: index, payload: actions.map(UInt8.init)))
            }
        }
        state.pending = (batch, answers)
        return responses
    }

    /// One policy-gradient step on the mixed groups.
    package mutating func absorb(_ pool: ResponsePool) throws -> StepReport {
        let (batch, own) = try state.takePending(for: pool)
        var gradient = [Double](repeating: 0, count: state.values.count)
        for (position, group) in pool.groups.enumerated() {
            guard let start = GridWalk(payload: batch.items[position].payload) else { continue }
            var answers = own[position]
            var scores = group.scores
            for replacement in group.replacements {
                guard replacement.payload.count <= GridWalk.actionsMax,
                    replacement.payload.allSatisfy({ $0 < 4 })
                else {
                    throw PoolFault.malformed(
                        item: group.itemID,
                        index: replacement.index,
                        reason: "not a sequence of actions"
                    )
                }
                answers[replacement.index] = replacement.payload.map(Int.init)
                scores[replacement.index] = replacement.score
            }
            accumulate(start, answers, scores, into: &gradient)
        }
        apply(gradient, groups: pool.groups.count)
        return StepReport(
            round: pool.round,
            steps: pool.step..<pool.step + 1,
            examples: own.reduce(0) { $0 + $1.count },
            metrics: ["swap/imported": Double(pool.groups.reduce(0) { $0 + $1.replacements.count })]
        )
    }

    /// The table and a batch in flight.
    package func snapshot() throws -> [UInt8] {
        state.snapshot(trainer: Self.name) { $1.write($0.map(UInt8.init)) }
    }

    /// Continues from a snapshot.
    package mutating func restore(_ bytes: [UInt8]) throws {
        try state.restore(bytes, trainer: Self.name) { try $0.data().map(Int.init) }
    }
}

extension ActionTrainer {
    private func probabilities(_ situation: Int) -> [Double] {
        let weights = state.values[4 * situation..<4 * situation + 4].map { exp(Double($0)) }
        let total = weights.reduce(0, +)
        return weights.map { $0 / total }
    }

    private func walk(_ start: GridWalk, _ stream: inout RandomStream) -> [Int] {
        var walk = start
        var actions: [Int] = []
        while !walk.isDone && actions.count < GridWalk.actionsMax {
            var rest = stream.uniform()
            let action =
                probabilities(walk.situation).firstIndex {
                    rest -= $0; return rest < 0
                } ?? 3
            actions.append(action)
            walk.act(action)
        }
        return actions
    }

    private mutating func accumulate(
        _ start: GridWalk,
        _ group: [[Int]],
        _ scores: [Double],
        into gradient: inout [Double]
    ) {
        var mean = scores.reduce(0, +) / Double(scores.count)
        if settings.critic {
            state.local[start.situation] += 0.1 * (Float(mean) - state.local[start.situation])
            mean = Double(state.local[start.situation])
        }
        for (actions, score) in zip(group, scores) {
            var walk = start
            for action in actions {
                let probabilities = probabilities(walk.situation)
                for other in 0..<4 {
                    let indicator = other == action ? 1.0 : 0
                    gradient[4 * walk.situation + other] +=
                        (score - mean) * (indicator - probabilities[other]) / Double(scores.count)
                }
                walk.act(action)
            }
        }
    }

    private mutating func apply(_ gradient: [Double], groups: Int) {
        for index in state.values.indices {
            state.values[index] += Float(settings.learningRate * gradient[index] / Double(max(groups, 1)))
        }
    }
}
