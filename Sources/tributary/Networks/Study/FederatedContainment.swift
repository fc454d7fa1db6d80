internal import Aggregation
internal import Contract
internal import Report
internal import Tasks
internal import Trainers

/// Four members, each with two networks of one family, that average what they learn: beside each on its own, and beside all
/// networks in one place.
struct FederatedContainment: StudyExperiment {
    let name = "federated"
    let title = "Four members with two networks each"

    private static let perRound = 10
    private static let graphs = 2
    private static let families = NetworkFamily.standard
    /// What acting costs: that of the main table, and one at which the best rule looks less far on some families than on
    /// others.
    private static let costs = [0.06, 0.1]

    private static func dynamics(_ cost: Double) -> EpidemicDynamics {
        var dynamics = ContainmentRecipe.dynamics
        dynamics.cost = cost
        return dynamics
    }

    /// What an arm came to over all families.
    private struct Score: Sendable {
        var name: String
        var small: HeldOutSize.Score
        var large: HeldOutSize.Score
    }

    /// One seed's arms.
    private struct Run: Sendable {
        var scores: [Score]
    }

    private static func learning(episodes: Int) -> LearningSettings {
        var settings = LearningSettings()
        settings.episodes = episodes
        return settings
    }

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let isQuick = options.isQuick
        let seeds = options.seeds
        let rounds = isQuick ? 6 : 15
        let costs = isQuick ? [Self.costs[0]] : Self.costs
        let jobs = costs.flatMap { cost in
            seeds.flatMap { seed in Self.arms.map { Job(cost: cost, seed: seed, arm: $0) } }
        }
        let scores = try await withoutActuallyEscaping(progress) { progress in
            try await inPairs(jobs) { job -> Score in
                let score = try Self.score(
                    of: Self.learnt(job.arm, Self.dynamics(job.cost), seed: job.seed, rounds: rounds),
                    job,
                    isQuick: isQuick
                )
                progress(
                    "cost \(job.cost), seed \(job.seed), \(job.arm.name): \(twoDecimals(score.small.greedy))"
                )
                return score
            }
        }
        let runs = jobs.indices.filter { $0 % Self.arms.count == 0 }.map {
            Run(scores: Array(scores[$0..<$0 + Self.arms.count]))
        }
        let results = costs.indices.map { place in
            (cost: costs[place], runs: Array(runs[place * seeds.count..<(place + 1) * seeds.count]))
        }
        return section(results, seeds, rounds)
    }

    /// Who learns together.
    private enum Arm: Sendable, Hashable {
        case alone(Int)
        case federated
        case pooled

        var name: String {
            switch self {
            case .alone(let place): "\(FederatedContainment.families[place].name) alone"
            case .federated: "federated"
            case .pooled: "all networks in one place"
            }
        }
    }

    private static var arms: [Arm] { families.indices.map { .alone($0) } + [.federated, .pooled] }

    private struct Job: Sendable {
        var cost: Double
        var seed: UInt64
        var arm: Arm
    }

    /// The policy that an arm ends with.
    private static func learnt(
        _ arm: Arm,
        _ dynamics: EpidemicDynamics,
        seed: UInt64,
        rounds: Int
    ) throws -> GraphPolicy {
        guard arm == .federated else {
            var place: Int?
            if case .alone(let own) = arm { place = own }
            let learner = try learner(place, dynamics, episodes: place == nil ? 16 : 4, seed: seed)
            for iteration in 0..<rounds * perRound { _ = learner.iterate(iteration) }
            return learner.policy
        }
        let members = try families.indices.map { try learner($0, dynamics, episodes: 4, seed: seed) }
        for round in 0..<rounds {
            for place in members.indices {
                members[place].restartOptimisers()
                for step in 0..<perRound { _ = members[place].iterate(round * perRound + step) }
            }
            let merged = mean(members.map(\.policy.adapter))
            for member in members { try member.policy.load(merged) }
        }
        return members[0].policy
    }

    private static func score(of policy: GraphPolicy, _ job: Job, isQuick: Bool) throws -> Score {
        func score(_ nodes: Int) throws -> HeldOutSize.Score {
            try HeldOutSize(
                nodes: nodes,
                graphs: isQuick ? 4 : 12,
                episodes: isQuick ? 4 : 8,
                seed: job.seed,
                dynamics: dynamics(job.cost)
            ).score(policy)
        }
        return Score(name: job.arm.name, small: try score(20), large: try score(40))
    }

    private static func learner(
        _ place: Int?,
        _ dynamics: EpidemicDynamics,
        episodes: Int,
        seed: UInt64
    ) throws -> PolicyLearner {
        let own = place.map { [families[$0]] } ?? families
        let networks = try ContainmentRecipe.networks(own, nodes: 20, count: graphs, .training, seed: seed)
        return PolicyLearner(
            try ContainmentRecipe.policy(GraphPolicySettings.ModelWords(), seed: seed),
            pool: networks.map { NetworkView($0, dynamics) },
            settings: learning(episodes: episodes),
            seed: seed,
            name: place.map { families[$0].name } ?? "pooled"
        )
    }

    private static func mean(_ adapters: [AdapterWeights]) -> AdapterWeights {
        AdapterWeights(
            adapters[0].arrays.map { array in
                var array = array
                let all = adapters.compactMap { $0[array.name]?.values }
                array.values = array.values.indices.map { index in
                    Float(all.reduce(0.0) { $0 + Double($1[index]) } / Double(all.count))
                }
                return array
            }
        )
    }

    // MARK: - Results

    private func section(
        _ results: [(cost: Double, runs: [Run])],
        _ seeds: [UInt64],
        _ rounds: Int
    ) -> StudySection {
        let names = results[0].runs[0].scores.map(\.name)
        func values(
            _ runs: [Run],
            _ name: String,
            _ value: (HeldOutSize.Score, HeldOutSize.Score) -> Double
        ) -> [Double] {
            runs.compactMap { run in
                run.scores.first { $0.name == name }.map { value($0.small, $0.large) }
            }
        }
        let locals = names.filter { $0.hasSuffix("alone") }
        func checks(_ cost: Double, _ runs: [Run]) -> [StudyCheck] {
            func greedy(_ name: String) -> [Double] { values(runs, name) { small, _ in small.greedy } }
            let federated = greedy("federated")
            let alone = locals.map(greedy)
            let best = runs.indices.map { run in alone.map { $0[run] }.max() ?? .nan }
            let middle = runs.indices.map { run in alone.map { $0[run] }.mean ?? .nan }
            return [
                StudyCheck(
                    "cost \(cost): federated less the best member alone (chosen on the test networks), mean",
                    found: zip(federated, best).map { $0 - $1 }.mean ?? .nan,
                    expected: .atLeast(0)
                ),
                StudyCheck(
                    "cost \(cost): federated less the mean of members alone",
                    found: zip(federated, middle).map { $0 - $1 }.mean ?? .nan,
                    expected: .atLeast(0.02)
                ),
                StudyCheck(
                    "cost \(cost): federated loss over that of one place",
                    found: zip(federated, greedy("all networks in one place")).map { $0 / $1 }.mean ?? .nan,
                    expected: .atMost(1.05)
                ),
            ]
        }
        return StudySection(
            name: name,
            title: title,
            claims: [
                StudyClaim(
                    .notes,
                    "In a prototype, federation equalled the best member alone and did not beat it."
                )
            ],
            settings: [
                Setting(
                    "members",
                    "barabasiAlbert, wattsStrogatz, erdosRenyi and grid, two networks of 20 nodes each"
                ),
                Setting(
                    "schedule",
                    "\(rounds) rounds of \(Self.perRound) iterations of 4 episodes; plain means; Adam starts anew each round, the value "
                        + "normaliser stays; no public steps"
                ),
                Setting("one place", "16 episodes an iteration, as many iterations"),
            ],
            tables: results.map { cost, runs in
                StudyTable(
                    "Return over all four families, cost \(cost)",
                    caption:
                        "Unseen networks; likelier and drawn actions at the end, no selection. \(seeds.count) seeds.",
                    header: [
                        "policy", "n = 20", "drawn, n = 20", "n = 40", "less the best hop rule, n = 20",
                    ],
                    rows: names.map { name in
                        [
                            .text(name), .spread(values(runs, name) { small, _ in small.greedy }),
                            .spread(values(runs, name) { small, _ in small.sampled }),
                            .spread(values(runs, name) { _, large in large.greedy }),
                            .spread(values(runs, name) { small, _ in small.gap }),
                        ]
                    }
                )
            },
            checks: results.flatMap { checks($0.cost, $0.runs) },
            remarks: [
                "What can be concluded: what averaging does where members differ by the family of their networks, which at the lower "
                    + "cost one good policy serves. Not: what it does where environments differ."
            ]
        )
    }
}
