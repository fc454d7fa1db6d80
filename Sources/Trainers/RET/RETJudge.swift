package import Contract
internal import Models
internal import Randomness
internal import Tasks
internal import Tensors
internal import Text

/// The coordinator's half of the `ret` trainer: it gives out public texts, scores what members' macrostates say of them
/// with the merged predictor, merges groups, and looks for collapse.
package final class RETJudge: PublicJudge {
    private let settings: RETSettings
    private let seed: UInt64
    private let schedule: Schedule
    private let texts: RETTexts
    private let tokenizer: any Tokenizer
    /// The public texts with their states.
    private let publicSet: TrajectorySet
    private let publicPlace: [String: Int]
    /// Of the public states: what no update may change.
    private let statistics: StateStatistics
    private let heldOutQuestions: [Question]
    private var heldOut: TrajectorySet?
    private var walk: ShuffledEpochs
    /// Whether clients are given others' macrostates: not under the pool rule `none`, the control.
    private let gives: Bool

    /// Loads the model, checks the public and the held-out texts, and counts them.
    package static func examine(_ settings: RETSettings, _ coordinator: CoordinatorContext) throws -> [String]
    {
        let texts = try RETTexts(coordinator.run, settings: settings)
        let publicQuestions = try LanguageData.publicQuestions(coordinator)
        let heldOut = try LanguageData.heldOutQuestions(coordinator)
        guard !heldOut.isEmpty else {
            throw coordinator.evaluationData.error("", "found no held-out texts, expected at least one")
        }
        for (questions, set) in [(publicQuestions, "public"), (heldOut, "held-out")] where !questions.isEmpty
        {
            _ = try texts.prompts(of: questions, set: set)
        }
        let asked = publicQuestions.count
        let wanted = coordinator.run.schedule.publicStepsPerRound > 0 ? settings.publicTextsPerStep : 1
        try SettingsFault.require(
            asked >= wanted,
            "publicTextsPerStep",
            "is \(wanted), but there are \(asked) public texts"
        )
        return ["public: \(asked) texts", "evaluation: \(heldOut.count) texts"]
    }

    /// Loads the model and records the public texts.
    package init(settings: RETSettings, context: CoordinatorContext) throws {
        self.settings = settings
        _ = try Self.examine(settings, context)
        seed = context.run.seed
        schedule = context.run.schedule
        texts = try RETTexts(context.run, settings: settings)
        tokenizer = try texts.base.tokenizer()
        // A prompt that the model has nothing to say to has no states to learn from.
        publicSet = try texts.record(
            LanguageData.publicQuestions(context),
            set: "public",
            owner: "coordinator"
        ).withoutEmpty()
        let wanted = schedule.publicStepsPerRound > 0 ? settings.publicTextsPerStep : 1
        try SettingsFault.require(
            publicSet.trajectories.count >= wanted,
            "publicTextsPerStep",
            "is \(wanted), but the model has states of only \(publicSet.trajectories.count) public texts"
        )
        statistics = try StateStatistics(of: publicSet.all, skipsPrompt: true)
        publicPlace = Dictionary(
            publicSet.trajectories.enumerated().map { ($1.id, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        gives = context.poolRule != "none"
        heldOutQuestions = try LanguageData.heldOutQuestions(context)
        walk = ShuffledEpochs(count: publicSet.trajectories.count, seed: seed, path: "public-order")
    }

    /// Fresh networks from the federation's seed, the statistics of the public states, and groups of what the fresh encoder
    /// makes of them.
    package func initialAdapter() throws -> AdapterWeights {
        let net = MacrostateNet(shape: settings.shape, statistics: statistics, seed: seed)
        let width = settings.shape.outputs
        let points = Points.thinned(
            try net.encode(publicSet.all) { $0.learnableRows },
            width: width,
            to: 12_000
        )
        guard points.count >= settings.groups * width else {
            throw SettingsFault(
                key: "groups",
                reason: "is \(settings.groups), but the public texts have only \(points.count / width) states"
            )
        }
        var stream = RandomStream(seed: seed, "initial-groups")
        let centroids = KMeans.fit(points, width: width, groups: settings.groups, stream: &stream)
        return RETAdapter.weights(net.weights, centroids)
    }

    /// The next texts of a walk over the public set in shuffled epochs; no text twice in a batch.
    package func batch(round: Int, step: Int) throws -> PublicBatch {
        let chosen = walk.wholeBatch(
            schedule.publicStepsBefore(round: round, step: step),
            length: settings.publicTextsPerStep
        )
        return PublicBatch(
            round: round,
            step: step,
            items: chosen.map { index in
                let trajectory = publicSet.trajectories[index]
                let item = MacrostatePayload.TextItem(
                    promptCount: trajectory.learnableRows.lowerBound - trajectory.rows.lowerBound,
                    tokens: trajectory.tokens
                )
                return PublicItem(id: trajectory.id, topic: trajectory.topic, payload: item.bytes)
            },
            responsesPerItem: 1
        )
    }

    /// How well the merged predictor foretells the macrostates that a client claims: the mean cosine of `NextState`, −1 for
    /// all of them where they have collapsed, since a constant is foretold best.
    package func score(
        _ responses: [[Response]],
        to batch: PublicBatch,
        from sender: Sender
    ) throws -> [[Double]] {
        let answers = try responses.map { try answer($0[0]) }
        let width = settings.shape.outputs
        let learnable = zip(batch.items, answers).map { item, answer in self.learnable(answer.z, of: item.id)
        }
        let spread = Spread(of: learnable.flatMap { $0 }, width: width)
        if settings.collapse.objection(to: spread) != nil { return batch.items.map { _ in [-1] } }
        let net = try net(of: sender.merged())
        return NextState.cosines(net, of: learnable, horizon: settings.learning.horizon.middle).map { [$0] }
    }

    /// Says that the client's encoder has collapsed on public texts, leaves the range of half precision there, or
    /// standardises states in its own way.
    package func objection(
        to adapter: @autoclosure () throws -> AdapterWeights,
        from client: String
    ) throws -> String? {
        let adapter = try adapter()
        let net: MacrostateNet
        do throws(AdapterFault) {
            net = try self.net(of: adapter)
        } catch {
            return "\(error)"
        }
        guard net.statistics == statistics else {
            return
                "it changes the statistics that states are standardised by, which are those of the public texts"
        }
        guard try net.encode(publicSet.all).allSatisfy(\.isFinite) else {
            return "it makes macrostates of public texts that are not finite"
        }
        // The states of what was given, such as the first of a text, may be unlike all others.
        let z = try net.encode(publicSet.all) { $0.learnableRows }
        guard z.allSatisfy({ abs($0) <= Half.max }) else {
            return "it makes macrostates beyond ±\(Half.max) of public texts"
        }
        return settings.collapse.objection(to: Spread(of: z, width: settings.shape.outputs))
    }

    /// 0: macrostates that are foretold better than by a predictor that knows nothing.
    package var acceptedScore: Double { 0 }

    /// Merges the groups over all clients, checks that their frames agree, and gives each client the macrostates of the
    /// one that foretells a text best where that is not itself.
    package func combine(_ step: ScoredStep) throws -> Combination {
        let merged = try step.merged()
        let net = try net(of: merged)
        let width = settings.shape.outputs
        var centroids = RETAdapter.centroids(of: merged, settings)
        let reference = try step.batch.items.map { item in
            try net.encode(publicSet.trajectories[place(of: item.id)], of: publicSet)
        }
        let frame = zip(step.batch.items, reference).flatMap { learnable($1, of: $0.id) }
        let groups = centroids.assign(frame)
        var likeness: [Procrustes] = []
        for client in step.clients {
            let answers = try step.responses(of: client.name).map { try answer($0[0]) }
            let points = zip(step.batch.items, answers).flatMap { learnable($1.z, of: $0.id) }
            likeness.append(Procrustes(points, to: frame, width: width))
        }
        // A constant or an invention is foretold best of all: whose macrostates are far less like the merged encoder's of
        // these very texts than most clients' are, teaches nobody and counts for no group.
        let usual = likeness.map(\.similarity).sorted()[likeness.count / 2]
        let isTrusted = step.clients.indices.map { index in
            likeness[index].similarity >= usual / 2 && step.clients[index].scores.contains { $0[0] > -1 }
        }
        // The best client of each text; of several the first by name.
        let best = step.batch.items.indices.map { item in
            step.clients.indices.filter { isTrusted[$0] }.max {
                step.clients[$0].scores[item][0] < step.clients[$1].scores[item][0]
            }
        }
        var sums = GroupSums([], width: width, groups: [], count: settings.groups)
        var pooled: [Float] = []
        var dynamics = GroupDynamics(groups: settings.groups)
        var targets = step.batch.items.map { _ in [Float]() }
        var (same, error) = (0.0, 0.0)
        for (index, client) in step.clients.enumerated() where isTrusted[index] {
            let answers = try step.responses(of: client.name).map { try answer($0[0]) }
            for item in best.indices where best[item] == index { targets[item] = answers[item].z }
            let z = zip(step.batch.items, answers).map { learnable($1.z, of: $0.id) }
            let claimed = zip(answers, z).flatMap { $0.groups.suffix($1.count / width) }
            let points = z.flatMap { $0 }
            let own = z.map { centroids.assign($0) }
            same += Agreement.nmi(claimed, groups)
            error += answers.reduce(0) { $0 + Double($1.error) } / Double(max(answers.count, 1))
            sums += GroupSums(points, width: width, groups: own.flatMap { $0 }, count: settings.groups)
            for trajectory in own { dynamics.add(trajectory) }
            pooled += Points.thinned(points, width: width, to: max(1, 12_000 / step.clients.count))
        }
        let trusted = Double(max(isTrusted.count { $0 }, 1))
        centroids.move(to: sums)
        centroids = refitted(centroids, to: pooled, round: step.batch.round, step: step.batch.step)
        var pools: [String: ResponsePool] = [:]
        var given = 0
        for (index, client) in step.clients.enumerated() {
            let groups = step.batch.items.indices.map { item in
                let score = best[item].map { step.clients[$0].scores[item][0] } ?? -1
                let helps = gives && best[item] != index && score > client.scores[item][0]
                given += helps ? 1 : 0
                let target = MacrostatePayload.Target(
                    centroids: item == 0 ? centroids.values : [],
                    z: helps ? targets[item] : []
                )
                return PooledGroup(
                    itemID: step.batch.items[item].id,
                    scores: client.scores[item],
                    target: target.bytes
                )
            }
            pools[client.name] = ResponsePool(round: step.batch.round, step: step.batch.step, groups: groups)
        }
        return .pools(
            pools,
            metrics: [
                "ret/similarity_min": likeness.map(\.similarity).min() ?? 0,
                "ret/similarity_unturned_min": likeness.map(\.unturned).min() ?? 0,
                "ret/group_agreement": same / trusted, "ret/next_state_error": error / trusted,
                "ret/untrusted_clients": Double(isTrusted.count { !$0 }),
                "ret/targets": Double(given), "ret/temporal_consistency": dynamics.temporalConsistency,
                "ret/temporal_consistency_chance": dynamics.chanceConsistency,
            ]
        )
    }

    /// A fresh fit of the groups where that is clearly better than the one that moved along with the encoder since round 0, which
    /// may be stuck with two centres in one group, or with a group that has lost its states; its groups get the numbers of those that they have most states of.
    private func refitted(_ centroids: Centroids, to points: [Float], round: Int, step: Int) -> Centroids {
        let width = settings.shape.outputs
        guard points.count >= 10 * settings.groups * width else { return centroids }
        var stream = RandomStream(seed: seed, "refit-groups", round, step)
        let fresh = KMeans.fit(points, width: width, groups: settings.groups, stream: &stream)
        let (old, new) = (centroids.distances(points), fresh.distances(points))
        func total(_ squares: [Float]) -> Double { squares.reduce(0) { $0 + Double($1) } }
        var sizes = [Int](repeating: 0, count: settings.groups)
        for group in old.nearest { sizes[Int(group)] += 1 }
        // Fewer states than a hundredth of an equal share are no group.
        let isEmpty = sizes.contains { $0 * 100 * settings.groups < old.nearest.count }
        guard isEmpty || total(new.squares) < 0.95 * total(old.squares) else { return centroids }
        var meets = [Int](repeating: 0, count: settings.groups * settings.groups)
        for (mine, theirs) in zip(old.nearest, new.nearest) {
            meets[Int(mine) * settings.groups + Int(theirs)] += 1
        }
        var result = centroids
        var (open, left) = (Set(0..<settings.groups), Set(0..<settings.groups))
        for cell in meets.indices.sorted(by: { (meets[$0], $1) > (meets[$1], $0) }) {
            let (number, group) = (cell / settings.groups, cell % settings.groups)
            guard open.contains(number), left.contains(group) else { continue }
            open.remove(number)
            left.remove(group)
            result.values.replaceSubrange(
                number * width..<(number + 1) * width,
                with: fresh.values[group * width..<(group + 1) * width]
            )
        }
        return result
    }

    /// How well the merged macrostates foretell themselves on held-out texts, what their groups are like, and whether they
    /// have collapsed, which vetoes the round.
    package func evaluate(_ adapter: AdapterWeights, round: Int) throws -> Evaluation {
        let net = try net(of: adapter)
        let centroids = RETAdapter.centroids(of: adapter, settings)
        let set: TrajectorySet
        if let made = heldOut {
            set = made
        } else {
            set = try texts.record(heldOutQuestions, set: "held-out", owner: "coordinator")
            heldOut = set
        }
        let reading = try MacrostateEvaluation(net, centroids, set, horizon: settings.learning.horizon.middle)
        // The fresh encoder of round 0 is flat by nature.
        if round >= 0, let objection = settings.collapse.objection(to: reading.spread) {
            throw CollapseFault(objection)
        }
        return reading.evaluation(tokenizer)
    }

    private func net(of adapter: AdapterWeights) throws(AdapterFault) -> MacrostateNet {
        let net = MacrostateNet(shape: settings.shape, width: texts.source.stateWidth)
        try net.load(RETAdapter.net(of: adapter))
        return net
    }

    private func place(of item: String) -> Int {
        guard let place = publicPlace[item] else {
            preconditionFailure("the item '\(item)' is not of this judge's public set")
        }
        return place
    }

    private func learnable(_ z: [Float], of item: String) -> [Float] {
        let trajectory = publicSet.trajectories[place(of: item)]
        let skipped = trajectory.learnableRows.lowerBound - trajectory.rows.lowerBound
        return Array(z[skipped * settings.shape.outputs..<z.count])
    }

    private func answer(_ response: Response) throws(ResponseFault) -> MacrostatePayload.Answer {
        let tokens = publicSet.trajectories[place(of: response.itemID)].tokens.count
        let size = MacrostatePayload.Answer.size(tokens: tokens, width: settings.shape.outputs)
        guard response.payload.count <= size else {
            throw .tooLong(
                item: response.itemID,
                index: response.index,
                length: response.payload.count,
                limit: size
            )
        }
        do throws(MacrostatePayload.Fault) {
            return try MacrostatePayload.Answer(
                response.payload,
                tokens: tokens,
                width: settings.shape.outputs,
                groups: settings.groups
            )
        } catch {
            throw .malformed(item: response.itemID, index: response.index, reason: "it \(error.reason)")
        }
    }
}
