internal import Contract
internal import Report
internal import Tasks
internal import Trainers

/// The main table: policies learnt on networks of 20 nodes, measured on unseen ones of several sizes, beside rules.
struct Containment: StudyExperiment {
    let name = "containment"
    let title = "Containing an epidemic on networks that were never seen"
    /// Edge lists and the like that policies are measured on as well.
    var files: [String] = []

    /// The arms; the first one is the method.
    static var arms: [NetworkArm] {
        [.stacca, .mappo, NetworkArm("κ = 1") { $0.words.model.receptiveField = 1 }]
    }

    /// A size with its graphs of each family and episodes of each graph.
    private static func sizes(_ isQuick: Bool) -> [(nodes: Int, graphs: Int, episodes: Int)] {
        isQuick ? [(20, 6, 4), (40, 6, 4)] : [(20, 12, 8), (40, 12, 8), (80, 6, 4), (200, 3, 2)]
    }

    /// What the trials of all arms came to.
    private struct Results {
        var arms: [NetworkArm]
        /// By arm, then by seed.
        var trials: [[NetworkTrial]]
        /// By seed, then by size.
        var held: [[HeldOutSize]]
        var sizes: [(nodes: Int, graphs: Int, episodes: Int)]

        /// A value of an arm at a size, for each seed.
        func values(_ arm: Int, _ size: Int, _ value: (HeldOutSize.Score) -> Double) -> [Double] {
            trials[arm].map { value($0.scores[size]) }
        }

        /// Its mean.
        func mean(_ arm: Int, _ size: Int, _ value: (HeldOutSize.Score) -> Double) -> Double {
            values(arm, size, value).mean ?? .nan
        }
    }

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let sizes = Self.sizes(options.isQuick)
        let arms = options.isQuick ? [Self.arms[0], Self.arms[2]] : Self.arms
        let plan = NetworkTrial.Plan(sizes: sizes, selects: true)
        let results = Results(
            arms: arms,
            trials: try await NetworkTrial.all(arms, plan, seeds: options.seeds, progress),
            held: try options.seeds.map { seed in
                try sizes.map {
                    try HeldOutSize(nodes: $0.nodes, graphs: $0.graphs, episodes: $0.episodes, seed: seed)
                }
            },
            sizes: sizes
        )
        var section = section(results, options)
        section.tables.append(
            try RealNetworks(files: files).table(results.trials[0], isQuick: options.isQuick)
        )
        return section
    }

    private func section(_ results: Results, _ options: StudyOptions) -> StudySection {
        StudySection(
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
            tables: tables(results, options),
            figures: [curves(results)],
            checks: checks(results, options),
            remarks: [
                "What can be concluded: what this policy learns in this environment, of our making. Not: anything about the "
                    + "paper's own experiments, whose constants and figures are not known to us.",
                "Arms differ in nothing but what they are called after; MAPPO-GNN also has its own normalisation, and its entropy "
                    + "was chosen for it.",
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

    private static var rules: [(String, (HeldOutSize) -> Double)] {
        ["none", "random-0.5", "degree-0.25", "all", "h1", "h2", "h3", "h4"].map { name in
            (name, { $0.rule(name) })
        }
            + [
                ("best hop rule of each family", { $0.bestHops }),
                ("hand: within 1, or within 4 and below full protection", { $0.rule(NetworkRule.hand.name) }),
            ]
    }

    private func tables(_ results: Results, _ options: StudyOptions) -> [StudyTable] {
        func table(
            _ title: String,
            _ caption: String,
            rules: [(String, (HeldOutSize) -> Double)] = [],
            selected: Bool = false,
            _ value: (HeldOutSize.Score) -> Double
        ) -> StudyTable {
            StudyTable(
                title,
                caption: caption,
                header: ["policy"] + results.sizes.map { "n = \($0.nodes)" },
                rows: rules.map { name, rule in
                    [.text(name)]
                        + results.sizes.indices.map { size in .spread(results.held.map { rule($0[size]) }) }
                }
                    + results.arms.indices.map { arm in
                        [.text(results.arms[arm].name)]
                            + results.sizes.indices.map { size in
                                .spread(
                                    results.trials[arm].map {
                                        value(selected ? $0.selected[size] : $0.scores[size])
                                    }
                                )
                            }
                    }
            )
        }
        return [
            table(
                "Return of the likelier actions",
                "Discounted team return, mean over four families; over \(options.seeds.count) seeds, least and greatest. No checkpoint is selected.",
                rules: Self.rules
            ) { $0.greedy },
            table("Return of drawn actions", "The policy as it is trained.") { $0.sampled },
            table(
                "Likelier actions less the best hop rule",
                "The rule is chosen for each seed, size and family on the test networks themselves."
            ) { $0.gap },
            table(
                "The same of a selected checkpoint",
                "The one of every ten iterations with the best return on validation networks.",
                selected: true
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
        ]
    }

    private func curves(_ results: Results) -> Figure {
        Figure(
            "Validation return by iteration",
            caption:
                "Likelier actions on validation networks of the trained families; means over seeds. From 30 on, once all have learnt something.",
            .lines(
                Figure.Lines(
                    xName: "iteration",
                    yName: "discounted return",
                    series: zip(results.arms, results.trials).map { arm, trials in
                        let iterations = trials.first?.curve.map(\.iteration).filter { $0 >= 30 } ?? []
                        return Figure.Lines.Series(
                            arm.name,
                            x: iterations.map(Double.init),
                            y: iterations.map { iteration in
                                trials.compactMap { trial in
                                    trial.curve.first { $0.iteration == iteration }?.greedy
                                }.mean ?? .nan
                            }
                        )
                    }
                )
            )
        )
    }

    private func checks(_ results: Results, _ options: StudyOptions) -> [StudyCheck] {
        let sizes = results.sizes
        var checks = sizes.indices.map { size in
            StudyCheck(
                "n = \(sizes[size].nodes): likelier actions less the best hop rule, mean",
                found: results.mean(0, size) { $0.gap },
                expected: .atLeast(0.02)
            )
        }
        checks += sizes.indices.map { size in
            StudyCheck(
                "n = \(sizes[size].nodes): the same less the hand rule",
                found: results.mean(0, size) { $0.handGap },
                expected: .atLeast(0)
            )
        }
        let recipe = results.trials[0]
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
        for (place, arm) in results.arms.enumerated().dropFirst() {
            let isView = arm.name == "κ = 1"
            checks.append(
                StudyCheck(
                    "n = 20: \(NetworkArm.stacca.name) less \(arm.name), likelier actions",
                    found: results.mean(0, 0) { $0.greedy } - results.mean(place, 0) { $0.greedy },
                    expected: .atLeast(isView ? 0.3 : 0.02)
                )
            )
            checks.append(
                StudyCheck(
                    "n = 20: \(NetworkArm.stacca.name) less \(arm.name), drawn actions",
                    found: results.mean(0, 0) { $0.sampled } - results.mean(place, 0) { $0.sampled },
                    expected: .atLeast(0.1)
                )
            )
        }
        return checks
    }
}
