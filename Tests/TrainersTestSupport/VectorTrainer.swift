internal import Randomness
public import Exchange
public import Trainers

/// The settings of the toy trainer `vector`.
public struct VectorSettings: TrainerSettings {
    /// The size of the vector that is learnt.
    public var size = 12
    /// How far a local step goes towards a private sample.
    public var learningRate = 0.1
    /// K, the responses to each public item.
    public var responses = 4
    /// The standard deviation of the noise on responses and private samples.
    public var noise = 0.3

    enum CodingKeys: String, CodingKey, CaseIterable { case size, learningRate, responses, noise }

    /// The defaults.
    public init() {}

    /// Takes what is given.
    public init(from decoder: any Decoder) throws {
        let keys = try ToyKeys(decoder, known: CodingKeys.allCases)
        size = try keys.value(CodingKeys.size, default: size)
        learningRate = try keys.value(CodingKeys.learningRate, default: learningRate)
        responses = try keys.value(CodingKeys.responses, default: responses)
        noise = try keys.value(CodingKeys.noise, default: noise)
    }

    /// Checks the ranges.
    public func validate() throws(SettingsFault) {
        guard size >= 4, size % 4 == 0 else {
            throw SettingsFault(key: "size", reason: "is \(size), expected a positive multiple of 4")
        }
        guard (1...64).contains(responses) else {
            throw SettingsFault(key: "responses", reason: "is \(responses), expected 1 … 64")
        }
    }
}

/// A toy whose adapter is one dense vector and whose responses are vectors.
///
/// Everyone looks for the same hidden target. A client sees noisy samples of it that lean its own way;
/// a public item asks for four coordinates of it, and the judge scores a response by its distance.
public struct VectorTrainer: LocalTrainer {
    /// `vector`.
    public static let name = "vector"
    private let settings: VectorSettings
    private let seed: UInt64
    private let client: String
    private let centre: [Float]
    private var state: DenseState<[Float]>

    /// Draws the client's bias.
    public init(settings: VectorSettings, resources: ClientResources) throws {
        self.settings = settings
        seed = resources.seed
        client = resources.client
        var stream = RandomStream(seed: seed, client, "vector-bias")
        centre = VectorTask.target(seed: resources.seed, size: settings.size).map {
            $0 + Float(stream.uniform() - 0.5)
        }
        state = DenseState(
            values: Array(repeating: 0, count: settings.size),
            name: "vector",
            shape: [settings.size]
        )
    }

    /// The vector.
    public var adapter: AdapterWeights { state.adapter }

    /// Takes over the broadcast vector.
    public mutating func beginRound(_ round: Int, adapter: AdapterWeights) throws {
        try state.begin(round, adapter)
    }

    /// Moves towards a noisy private sample at each step.
    public mutating func adapt(_ plan: StepPlan, progress: (StepReport) throws -> Void) throws -> StepReport {
        var reports: [StepReport] = []
        for step in plan.steps {
            var stream = RandomStream(seed: seed, client, "vector-sample", plan.round, step)
            var loss = 0.0
            for index in state.values.indices {
                let sample = centre[index] + Float(settings.noise * (2 * stream.uniform() - 1))
                let distance = sample - state.values[index]
                loss += Double(distance * distance)
                state.values[index] += Float(settings.learningRate) * distance
            }
            let report = StepReport(
                round: plan.round,
                steps: step..<step + 1,
                examples: 1,
                metrics: ["loss": loss]
            )
            reports.append(report)
            try progress(report)
        }
        return .mean(of: reports, for: plan)
    }

    /// Answers with the coordinates asked for, and noise.
    public mutating func respond(to batch: PublicBatch) throws -> [Response] {
        var responses: [Response] = []
        var answers: [[[Float]]] = []
        for item in batch.items {
            let range = try VectorTask.range(item.payload, size: settings.size)
            answers.append(
                (0..<batch.responsesPerItem).map { index in
                    var stream = RandomStream(
                        seed: seed,
                        client,
                        "vector-response",
                        batch.round,
                        batch.step,
                        item.id,
                        index
                    )
                    return state.values[range].map { $0 + Float(settings.noise * (2 * stream.uniform() - 1)) }
                }
            )
            for (index, answer) in answers[answers.count - 1].enumerated() {
                responses.append(
                    Response(itemID: item.id, index: index, payload: VectorTask.encode(answer))
                )
            }
        }
        state.pending = (batch, answers)
        return responses
    }

