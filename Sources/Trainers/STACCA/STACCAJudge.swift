package import Contract
internal import Models
internal import Randomness
internal import Tasks

/// The coordinator's half of the `stacca` trainer: it gives out public networks, replays what members did on them in its own
/// simulator, and hands the best episodes to those who do worse than most. It believes no return that it has not replayed.
package final class STACCAJudge: PublicJudge {
    private let settings: STACCASettings
    private let task: STACCATask
    private let schedule: Schedule
    private let publicNetworks: [NetworkView]
    /// The held-out networks by family.
    private var families: [String: [NetworkView]] = [:]
    /// What hop rules come to on the held-out episodes, by family; the same in every round.
    private var rules: [String: RuleReturns] = [:]
    private let gives: Bool
    private let threads: Int

    /// Counts the public and the held-out networks.
    package static func examine(
        _ settings: STACCASettings,
        _ coordinator: CoordinatorContext
    ) throws -> [String] {
        let task = try STACCATask(settings, coordinator.run)
        let known = try task.sites(coordinator.publicData, coordinator.run).map(\.network)
        let heldOut = try task.sites(coordinator.evaluationData, coordinator.run)
        let steps = task.dynamics.horizon
        let responses = settings.publicEpisodes * settings.responsesPerEpisode
        for network in known {
            let (edges, actions) = (EpisodePayload.edgesMax, (steps * network.nodeCount + 7) / 8)
            for (what, found, most) in [
                ("nodes", network.nodeCount, EpisodePayload.nodesMax), ("edges", network.edgeCount, edges),
                ("bytes of actions in an episode", actions, ExchangeLimits.responseBytesMax),
                (
                    "bytes of actions in a public step", actions * responses,
                    ExchangeLimits.responsesRawBytesMax / 2
                ),
            ] where found > most {
                throw coordinator.publicData.error(
                    "networks",
                    "the network '\(network.name)' has \(found) \(what), expected at most \(most)"
                )
            }
        }
        return ["public: \(known.count) networks", "evaluation: \(heldOut.count) networks"]
    }

    /// Loads the networks, and plays the rules that policies are compared with.
    package init(settings: STACCASettings, context: CoordinatorContext) throws {
        self.settings = settings
        _ = try Self.examine(settings, context)
        task = try STACCATask(settings, context.run)
        schedule = context.run.schedule
        publicNetworks = try task.views(context.publicData, context.run).map(\.view)
        let heldOut = try task.views(context.evaluationData, context.run)
        gives = context.poolRule != "none"
        threads = context.run.threads
        for (family, sites) in Dictionary(grouping: heldOut, by: \.group) {
            families[family] = sites.map(\.view)
            rules[family] = RuleReturns(
                sites.map(\.view),
                seed: task.seed,
                episodes: settings.evaluationEpisodes
            )
        }
    }

    /// A fresh policy from the federation's seed.
    package func initialAdapter() throws -> AdapterWeights { try task.policy().adapter }

    /// Public networks in turn, each with a seed of its own.
    package func batch(round: Int, step: Int) throws -> PublicBatch {
        let before = schedule.publicStepsBefore(round: round, step: step)
        let items = (0..<settings.publicEpisodes).map { index -> PublicItem in
            let place = (before * settings.publicEpisodes + index) % publicNetworks.count
            var stream = RandomStream(seed: task.seed, "public-episode", round, step, index)
            let (network, dynamics) = (publicNetworks[place].network, publicNetworks[place].dynamics)
            let item = EpisodePayload.Item(
                network: network,
                particulars: dynamics.particularNumbers,
                seed: stream.next()
            )
            return PublicItem(
                id: "\(round)-\(step)-\(index)",
                topic: network.family,
                payload: EpisodePayload.encode(item)
            )
        }
        return PublicBatch(
            round: round,
            step: step,
            items: items,
            responsesPerItem: settings.responsesPerEpisode
        )
    }

    /// The replayed discounted return, less that of the better of doing nothing and of always acting under the same noise.
    package func score(
        _ responses: [[Response]],
        to batch: PublicBatch,
        from sender: Sender
    ) throws -> [[Double]] {
        try zip(batch.items, responses).map { item, group in
            guard let (view, seed) = task.item(item.payload) else {
                preconditionFailure("a batch of our own cannot be read")
            }
            let count = task.dynamics.horizon * view.network.nodeCount
            let start = task.start(on: view, place: 0, seed: seed)
            func value(_ actions: [UInt8]) -> Double {
                start.record.replaying(actions, view.dynamics).discountedReturn(task.dynamics.discount)
            }
            let simple = max(
                value(Array(repeating: 0, count: count)),
                value(Array(repeating: 1, count: count))
            )
            return try group.map { response in
                if response.payload.count > (count + 7) / 8 {
                    throw ResponseFault.tooLong(
                        item: item.id,
                        index: response.index,
                        length: response.payload.count,
                        limit: (count + 7) / 8
                    )
                }
                guard let actions = EpisodePayload.decode(actions: response.payload, count: count) else {
                    throw ResponseFault.malformed(
                        item: item.id,
                        index: response.index,
                        reason: "expected \(count) actions, one bit each"
                    )
                }
                return value(actions) - simple
            }
        }
    }

    /// 0: as good as the better of doing nothing and of always acting.
    package var acceptedScore: Double { 0 }

    /// For each item: whose mean is below the median of all members (the upper one of two) gets the best episode of all in place of its worst.
    package func combine(_ step: ScoredStep) throws -> Combination {
        var groups: [String: [PooledGroup]] = [:]
        var given = 0
        for (place, item) in step.batch.items.enumerated() {
            let means = step.clients.map { $0.scores[place].mean }
            let median = means.sorted()[means.count / 2]
            var best: (client: Int, index: Int, score: Double)?
            for (client, scored) in step.clients.enumerated() {
                for (index, score) in scored.scores[place].enumerated()
                where score > best?.score ?? -.infinity {
                    best = (client, index, score)
                }
            }
            for (client, scored) in step.clients.enumerated() {
                var group = PooledGroup(itemID: item.id, scores: scored.scores[place])
                if gives, let best, best.client != client, means[client] < median,
                    let worst = scored.scores[place].indices.min(by: {
                        scored.scores[place][$0] < scored.scores[place][$1]
                    }), best.score > scored.scores[place][worst]
                {
                    let payload = try step.responses(of: step.clients[best.client].name)[place][best.index]
                        .payload
                    group.replacements = [Replacement(index: worst, score: best.score, payload: payload)]
                    given += 1
                }
                groups[scored.name, default: []].append(group)
            }
        }
        let scores = step.clients.flatMap { $0.scores.joined() }
        return .pools(
            groups.mapValues {
                ResponsePool(round: step.batch.round, step: step.batch.step, groups: $0)
            },
            metrics: ["stacca/lessons": Double(given), "stacca/score": scores.mean]
        )
    }

    /// The greedy return on held-out networks, by family, beside that of the best hop rule.
    package func evaluate(_ adapter: AdapterWeights, round: Int) throws -> Evaluation {
        let policy = try task.policy(adapter)
        var slices: [SliceEvaluation] = []
        var metrics: [String: Double] = [:]
        var sampled: [Double] = []
        var acting: [Double] = []
        for (family, rule) in rules.sorted(by: { $0.key < $1.key }) {
            let views = families[family] ?? []
            let episodes = HeldOutEpisodes(views, seed: task.seed, count: settings.evaluationEpisodes)
            let greedy = episodes.play(policy, .greedy, threads: threads)
            let value = greedy.map { $0.record.discountedReturn(task.dynamics.discount) }.mean
            slices.append(SliceEvaluation(name: family, items: greedy.count, value: value))
            sampled += episodes.returns(policy, .sampled, threads: threads)
            acting += greedy.map { $0.record.shares.acting }
            metrics["gap/\(family)"] = value - rule.best.value
            metrics["rule/\(family)"] = rule.best.value
        }
        metrics["sampled"] = sampled.mean
        metrics["acting"] = acting.mean
        let count = slices.reduce(0) { $0 + $1.items }
        let total = slices.reduce(0) { $0 + $1.value * Double($1.items) } / Double(max(count, 1))
        metrics["gap"] =
            slices.reduce(0) { $0 + (metrics["gap/\($1.name)"] ?? 0) * Double($1.items) }
            / Double(max(count, 1))
        return Evaluation(
            Measure(
                key: "return",
                unit: .number,
                meaning:
                    "the discounted return of the likelier actions on held-out networks, a mean over nodes",
                slice: "family"
            ),
            value: total,
            slices: slices,
            metrics: metrics,
            figures: [figure(slices)]
        )
    }

    private func figure(_ slices: [SliceEvaluation]) -> Figure {
        Figure(
            "Return by family",
            caption:
                "The policy beside hop rules on the same episodes: hk acts where an infected node is within k hops.",
            .bars(
                Figure.Bars(
                    xName: "family",
                    yName: "discounted return",
                    groups: slices.map(\.name),
                    series: [.init("policy", values: slices.map(\.value))]
                        + RuleReturns.shown.map { rule in
                            .init(
                                rule.shortName,
                                values: slices.map { rules[$0.name]?.values[rule.name] ?? 0 }
                            )
                        }
                )
            )
        )
    }
}
