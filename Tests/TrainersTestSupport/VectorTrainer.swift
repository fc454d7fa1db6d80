package import Contract
internal import Randomness

/// The settings of the toy trainer `vector`.
package struct VectorSettings: TrainerSettings {
    /// The size of the vector that is learnt.
    package var size = 12
    /// How far a local step goes towards a private sample.
    package var learningRate = 0.1
    /// K, the responses to each public item.
    package var responses = 4
    /// The standard deviation of the noise on responses and private samples.
    package var noise = 0.3

    /// Whether the coordinator merges what clients answer (centroids and counts) in place of swapping responses, and
    /// scores a response by its sender's own adapter.
    package var merges = false

    /// A round whose evaluation is not a number, as after an update that broke the model; -1 for the base's.
    package var brokenRound: Int?
    /// The round whose evaluation is a thousandth of what it should be.
    package var collapsedRound: Int?
    /// Whether each round's evaluation is 0.6 times what it should be for every round before.
    package var fades = false
    /// A client whose updates are a million times as long as they should be.
    package var loud: String?

    /// The defaults.
    package init() {}

    /// Checks the ranges.
    package func validate() throws(SettingsFault) {
        guard size >= 4, size % 4 == 0 else {
            throw SettingsFault(key: "size", reason: "is \(size), expected a positive multiple of 4")
        }
        guard (1...64).contains(responses) else {
            throw SettingsFault(key: "responses", reason: "is \(responses), expected 1 … 64")
        }
    }
}

