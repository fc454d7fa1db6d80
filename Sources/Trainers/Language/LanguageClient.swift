internal import Contract
internal import Models
internal import Randomness
internal import Tasks
internal import Tensors

/// What every language trainer's client half is made of: the learner, the private examples and the
/// public batch in flight.
final class LanguageClient<Settings: LanguageSettings, Example> {
    let settings: Settings
    let task: LanguageTask
    let learner: LanguageLearner
    /// What is learnt from in private: it never leaves this object.
    private let examples: [Example]
    private let trainer: String
    private let seed: UInt64
    private let name: String
    private let timer: StepTimer
    private var walk: ShuffledEpochs
    private var position = 0
    private var round = 0
    private var pending: PendingBatch?

    /// A public batch that has been answered and whose pool is awaited.
    struct PendingBatch: Equatable {
        var batch: PublicBatch
        /// The client's responses, by item and index.
        var own: [[[Int32]]]
        /// The mean of −log π over the tokens sampled.
        var entropy: Double

        /// The mean length of the client's responses, in tokens.
        var meanLength: Double {
            let all = own.joined()
            return Double(all.reduce(0) { $0 + $1.count }) / Double(max(all.count, 1))
        }
    }

    /// - Parameter read: Reads the private examples; not none.
    init(
        trainer: String,
        settings: Settings,
        context: ClientContext,
        read: (LanguageTask) throws -> [Example]
    ) throws {
        self.trainer = trainer
        self.settings = settings
        seed = context.run.seed
        name = context.name
        timer = context.timer
        task = try LanguageTask(context.run, settings: settings)
        examples = try read(task)
        learner = try LanguageLearner(task: task, run: context.run, settings: settings)
        walk = ShuffledEpochs(count: examples.count, seed: seed, path: "\(context.name)/private-order")
    }

    func beginRound(_ round: Int, adapter: AdapterWeights) throws {
        try learner.begin(adapter, round: round)
        self.round = round
        pending = nil
    }

    /// The next private examples of the walk.
    func nextExamples(_ count: Int) -> [Example] {
        defer { position += count }
        return walk.elements(from: position, length: count).map { examples[$0] }
    }

    /// How often the walk has been over all examples.
    var epoch: Double { Double(position) / Double(examples.count) }

    /// Samples `samplesPerPrompt` responses to each prompt from streams named by purpose, round and step.
    ///
    /// - Throws: `SamplingFault` where the model gives no distribution to draw from.
    func sample(
        prompts: [[Int32]],
        purpose: String,
        round: Int,
        step: Int
    ) throws(SamplingFault) -> [[Completion]] {
        let completions = timer.sampling {
            learner.sample(
                prompts: prompts,
                count: settings.samplesPerPrompt,
                settings: SamplingSettings(
                    maxTokens: settings.maxTokens,
                    temperature: Float(settings.temperature),
                    stop: task.eos
                )
            ) { [seed, name] prompt, sample in
                RandomStream(seed: seed, name, purpose, round, step, prompt, sample)
            }
        }
        guard !completions.joined().contains(where: \.tokens.isEmpty) else {
            throw SamplingFault(round: round, step: step)
        }
        return completions
    }

    /// Answers a public batch and keeps it until its pool comes.
    func respond(to batch: PublicBatch) throws -> [Response] {
        guard batch.responsesPerItem == settings.samplesPerPrompt else {
            throw SettingsFault(
                key: "samplesPerPrompt",
                reason: "is \(settings.samplesPerPrompt), but the batch asks for \(batch.responsesPerItem)"
            )
        }
        let prompts = try batch.items.map(task.publicPrompt)
        let completions = try sample(
            prompts: prompts,
            purpose: "public-sample",
            round: batch.round,
            step: batch.step
        )
        pending = PendingBatch(
            batch: batch,
            own: completions.map { $0.map(\.tokens) },
            entropy: CompletionStatistics(completions.flatMap { $0 }).entropy
        )
        return zip(batch.items, completions).flatMap { item, group in
            group.enumerated().map { index, completion in
                Response(itemID: item.id, index: index, payload: TokenPayload.encode(completion.tokens))
            }
        }
    }