    /// Moves towards the best response of each mixed group.
    public mutating func absorb(_ pool: ResponsePool) throws -> StepReport {
        let (batch, own) = try state.takePending(for: pool)
        for (position, group) in pool.groups.enumerated() {
            var answers = own[position]
            var scores = group.scores
            for replacement in group.replacements {
                answers[replacement.index] = try VectorTask.decode(replacement.payload)
                scores[replacement.index] = replacement.score
            }
            guard let best = scores.indices.max(by: { scores[$0] < scores[$1] }) else { continue }
            let range = try VectorTask.range(batch.items[position].payload, size: settings.size)
            for (index, value) in zip(range, answers[best]) {
                state.values[index] += Float(settings.learningRate) * (value - state.values[index])
            }
        }
        return StepReport(
            round: pool.round,
            steps: pool.step..<pool.step + 1,
            examples: own.reduce(0) { $0 + $1.count },
            metrics: ["swap/imported": Double(pool.groups.reduce(0) { $0 + $1.replacements.count })]
        )
    }

    /// The vector and a batch in flight.
    public func snapshot() throws -> [UInt8] {
        state.snapshot(trainer: Self.name) { $1.write($0) }
    }

    /// Continues from a snapshot.
    public mutating func restore(_ bytes: [UInt8]) throws {
        try state.restore(bytes, trainer: Self.name) { try $0.floats() }
    }
}

/// The judge of `vector`: it knows the target.
public struct VectorJudge: PublicJudge {
    private let settings: VectorSettings
    private let target: [Float]

    /// Derives the target from the federation's seed.
    public init(settings: VectorSettings, resources: CoordinatorResources) throws {
        self.settings = settings
        target = VectorTask.target(seed: resources.seed, size: settings.size)
    }

    /// Zeros.
    public func initialAdapter() throws -> AdapterWeights {
        AdapterWeights([
            NamedArray(
                name: "vector",
                shape: [settings.size],
                values: Array(repeating: 0, count: settings.size)
            )
        ])
    }

    /// Asks for two blocks of four coordinates, or for the only one.
    public func batch(round: Int, step: Int) throws -> PublicBatch {
        let blocks = settings.size / 4
        let items = (0..<min(2, blocks)).map { offset in
            let block = (round + step + offset) % blocks
            return PublicItem(id: "block-\(block)", topic: "block-\(block)", payload: [UInt8(block)])
        }
        return PublicBatch(round: round, step: step, items: items, responsesPerItem: settings.responses)
    }

    /// exp(−‖response − target‖) over the coordinates asked for.
    public func score(_ response: Response) throws -> Double {
        guard let block = response.itemID.split(separator: "-").last.flatMap({ UInt8($0) }),
            response.itemID == "block-\(block)",
            let range = try? VectorTask.range([block], size: settings.size)
        else { throw ResponseFault.unknownItem(response.itemID) }
        guard (0..<settings.responses).contains(response.index) else {
            throw ResponseFault.indexOutOfRange(
                item: response.itemID,
                index: response.index,
                limit: settings.responses
            )
        }
        guard response.payload.count <= 16 else {
            throw ResponseFault.tooLong(
                item: response.itemID,
                index: response.index,
                length: response.payload.count / 4,
                limit: 4
            )
        }
        guard let values = try? VectorTask.decode(response.payload), values.count == 4,
            values.allSatisfy(\.isFinite)
        else {
            throw ResponseFault.malformed(
                item: response.itemID,
                index: response.index,
                reason: "expected 4 finite float32 values"
            )
        }
        return VectorTask.closeness(values, Array(target[range]))
    }

    /// 0.5.
    public var acceptedScore: Double { 0.5 }

    /// The closeness of the whole vector, by block.
    public func evaluate(_ adapter: AdapterWeights, round: Int) throws -> Evaluation {
        try AdapterFault.check(adapter, against: initialAdapter())
        let values = adapter.arrays[0].values
        return Evaluation(
            topics: stride(from: 0, to: settings.size, by: 4).map { start in
                let closeness = VectorTask.closeness(
                    Array(values[start..<start + 4]),
                    Array(target[start..<start + 4])
                )
                return TopicEvaluation(
                    topic: "block-\(start / 4)",
                    items: 1,
                    passAt1: closeness,
                    greedyAccuracy: nil
                )
            }
        )
    }
}
