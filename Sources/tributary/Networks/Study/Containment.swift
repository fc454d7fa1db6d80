internal import Contract
internal import Report
internal import Tasks
internal import Trainers

/// The main table: policies learnt on networks of 20 nodes, measured on unseen ones of several sizes, beside rules.
struct Containment: StudyExperiment {
    let name = "containment"
    let title = "Containing an epidemic on networks that were never seen"

    /// One way to learn.
    struct Arm: Sendable {
        var name: String
        var learning = LearningSettings()
        var words = GraphPolicySettings.ModelWords()

        init(_ name: String, _ change: (inout Arm) -> Void = { _ in }) {
            self.name = name
            change(&self)
        }
    }

    static let recipe = "STACCA"
    private static let quick = [recipe, "κ = 1"]

    static var arms: [Arm] {
        [
            Arm(recipe),
            Arm("shared GAE") {
                $0.learning.advantage.kind = .gae
                $0.learning.advantage.normalisation = .batch
                $0.learning.entropy.start = 0.05
            },
            Arm("counterfactual alone") { $0.learning.advantage.kind = .counterfactual },
            Arm("K = 1") { $0.learning.advantage.horizon = 1 },
            Arm("each time step scaled") { $0.learning.advantage.normalisation = .tscale },
            Arm("κ = 1") { $0.words.receptiveField = 1 },
            Arm("κ = 2") { $0.words.receptiveField = 2 },
            Arm("critic without transformer") { $0.words.criticLayers = 0 },
        ]
    }

    /// A size with its graphs of each family and episodes of each graph.
    private static func sizes(_ isQuick: Bool) -> [(nodes: Int, graphs: Int, episodes: Int)] {
        isQuick ? [(20, 6, 4), (40, 6, 4)] : [(20, 12, 8), (40, 12, 8), (80, 6, 4), (200, 3, 2)]
    }

