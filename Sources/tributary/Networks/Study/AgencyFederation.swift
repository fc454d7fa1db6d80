internal import Contract
internal import Tasks
internal import Trainers

/// A federation of the study, from the trainer and the judge that the product has, in one process.
struct AgencyFederation {
    /// One way to run it.
    enum Variant: Sendable, Hashable, CaseIterable {
        /// Plain means of all weights.
        case plain
        /// A public step each round, in which whoever does worse than most learns from the best.
        case publicSteps
        /// The critic's last map stays with each member.
        case localHead
        /// Low-rank factors beside frozen maps.
        case lowRank
        /// One member sends the opposite of what it learnt.
        case opposed

        /// What tables call it.
        var title: String {
            switch self {
            case .plain: "federated"
            case .publicSteps: "federated, with public steps"
            case .localHead: "federated, critic's head at home"
            case .lowRank: "federated, LoRA of rank 8"
            case .opposed: "federated, one member's updates reversed"
            }
        }
    }

    let agencies: [Agency]
    let variant: Variant
    let seed: UInt64
    let rounds: Int

    /// The iterations of a round.
    static let perRound = 5
    /// The episodes of an iteration at each member.
    static let episodes = 4

    /// The policy it ends with.
    func policy() throws -> GraphPolicy {
        let settings = try settings()
        let run = try run(settings)
        let judge = try STACCAJudge(
            settings: settings,
            context: CoordinatorContext(
                run: run,
                publicData: try Agency.publicData(agencies, seed: seed),
                evaluationData: try agencies[0].data(seed: seed)
            )
        )
        let members = try agencies.map { agency in
            try STACCATrainer(
                settings: settings,
                context: ClientContext(run: run, name: agency.name, data: try agency.data(seed: seed))
            )
        }
        var merged = try judge.initialAdapter().travelling
        for round in 0..<rounds {
            for member in members { try member.beginRound(round, adapter: merged) }
            for step in 0..<run.schedule.stepsPerRound {
                if run.schedule.isPublic(step) {
                    try share(judge.batch(round: round, step: step), judge, members)
                } else {
                    for member in members {
                        _ = try member.adapt(StepPlan(round: round, steps: step..<step + 1)) { _ in }
                    }
                }
            }
            var learnt = members.map(\.adapter.travelling)
            if variant == .opposed { learnt[0] = Self.reversed(learnt[0], from: merged) }
            merged = Self.mean(learnt)
        }
        let policy = try ContainmentRecipe.policy(words, seed: seed, localHead: variant == .localHead)
        try policy.load(merged)
        return policy
    }

    /// What both networks are made of.
    var words: GraphPolicySettings {
        var words = GraphPolicySettings()
        words.model.seesCircumstances = agencies.contains { !$0.circumstances.values.isEmpty }
        if variant == .lowRank { (words.adapter.rank, words.adapter.alpha) = (8, 16) }
        return words
    }

    private func settings() throws -> STACCASettings {
        var settings = STACCASettings()
        settings.learning.episodes = Self.episodes
        settings.keepMoments = true
        settings.localCriticHead = variant == .localHead
        settings.evaluationEpisodes = 1
        return settings
    }

    private func run(_ settings: STACCASettings) throws -> RunContext {
        let isPublic = variant == .publicSteps
        return RunContext(
            seed: seed,
            schedule: Schedule(
                stepsPerRound: Self.perRound + (isPublic ? 1 : 0),
                localPerPublic: isPublic ? Self.perRound : nil
            ),
            clients: agencies.map(\.name),
            settings: try Mapping(json: settings.json()),
            model: try Mapping(json: words.model.json()),
            adapter: try Mapping(json: words.adapter.json())
        )
    }

    private func share(_ batch: PublicBatch, _ judge: STACCAJudge, _ members: [STACCATrainer]) throws {
        let order = agencies.indices.sorted { agencies[$0].name < agencies[$1].name }
        var responses: [String: [[Response]]] = [:]
        var clients: [(name: String, scores: [[Double]])] = []
        for place in order {
            let name = agencies[place].name
            let flat = try members[place].respond(to: batch)
            let own = batch.items.map { item in flat.filter { $0.itemID == item.id } }
            let sender = Sender(name, merged: { members[place].adapter }, adapter: { members[place].adapter })
            clients.append((name, try judge.score(own, to: batch, from: sender)))
            responses[name] = own
        }
        let step = ScoredStep(
            batch: batch,
            clients: clients,
            merged: { members[0].adapter },
            responses: { responses[$0] ?? [] }
        )
        guard case .pools(let pools, _) = try judge.combine(step) else { return }
        for place in order {
            if let pool = pools[agencies[place].name] { _ = try members[place].absorb(pool) }
        }
    }

    private static func reversed(_ adapter: AdapterWeights, from start: AdapterWeights) -> AdapterWeights {
        AdapterWeights(
            zip(adapter.arrays, start.arrays).map { array, before in
                var array = array
                array.values = zip(array.values, before.values).map { 2 * $1 - $0 }
                return array
            }
        )
    }

    private static func mean(_ adapters: [AdapterWeights]) -> AdapterWeights {
        AdapterWeights(
            adapters[0].arrays.enumerated().map { place, array in
                var array = array
                let all = adapters.map { $0.arrays[place].values }
                array.values = array.values.indices.map { index in
                    Float(all.reduce(0.0) { $0 + Double($1[index]) } / Double(all.count))
                }
                return array
            }
        )
    }
}
