public import Exchange
internal import Glibc
internal import Randomness
public import Trainers

/// The settings of the toy trainer `action`.
public struct ActionSettings: TrainerSettings {
    /// The step size of the policy gradient.
    public var learningRate = 0.5
    /// K, the walks of a group.
    public var responses = 4
    /// The walks of a local step, K each.
    public var walksPerStep = 4

    enum CodingKeys: String, CodingKey, CaseIterable { case learningRate, responses, walksPerStep }

    /// The defaults.
    public init() {}

    /// Takes what is given.
    public init(from decoder: any Decoder) throws {
        let keys = try ToyKeys(decoder, known: CodingKeys.allCases)
        learningRate = try keys.value(CodingKeys.learningRate, default: learningRate)
        responses = try keys.value(CodingKeys.responses, default: responses)
        walksPerStep = try keys.value(CodingKeys.walksPerStep, default: walksPerStep)
    }

    /// Checks the ranges.
    public func validate() throws(SettingsFault) {
        guard (2...64).contains(responses) else {
            throw SettingsFault(key: "responses", reason: "is \(responses), expected 2 … 64")
        }
        guard walksPerStep >= 1 else {
            throw SettingsFault(key: "walksPerStep", reason: "is \(walksPerStep), expected 1 or more")
        }
    }
}

/// A toy whose responses are action sequences, which the judge replays in its own simulator.
///
/// The adapter is a dense table of logits `[9, 4]`: situation × action. Local steps are REINFORCE on
/// the client's own walks.
public struct ActionTrainer: LocalTrainer {
    /// `action`.
    public static let name = "action"
    private let settings: ActionSettings
    private let seed: UInt64
    private let client: String
    private var state = DenseState<[Int]>(
        values: Array(repeating: 0, count: 36),
        name: "policy",
        shape: [9, 4]
    )

    /// Takes the settings; the walks come from the seed and the client's name.
    public init(settings: ActionSettings, resources: ClientResources) throws {
        self.settings = settings
        seed = resources.seed
        client = resources.client
    }

    /// The table.
    public var adapter: AdapterWeights { state.adapter }

    /// Takes over the broadcast table.
    public mutating func beginRound(_ round: Int, adapter: AdapterWeights) throws {
        try state.begin(round, adapter)
    }

    /// One policy-gradient step on fresh private walks at each step.
    public mutating func adapt(_ plan: StepPlan, progress: (StepReport) throws -> Void) throws -> StepReport {
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
    public mutating func respond(to batch: PublicBatch) throws -> [Response] {
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
    public mutating func absorb(_ pool: ResponsePool) throws -> StepReport {
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
    public func snapshot() throws -> [UInt8] {
        state.snapshot(trainer: Self.name) { $1.write($0.map(UInt8.init)) }
    }

    /// Continues from a snapshot.
    public mutating func restore(_ bytes: [UInt8]) throws {
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

    private func accumulate(
        _ start: GridWalk,
        _ group: [[Int]],
        _ scores: [Double],
        into gradient: inout [Double]
    ) {
        let mean = scores.reduce(0, +) / Double(scores.count)
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