/// A toy whose adapter is one dense vector and whose responses are vectors: shaped like a trainer that learns from
/// trajectories and merges what it learnt of public ones.
///
/// Everyone looks for the same hidden target. A client sees noisy samples of it that lean its own way;
/// a public item asks for four coordinates of it, and the judge scores a response by its distance.
package struct VectorTrainer: LocalTrainer {
    /// `vector`.
    package static let name = "vector"
    private let settings: VectorSettings
    private let seed: UInt64
    private let client: String
    private let centre: [Float]
    private var state: DenseState<[Float]>

    /// Draws the client's bias.
    package init(settings: VectorSettings, context: ClientContext) throws {
        self.settings = settings
        seed = context.run.seed
        client = context.name
        var stream = RandomStream(seed: seed, client, "vector-bias")
        centre = VectorTask.target(seed: seed, size: settings.size).map {
            $0 + Float(stream.uniform() - 0.5)
        }
        state = DenseState(
            values: Array(repeating: 0, count: settings.size),
            name: "vector",
            shape: [settings.size],
            counts: settings.merges ? "samples" : nil
        )
    }

    /// The vector.
    package var adapter: AdapterWeights { state.adapter }

    /// Takes over the broadcast vector.
    package mutating func beginRound(_ round: Int, adapter: AdapterWeights) throws {
        try state.begin(round, adapter)
    }

    /// Moves towards a noisy private sample at each step.
    package mutating func adapt(_ plan: StepPlan, progress: (StepReport) throws -> Void) throws -> StepReport
    {
        var reports: [StepReport] = []
        for step in plan.steps {
            var stream = RandomStream(seed: seed, client, "vector-sample", plan.round, step)
            var loss = 0.0
            for index in state.values.indices {
                let sample = centre[index] + Float(settings.noise * (2 * stream.uniform() - 1))
                let distance = sample - state.values[index]
                loss += Double(distance * distance)
                state.values[index] += Float(settings.learningRate) * distance
                if client == settings.loud { state.values[index] += 1e5 }
            }
            state.count += 1
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
    package mutating func respond(to batch: PublicBatch) throws -> [Response] {
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

    /// Moves towards the best response of each mixed group, or towards the merged centroids.
    package mutating func absorb(_ pool: ResponsePool) throws -> StepReport {
        let (batch, own) = try state.takePending(for: pool)
        if settings.merges { return try absorb(merged: pool, batch) }
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

    private mutating func absorb(merged pool: ResponsePool, _ batch: PublicBatch) throws -> StepReport {
        guard let counted = VectorTask.decodeCount(pool.merged) else {
            throw PoolFault.unreadable("\(pool.merged.count) bytes are no count of responses")
        }
        for (position, group) in pool.groups.enumerated() {
            let centroid = try VectorTask.decode(group.target)
            for (index, value) in zip(
                try VectorTask.range(batch.items[position].payload, size: settings.size),
                centroid
            ) {
                state.values[index] += Float(settings.learningRate) * (value - state.values[index])
            }
        }
        return StepReport(
            round: pool.round,
            steps: pool.step..<pool.step + 1,
            examples: 0,
            metrics: ["merged/responses": Double(counted)]
        )
    }

    /// The vector and a batch in flight.
    package func snapshot() throws -> [UInt8] {
        state.snapshot(trainer: Self.name) { $1.write($0) }
    }

    /// Continues from a snapshot.
    package mutating func restore(_ bytes: [UInt8]) throws {
        try state.restore(bytes, trainer: Self.name) { try $0.floats() }
    }
}

/// The judge of `vector`: it knows the target.
package struct VectorJudge: PublicJudge {
    private let settings: VectorSettings
    private let target: [Float]

    /// Derives the target from the federation's seed.
    package init(settings: VectorSettings, context: CoordinatorContext) throws {
        self.settings = settings
        target = VectorTask.target(seed: context.run.seed, size: settings.size)
    }

    /// Zeros.
    package func initialAdapter() throws -> AdapterWeights {
        let vector = NamedArray(
            name: "vector",
            shape: [settings.size],
            values: Array(repeating: 0, count: settings.size)
        )
        let samples = NamedArray(name: "samples", shape: [1], values: [0], part: .summed)
        return AdapterWeights(settings.merges ? [vector, samples] : [vector])
    }

    /// Asks for two blocks of four coordinates, or for the only one.
    package func batch(round: Int, step: Int) throws -> PublicBatch {
        let blocks = settings.size / 4
        let items = (0..<min(2, blocks)).map { offset in
            let block = (round + step + offset) % blocks
            return PublicItem(id: "block-\(block)", topic: "block-\(block)", payload: [UInt8(block)])
        }
        return PublicBatch(round: round, step: step, items: items, responsesPerItem: settings.responses)
    }

    /// exp(−‖response − target‖) over the coordinates asked for; where responses are merged, the distance from what
    /// the sender's own adapter says.
    package func score(
        _ responses: [[Response]],
        to batch: PublicBatch,
        from sender: Sender
    ) throws -> [[Double]] {
        let reference = settings.merges ? try sender.adapter()["vector"]?.values ?? [] : target
        return try zip(batch.items, responses).map { item, group in
            let wanted = Array(reference[try VectorTask.range(item.payload, size: settings.size)])
            return try group.map { VectorTask.closeness(try VectorJudge.values($0), wanted) }
        }
    }

    private static func values(_ response: Response) throws -> [Float] {
        guard response.payload.count <= 16 else {
            throw ResponseFault.tooLong(
                item: response.itemID,
                index: response.index,
                length: response.payload.count / 4,
                limit: 4
            )
        }
        guard let values = try? VectorTask.decode(response.payload), values.allSatisfy(\.isFinite) else {
            throw ResponseFault.malformed(
                item: response.itemID,
                index: response.index,
                reason: "expected 4 finite float32 values"
            )
        }
        return values
    }

    /// 0.5.
    package var acceptedScore: Double { 0.5 }

    /// The centroid of all responses to each item, and how many there were; or a swap.
    package func combine(_ step: ScoredStep) throws -> Combination {
        guard settings.merges else { return .swap() }
        var sums = [[Float]](repeating: [0, 0, 0, 0], count: step.batch.items.count)
        var count = 0
        for client in step.clients {
            for (place, group) in try step.responses(of: client.name).enumerated() {
                for response in group {
                    sums[place] = zip(sums[place], try VectorJudge.values(response)).map(+)
                    if place == 0 { count += 1 }
                }
            }
        }
        let centroids = sums.map { sum in VectorTask.encode(sum.map { $0 / Float(max(count, 1)) }) }
        let pools = step.clients.map { client in
            let groups = step.batch.items.indices.map { place in
                PooledGroup(
                    itemID: step.batch.items[place].id,
                    scores: client.scores[place],
                    target: centroids[place]
                )
            }
            return (
                client.name,
                ResponsePool(
                    round: step.batch.round,
                    step: step.batch.step,
                    groups: groups,
                    merged: VectorTask.encode(count: count)
                )
            )
        }
        return .pools(
            Dictionary(pools) { first, _ in first },
            metrics: ["merged/responses": Double(count)]
        )
    }

    /// The closeness of the whole vector, by block; where responses are merged, the distance, of which less is better.
    package func evaluate(_ adapter: AdapterWeights, round: Int) throws -> Evaluation {
        try initialAdapter().layout.check(adapter.layout)
        let values = adapter["vector"]?.values ?? []
        let slices = stride(from: 0, to: settings.size, by: 4).map { start in
            let closeness = VectorTask.closeness(
                Array(values[start..<start + 4]),
                Array(target[start..<start + 4])
            )
            return SliceEvaluation(
                name: "block-\(start / 4)",
                items: 1,
                value: round == settings.brokenRound
                    ? .nan
                    : (settings.merges ? 1 - closeness : closeness)
                        * (round == settings.collapsedRound ? 0.001 : 1)
                        * (settings.fades
                            ? (0..<max(0, round + 1)).reduce(1.0) { share, _ in share * 0.6 } : 1)
            )
        }
        let measure =
            settings.merges
            ? Measure(
                key: "distance",
                higherIsBetter: false,
                meaning: "how far the target is",
                slice: "block"
            )
            : Measure(key: "closeness", unit: .fraction, meaning: "how close the target is", slice: "block")
        return Evaluation(
            measure,
            meanOf: slices,
            metrics: settings.merges ? ["samples": Double(adapter["samples"]?.values[0] ?? 0)] : [:]
        )
    }
}