    /// What a pool makes of the batch in flight, which is then no longer in flight.
    func takeMixedGroups(_ pool: ResponsePool) throws -> (
        pending: PendingBatch, prompts: [[Int32]], groups: [MixedGroup]
    ) {
        guard let pending else { throw PoolFault.nothingPending }
        let groups = try MixedGroup.apply(
            pool,
            to: pending.batch,
            own: pending.own,
            vocabulary: task.base.configuration.vocabularySize,
            limit: settings.maxTokens
        )
        let prompts = try pending.batch.items.map(task.publicPrompt)
        self.pending = nil
        return (pending, prompts, groups)
    }

    private static var version: Int { 1 }

    func snapshot() -> [UInt8] {
        var writer = SnapshotWriter(trainer: trainer, version: Self.version)
        writer.write(round)
        writer.write(position)
        writer.write(learner.adapter.weights)
        writer.write(learner.anchor)
        writer.write(learner.optimiser.state.stepCount)
        writer.write(learner.optimiser.state.moments)
        writer.write(pending == nil ? 0 : 1)
        if let pending {
            writer.write(pending.batch)
            writer.write(pending.entropy)
            for response in pending.own.joined() { writer.write(TokenPayload.encode(response)) }
        }
        return writer.bytes
    }

    func restore(_ bytes: [UInt8]) throws {
        var reader = try SnapshotReader(bytes, trainer: trainer, version: Self.version)
        let (round, position) = (try reader.int(), try reader.int())
        let (weights, anchor) = (try reader.adapter(), try reader.adapter())
        let state = AdamW.State(stepCount: try reader.int(), moments: try reader.floats())
        let pending = try reader.int() == 1 ? readPending(&reader) : nil
        try reader.finish()
        guard round >= 0, position >= 0 else {
            throw SnapshotFault("snapshot: round \(round), position \(position)")
        }
        do {
            try learner.restore(weights, anchor: anchor, optimiser: state, round: round)
        } catch let fault as AdapterFault {
            throw SnapshotFault("snapshot: \(fault)")
        }
        self.round = round
        self.position = position
        self.pending = pending
    }

    private func readPending(_ reader: inout SnapshotReader) throws -> PendingBatch {
        let batch = try reader.batch()
        let entropy = try reader.double()
        guard batch.responsesPerItem == settings.samplesPerPrompt else {
            throw SnapshotFault("snapshot: its batch asks for \(batch.responsesPerItem) responses")
        }
        let own = try batch.items.map { _ in
            try (0..<batch.responsesPerItem).map { _ in
                do {
                    return try TokenPayload.decode(
                        try reader.data(),
                        vocabulary: task.base.configuration.vocabularySize,
                        limit: settings.maxTokens
                    )
                } catch let fault as TokenPayload.Fault {
                    throw SnapshotFault("snapshot: a response is damaged: \(fault.reason)")
                }
            }
        }
        return PendingBatch(batch: batch, own: own, entropy: entropy)
    }
}

/// A step in which the adapted model's logits are not finite.
package struct SamplingFault: Error, Equatable, CustomStringConvertible {
    /// The round.
    package var round: Int
    /// The step within the round.
    package var step: Int

    /// The fault in words.
    package var description: String {
        "round \(round), step \(step): the adapted model's logits are not finite; try a lower learningRate"
    }
}

/// What sampled completions look like, under TRL's names.
struct CompletionStatistics {
    /// `entropy`: the mean of −log π over the tokens sampled, an unbiased estimate of the policy's
    /// entropy at the sampling temperature.
    let entropy: Double
    /// `completions/mean_length`, in tokens.
    let meanLength: Double
    /// `completions/clipped_ratio`: the share that was cut off before its end of sequence.
    let clippedRatio: Double

    init(_ completions: [Completion]) {
        let tokens = completions.reduce(0) { $0 + $1.tokens.count }
        let sum = completions.reduce(0.0) { $0 + $1.logProbs.reduce(0.0) { $0 + Double($1) } }
        let count = Double(max(completions.count, 1))
        entropy = -sum / Double(max(tokens, 1))
        meanLength = Double(tokens) / count
        clippedRatio = Double(completions.count { !$0.finished }) / count
    }
}