    /// What one training came to.
    private struct Run: Sendable {
        var scores: [HeldOutSize.Score]
        var curve: [(iteration: Int, greedy: Double)]
    }

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let isQuick = options.isQuick
        let arms = Self.arms.filter { !isQuick || Self.quick.contains($0.name) }
        let jobs = options.seeds.flatMap { seed in arms.indices.map { (seed: seed, arm: $0) } }
        let runs = try await withoutActuallyEscaping(progress) { progress in
            try await inPairs(jobs) { job -> Run in
                let run = try Self.train(arms[job.arm], seed: job.seed, isQuick: isQuick)
                progress(
                    "seed \(job.seed), \(arms[job.arm].name): \(twoDecimals(run.scores[0].gap)) above the best hop rule "
                        + "at \(Self.sizes(isQuick)[0].nodes) nodes"
                )
                return run
            }
        }
        let held = try options.seeds.map { seed in
            try Self.sizes(isQuick).map {
                try HeldOutSize(nodes: $0.nodes, graphs: $0.graphs, episodes: $0.episodes, seed: seed)
            }
        }
        let byArm = arms.indices.map { arm in
            options.seeds.indices.map { runs[$0 * arms.count + arm] }
        }
        return section(arms, byArm, held, options)
    }

    private static func train(_ arm: Arm, seed: UInt64, isQuick: Bool) throws -> Run {
        let policy = try ContainmentRecipe.policy(arm.words, seed: seed)
        let pool = try ContainmentRecipe.networks(
            ContainmentRecipe.trained,
            nodes: 20,
            count: 8,
            .training,
            seed: seed
        )
        let learner = PolicyLearner(
            policy,
            pool: pool.map { NetworkView($0, ContainmentRecipe.dynamics) },
            settings: arm.learning,
            seed: seed,
            name: "study"
        )
        let validation = try ContainmentRecipe.networks(
            ContainmentRecipe.trained,
            nodes: 20,
            count: 8,
            .validation,
            seed: seed
        )
        let views = validation.map { NetworkView($0, ContainmentRecipe.dynamics) }
        let episodes = HeldOutEpisodes(views, seed: seed, count: 1)
        var curve: [(iteration: Int, greedy: Double)] = []
        for iteration in 0..<ContainmentRecipe.iterations {
            _ = learner.iterate(iteration)
            if iteration % 10 == 9 {
                curve.append((iteration + 1, episodes.returns(policy, .greedy).mean ?? .nan))
            }
        }
        let scores = try sizes(isQuick).map {
            try HeldOutSize(nodes: $0.nodes, graphs: $0.graphs, episodes: $0.episodes, seed: seed).score(
                policy
            )
        }
        return Run(scores: scores, curve: curve)
    }

    // MARK: - Results

    private func section(
        _ arms: [Arm],
        _ runs: [[Run]],
        _ held: [[HeldOutSize]],
        _ options: StudyOptions
    ) -> StudySection {
        let sizes = Self.sizes(options.isQuick)
        func values(_ arm: Int, _ size: Int, _ value: (HeldOutSize.Score) -> Double) -> [Double] {
            runs[arm].map { value($0.scores[size]) }
        }
        func table(
            _ title: String,
            _ caption: String,
            rules: [(String, (HeldOutSize) -> Double)] = [],
            _ value: (HeldOutSize.Score) -> Double
        ) -> StudyTable {
            StudyTable(
                title,
                caption: caption,
                header: ["policy"] + sizes.map { "n = \($0.nodes)" },
                rows: rules.map { name, rule in
                    [.text(name)] + sizes.indices.map { size in .spread(held.map { rule($0[size]) }) }
                }
                    + arms.indices.map { arm in
                        [.text(arms[arm].name)] + sizes.indices.map { .spread(values(arm, $0, value)) }
                    }
            )
        }
        let rules: [(String, (HeldOutSize) -> Double)] =
            ["none", "all", "h1", "h2", "h3", "h4"].map { name in (name, { $0.rule(name) }) } + [
                ("best hop rule of each family", { $0.bestHops }),
                ("hand: within 1, or within 4 and below full protection", { $0.rule(NetworkRule.hand.name) }),
            ]
        return StudySection(
            name: name,
            title: title,
            claims: [
                StudyClaim(
                    .paper,
                    "One policy, shared by all nodes, generalises to other networks and scales (abstract; no figures are known)."
                ),
                StudyClaim(
                    .notes,
                    "A prototype tied with the best hop rule, and was not clearly above it."
                ),
            ],
            settings: settings,
            tables: [
                table(
                    "Return of the likelier actions",
                    "Discounted team return, mean over four families; over \(options.seeds.count) seeds, least and greatest. No checkpoint is selected.",
                    rules: rules
                ) { $0.greedy },
                table("Return of drawn actions", "The policy as it is trained.") { $0.sampled },
                table(
                    "Likelier actions less the best hop rule",
                    "The rule is chosen for each seed, size and family on the test networks themselves."
                ) { $0.gap },
                table("Drawn actions less the best hop rule", "The same of drawn actions.") { $0.sampledGap },
                table(
                    "Likelier actions less the hand rule",
                    "A rule that uses a node's own protection, which hop rules do not."
                ) { $0.handGap },
                table(
                    "The grid alone, which no training saw: less the best hop rule",
                    "Likelier actions."
                ) { $0.gridGap },
            ],
            figures: [curves(arms, runs)],
            checks: checks(arms, runs, options),
            remarks: [
                "What can be concluded: what this policy learns in this environment, of our making. Not: anything about the "
                    + "paper's own experiments, whose constants and figures are not known to us, nor that counterfactual credit is needed: "
                    + "see the row of shared GAE.",
                "Arms differ in nothing but what they are called after; shared GAE also has its own normalisation and entropy. None "
                    + "was tuned for long.",
            ] + (options.isQuick ? ["--quick has one seed, two arms and two sizes."] : [])
        )
    }

    private var settings: [Setting] {
        let dynamics = ContainmentRecipe.dynamics
        return [
            Setting(
                "epidemic",
                "SIS, β \(dynamics.transmission), δ \(dynamics.recovery), η \(dynamics.efficacy), τ \(dynamics.ramp), cost "
                    + "\(dynamics.cost), 5 % infected at the start, \(dynamics.horizon) steps, γ \(dynamics.discount)"
            ),
            Setting(
                "training",
                "\(ContainmentRecipe.iterations) iterations of 12 episodes on 24 networks of 20 nodes"
            ),
            Setting(
                "policy",
                "one GAT and one transformer layer of width 24, κ = 4; nodes see no other node's protection"
            ),
        ]
    }

    private func curves(_ arms: [Arm], _ runs: [[Run]]) -> Figure {
        Figure(
            "Validation return by iteration",
            caption:
                "Likelier actions on validation networks of the trained families; means over seeds. From 30 on, once all have learnt something.",
            .lines(
                Figure.Lines(
                    xName: "iteration",
                    yName: "discounted return",
                    series: arms.indices.map { arm in
                        let iterations = runs[arm].first?.curve.map(\.iteration).filter { $0 >= 30 } ?? []
                        return Figure.Lines.Series(
                            arms[arm].name,
                            x: iterations.map(Double.init),
                            y: iterations.map { iteration in
                                runs[arm].compactMap { run in
                                    run.curve.first { $0.iteration == iteration }?.greedy
                                }.mean ?? .nan
                            }
                        )
                    }
                )
            )
        )
    }

    private func checks(_ arms: [Arm], _ runs: [[Run]], _ options: StudyOptions) -> [StudyCheck] {
        let sizes = Self.sizes(options.isQuick)
        func place(_ name: String) -> Int? { arms.firstIndex { $0.name == name } }
        func mean(_ name: String, _ size: Int, _ value: (HeldOutSize.Score) -> Double) -> Double {
            place(name).flatMap { runs[$0].map { value($0.scores[size]) }.mean } ?? .nan
        }
        var checks = sizes.indices.map { size in
            StudyCheck(
                "n = \(sizes[size].nodes): likelier actions less the best hop rule, mean",
                found: mean(Self.recipe, size) { $0.gap },
                expected: .atLeast(0.02)
            )
        }
        checks += sizes.indices.map { size in
            StudyCheck(
                "n = \(sizes[size].nodes): the same less the hand rule",
                found: mean(Self.recipe, size) { $0.handGap },
                expected: .atLeast(0)
            )
        }
        let recipe = runs[place(Self.recipe) ?? 0]
        checks.append(
            StudyCheck(
                "n = 20: seeds above the best hop rule",
                found: Double(recipe.count { $0.scores[0].gap > 0 }),
                expected: .atLeast(Double(options.seeds.count))
            )
        )
        checks.append(
            StudyCheck(
                "no drift: validation return at the end less the best of the way, mean",
                found: recipe.map { ($0.curve.last?.greedy ?? .nan) - ($0.curve.map(\.greedy).max() ?? .nan) }
                    .mean ?? .nan,
                expected: .atLeast(-0.05)
            )
        )
        checks.append(
            StudyCheck(
                "κ = 4 less κ = 1, n = 20",
                found: mean(Self.recipe, 0) { $0.greedy } - mean("κ = 1", 0) { $0.greedy },
                expected: .atLeast(0.3)
            )
        )
        guard place("shared GAE") != nil else { return checks }
        checks.append(
            StudyCheck(
                "drawn actions: STACCA less shared GAE, n = 20",
                found: mean(Self.recipe, 0) { $0.sampled } - mean("shared GAE", 0) { $0.sampled },
                expected: .atLeast(0.1)
            )
        )
        checks.append(
            StudyCheck(
                "likelier actions: STACCA less shared GAE, n = 20",
                found: mean(Self.recipe, 0) { $0.greedy } - mean("shared GAE", 0) { $0.greedy },
                expected: .atLeast(0.02)
            )
        )
        return checks
    }
}
