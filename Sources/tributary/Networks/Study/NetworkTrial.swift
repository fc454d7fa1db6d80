internal import Contract
internal import Models
internal import Report
internal import Tasks
internal import Trainers

/// One way to learn.
struct NetworkArm: Sendable {
    /// What tables call it.
    var name: String
    var learning = LearningSettings()
    var words = GraphPolicySettings()

    /// The recipe, with a change.
    init(_ name: String, _ change: (inout NetworkArm) -> Void = { _ in }) {
        self.name = name
        change(&self)
    }

    /// The recipe as it is.
    static let stacca = NetworkArm("STACCA")
    /// MAPPO on the same networks (Yu et al., arXiv:2103.01955): one shared advantage, standardised over the batch. Its
    /// entropy is that of the best of six settings on development seed 0: entropies, rates, minibatches, normalisations.
    static let mappo = NetworkArm("MAPPO-GNN, shared GAE") {
        $0.learning.advantage.kind = .gae
        $0.learning.advantage.normalisation = .batch
        ($0.learning.entropy.start, $0.learning.entropy.end) = (0.05, 0.005)
    }
}

/// A training of an arm on 24 networks of 20 nodes, and what it came to on unseen ones.
struct NetworkTrial: Sendable {
    /// By size, at the end.
    var scores: [HeldOutSize.Score]
    /// The same for the checkpoint with the best return on validation networks; empty if nobody asked.
    var selected: [HeldOutSize.Score] = []
    /// Validation returns on the way.
    var curve: [(iteration: Int, greedy: Double)] = []
    /// What it ends with.
    var policy: TrialPolicy

    /// A policy's arrays and what it takes to use them.
    struct TrialPolicy: Sendable {
        var words: GraphPolicySettings
        var seed: UInt64
        var adapter: AdapterWeights

        /// The policy.
        func policy(_ dynamics: any NetworkDynamics) throws -> GraphPolicy {
            let policy = try ContainmentRecipe.policy(words, dynamics, seed: seed)
            try policy.load(adapter)
            return policy
        }
    }

    /// What is tried.
    struct Plan: Sendable {
        var dynamics: any NetworkDynamics = ContainmentRecipe.dynamics
        var iterations = ContainmentRecipe.iterations
        /// The sizes to measure on, with graphs of each family and episodes on each.
        var sizes: [(nodes: Int, graphs: Int, episodes: Int)]
        var selects = false
    }

    /// Trains and measures.
    init(_ arm: NetworkArm, _ plan: Plan, seed: UInt64) throws {
        func views(_ purpose: ContainmentRecipe.Purpose) throws -> [NetworkView] {
            try ContainmentRecipe.networks(
                ContainmentRecipe.trained,
                nodes: 20,
                count: 8,
                purpose,
                seed: seed
            ).map { try NetworkView($0, plan.dynamics) }
        }
        let learner = PolicyLearner(
            try ContainmentRecipe.policy(arm.words, plan.dynamics, seed: seed),
            pool: try views(.training),
            settings: arm.learning,
            seed: seed,
            name: "study"
        )
        let validation = HeldOutEpisodes(try views(.validation), seed: seed, count: 1)
        var best = (greedy: -Double.infinity, adapter: learner.policy.adapter)
        for iteration in 0..<plan.iterations {
            _ = learner.iterate(iteration)
            guard plan.selects, iteration % 10 == 9 else { continue }
            let greedy = validation.returns(learner.policy, .greedy).mean ?? .nan
            curve.append((iteration + 1, greedy))
            if greedy > best.greedy { best = (greedy, learner.policy.adapter) }
        }
        let held = try plan.sizes.map {
            try HeldOutSize(
                nodes: $0.nodes,
                graphs: $0.graphs,
                episodes: $0.episodes,
                seed: seed,
                dynamics: plan.dynamics
            )
        }
        policy = TrialPolicy(words: arm.words, seed: seed, adapter: learner.policy.adapter)
        scores = held.map { $0.score(learner.policy) }
        if plan.selects {
            try learner.policy.load(best.adapter)
            selected = held.map { $0.score(learner.policy) }
        }
    }

    /// Trials of all arms and seeds, two at a time: by arm, then by seed.
    static func all(
        _ arms: [NetworkArm],
        _ plan: Plan,
        seeds: [UInt64],
        _ progress: @Sendable (String) -> Void
    ) async throws -> [[NetworkTrial]] {
        let jobs = arms.flatMap { arm in seeds.map { (arm: arm, seed: $0) } }
        let trials = try await withoutActuallyEscaping(progress) { progress in
            try await inPairs(jobs) { job -> NetworkTrial in
                let trial = try NetworkTrial(job.arm, plan, seed: job.seed)
                progress(
                    "\(job.arm.name), seed \(job.seed): \(twoDecimals(trial.scores[0].gap)) above the best hop rule at "
                        + "\(plan.sizes[0].nodes) nodes"
                )
                return trial
            }
        }
        return arms.indices.map { Array(trials[$0 * seeds.count..<($0 + 1) * seeds.count]) }
    }
}

extension StudyTable {
    /// A row for each arm, with a cell for each column.
    init(
        _ title: String,
        caption: String,
        _ arms: [NetworkArm],
        _ trials: [[NetworkTrial]],
        columns: [(String, (NetworkTrial) -> Double)]
    ) {
        self.init(
            title,
            caption: caption,
            header: ["arm"] + columns.map { $0.0 },
            rows: zip(arms, trials).map { arm, trials in
                [.text(arm.name)] + columns.map { column in .spread(trials.map { column.1($0) }) }
            }
        )
    }
}
