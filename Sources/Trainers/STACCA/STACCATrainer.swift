package import Contract
internal import Models
internal import Randomness
internal import Tasks
internal import Tensors

/// The `stacca` trainer: one policy for all nodes of all networks, learnt on each member's own networks.
///
/// A local step is one iteration of `PolicyLearner` on the private networks. On a public step the client plays episodes on
/// public networks and sends its actions; where it does worse than most, it learns from the best episodes of others. Private
/// networks, their states, rewards and advantages stay in this object. Our design: STACCA is not a federated method.
package final class STACCATrainer: LocalTrainer {
    /// `stacca`.
    package static let name = "stacca"
    private let settings: STACCASettings
    private let context: ClientContext
    private let task: STACCATask
    private let learner: PolicyLearner
    private var pending: PublicBatch?

    /// Checks `model` and `adapter`; there are no further objectives.
    package static func check(_ settings: STACCASettings, _ run: RunContext) throws {
        if let term = run.objectives.first {
            throw term.settings.error("", "the trainer 'stacca' takes no further objectives")
        }
        _ = try GraphPolicySettings(run)
    }

    /// Counts the private networks.
    package static func examine(_ settings: STACCASettings, _ client: ClientContext) throws -> String {
        let networks = try STACCATask(settings, client.run).sites(client.data, client.run)
        let nodes = networks.map(\.network.nodeCount)
        let (least, most) = (nodes.min() ?? 0, nodes.max() ?? 0)
        return "\(networks.count) networks of \(least == most ? "\(least)" : "\(least) to \(most)") nodes"
    }

    /// Writes a folder that `tributary network` reads.
    package static func write(
        _ adapter: AdapterWeights,
        to folder: String,
        _ settings: STACCASettings,
        _ run: RunContext
    ) throws -> Bool {
        try PolicyFolder(
            settings.environment,
            GraphPolicySettings(run),
            seed: run.seed,
            hasLocalHead: settings.localCriticHead,
            adapter
        ).write(
            to: folder
        )
        return true
    }

    /// Reads a policy's folder.
    package static func readAdapter(
        from folder: String,
        _ settings: STACCASettings,
        _ run: RunContext
    ) throws -> AdapterWeights? { try PolicyFolder(reading: folder).adapter }

    /// Loads the private networks.
    package init(settings: STACCASettings, context: ClientContext) throws {
        self.settings = settings
        self.context = context
        task = try STACCATask(settings, context.run)
        learner = PolicyLearner(
            try task.policy(),
            pool: try task.views(context.data, context.run).map(\.view),
            settings: settings.learning,
            seed: context.run.seed,
            name: context.name,
            threads: context.run.threads
        )
        learner.timer = context.timer
    }

    /// Both networks of the policy.
    package var adapter: AdapterWeights { learner.policy.adapter }

    /// Takes over the merged policy; Adam starts anew unless its moments are kept, the value normaliser stays.
    package func beginRound(_ round: Int, adapter: AdapterWeights) throws {
        try learner.policy.load(adapter)
        if !settings.keepMoments { learner.restartOptimisers() }
        pending = nil
    }

    /// Iterations on private networks.
    package func adapt(_ plan: StepPlan, progress: (StepReport) throws -> Void) throws -> StepReport {
        var reports: [StepReport] = []
        for step in plan.steps {
            let metrics = learner.iterate(iteration(plan.round, step))
            let report = StepReport(
                round: plan.round,
                steps: step..<step + 1,
                examples: settings.learning.episodes,
                metrics: metrics
            )
            reports.append(report)
            try progress(report)
        }
        return .mean(of: reports, for: plan)
    }

    /// The local steps before one, in all rounds.
    private func iteration(_ round: Int, _ step: Int) -> Int {
        let schedule = context.run.schedule
        return round * schedule.stepsPerRound + step - schedule.publicStepsBefore(round: round, step: step)
    }

    /// Plays the public episodes: the first time by the likelier action of each node, then by drawn ones.
    package func respond(to batch: PublicBatch) throws -> [Response] {
        let items = try items(of: batch)
        var responses: [[Response]] = batch.items.map { _ in [] }
        for index in 0..<batch.responsesPerItem {
            let starts = items.enumerated().map { place, item in
                task.start(
                    on: item.view,
                    place: place,
                    seed: item.seed,
                    draws: RandomStream(
                        seed: context.run.seed,
                        context.name,
                        "public-actions",
                        batch.round,
                        batch.step,
                        place,
                        index
                    )
                )
            }
            let rollout = Rollout(
                learner.policy,
                pool: items.map(\.view),
                starts: starts,
                choice: index == 0 ? .greedy : .sampled,
                threads: context.run.threads
            )
            for (place, episode) in rollout.episodes.enumerated() {
                responses[place].append(
                    Response(
                        itemID: batch.items[place].id,
                        index: index,
                        payload: EpisodePayload.encode(actions: episode.record.actions)
                    )
                )
            }
        }
        pending = batch
        return responses.flatMap { $0 }
    }

    private func items(of batch: PublicBatch) throws(PoolFault) -> [(view: NetworkView, seed: UInt64)] {
        var items: [(view: NetworkView, seed: UInt64)] = []
        for item in batch.items {
            guard let decoded = task.item(item.payload) else {
                throw .unreadable("the public item '\(item.id)' is no network with a seed")
            }
            items.append(decoded)
        }
        return items
    }

    /// Learns from the episodes of others that it was given in place of its worse ones.
    package func absorb(_ pool: ResponsePool) throws -> StepReport {
        guard let batch = pending else { throw PoolFault.nothingPending }
        try pool.check(against: batch)
        let items = try items(of: batch)
        var lessons: [Rollout.Episode] = []
        var networks: [NetworkView] = []
        for (item, group) in zip(items, pool.groups) {
            for replacement in group.replacements {
                let count = task.dynamics.horizon * item.view.network.nodeCount
                guard let actions = EpisodePayload.decode(actions: replacement.payload, count: count) else {
                    throw PoolFault.unreadable(
                        "the episode given for '\(group.itemID)' is not \(count) actions"
                    )
                }
                let start = task.start(on: item.view, place: networks.count, seed: item.seed)
                lessons.append(
                    Rollout.Episode(
                        place: start.place,
                        record: start.record.replaying(actions, item.view.dynamics)
                    )
                )
                networks.append(item.view)
            }
        }
        var metrics = ["lessons": Double(lessons.count)]
        if !lessons.isEmpty {
            for _ in 0..<settings.imitationSteps {
                metrics["imitation/loss"] = learner.imitate(lessons, on: networks)
            }
        }
        let own = pool.groups.flatMap(\.scores)
        metrics["reward"] = own.mean
        pending = nil
        return StepReport(round: pool.round, steps: pool.step..<pool.step + 1, examples: 0, metrics: metrics)
    }

    /// The policy, its normaliser, Adam's moments, and a batch in flight; never a private network.
    package func snapshot() throws -> [UInt8] {
        var writer = SnapshotWriter(trainer: Self.name, version: 1)
        let policy = learner.policy.snapshot
        writer.write(policy.arrays)
        for normaliser in [policy.normaliser, policy.remembered] {
            writer.write(normaliser.mean)
            writer.write(normaliser.deviation)
            writer.write(normaliser.isFresh ? 1 : 0)
        }
        for state in learner.optimiserStates {
            writer.write(state.stepCount)
            writer.write(state.moments)
        }
        writer.write(pending == nil ? 0 : 1)
        if let pending { writer.write(pending) }
        return writer.bytes
    }

    /// Continues from a snapshot.
    package func restore(_ bytes: [UInt8]) throws {
        var reader = try SnapshotReader(bytes, trainer: Self.name, version: 1)
        let arrays = try reader.adapter()
        var normalisers: [ValueNormaliser] = []
        for _ in 0..<2 {
            let normaliser = ValueNormaliser(
                mean: try reader.double(),
                deviation: try reader.double(),
                isFresh: try reader.int() == 1
            )
            guard normaliser.mean.isFinite, normaliser.deviation > 0, normaliser.deviation.isFinite else {
                throw SnapshotFault("snapshot: values in units of \(normaliser.deviation)")
            }
            normalisers.append(normaliser)
        }
        var states: [AdamW.State] = []
        for model in [learner.policy.actor, learner.policy.critic] {
            let state = AdamW.State(stepCount: try reader.int(), moments: try reader.floats())
            let count = 2 * model.parameters.reduce(0) { $0 + $1.count }
            guard state.stepCount >= 0, [0, count].contains(state.moments.count) else {
                throw SnapshotFault("snapshot: \(state.moments.count) moments for \(count / 2) parameters")
            }
            states.append(state)
        }
        let pending = try reader.int() == 1 ? try reader.batch() : nil
        try reader.finish()
        do {
            try learner.policy.restore(
                GraphPolicy.Snapshot(
                    arrays: arrays,
                    normaliser: normalisers[0],
                    remembered: normalisers[1]
                )
            )
        } catch {
            throw SnapshotFault("snapshot: \(error)")
        }
        learner.optimiserStates = states
        self.pending = pending
    }
}
