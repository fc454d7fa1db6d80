internal import Contract
internal import Models
internal import Report
internal import Tasks
internal import Trainers

/// A rumour that takes several neighbours, under three kinds of attention.
struct ThresholdRumour: StudyExperiment {
    let name = "rumour"
    let title = "A rumour that takes several neighbours, and kinds of attention"

    private static var arms: [NetworkArm] {
        func arm(_ name: String, actor: AnyAttention, critic: AnyAttention) -> NetworkArm {
            NetworkArm(name) {
                $0.words.model.attention = actor
                $0.words.model.criticAttention = critic
            }
        }
        let features = AnyAttention(HyperFeatureAttention())
        let triples = AnyAttention(HyperAttention(form: .exact))
        let linear = AnyAttention(HyperAttention())
        return [
            arm("softmax", actor: .softmax, critic: .softmax),
            arm("HyperFeatureAttention in both", actor: features, critic: features),
            arm("HyperAttention in both, exact", actor: triples, critic: triples),
            arm("HyperAttention in the critic, linear", actor: .softmax, critic: linear),
            arm("no transformer in either", actor: .softmax, critic: .softmax),
        ]
    }

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let seeds = Array(options.seeds.prefix(3))
        let dynamics = RumourDynamics(model: .threshold)
        var arms = Self.arms
        arms[4].words.model.layers = 0
        arms[4].words.model.receptiveField = 1
        arms = options.isQuick ? [] : arms
        let plan = NetworkTrial.Plan(dynamics: dynamics, iterations: 100, sizes: [(20, 12, 8), (40, 12, 8)])
        let trials = try await NetworkTrial.all(arms, plan, seeds: seeds, progress)
        let held = try (options.isQuick ? [] : seeds).map {
            try HeldOutSize(nodes: 20, graphs: 12, episodes: 8, seed: $0, dynamics: dynamics)
        }
        let rules = ["none", "all", "h0", "h1", "h2"].map { name -> [StudyTable.Cell] in
            [.text(name), .spread(held.map { $0.rule(name) }), .none, .none, .none]
        }
        return StudySection(
            name: name,
            title: title,
            claims: [
                StudyClaim(
                    .notes,
                    "Passing on by pairs of neighbours is where attention to pairs should help; not measured before."
                )
            ],
            settings: [
                Setting(
                    "rumour",
                    "threshold, λ \(dynamics.spreading), α \(dynamics.stifling), η \(dynamics.efficacy), ρ \(dynamics.prebunking), cost "
                        + "\(dynamics.cost), \(dynamics.horizon) steps"
                ),
                Setting(
                    "training",
                    "\(plan.iterations) iterations on networks of 20 nodes; \(seeds.count) seeds"
                ),
            ],
            tables: options.isQuick
                ? []
                : [
                    StudyTable(
                        "Discounted return",
                        caption: "Unseen networks, mean over four families; no selection.",
                        header: [
                            "policy", "n = 20", "drawn, n = 20", "less the best hop rule", "n = 40, less it",
                        ],
                        rows: rules
                            + zip(arms, trials).map { arm, trials in
                                [
                                    .text(arm.name), .spread(trials.map(\.scores[0].greedy)),
                                    .spread(trials.map(\.scores[0].sampled)),
                                    .spread(trials.map(\.scores[0].gap)),
                                    .spread(trials.map(\.scores[1].gap)),
                                ]
                            }
                    )
                ],
            checks: trials.isEmpty
                ? []
                : [
                    StudyCheck(
                        "softmax less the best hop rule, n = 20, mean",
                        found: trials[0].map(\.scores[0].gap).mean ?? .nan,
                        expected: .atLeast(0)
                    ),
                    StudyCheck(
                        "HyperAttention, exact, less softmax, n = 20, mean",
                        found: (trials[2].map(\.scores[0].greedy).mean ?? .nan)
                            - (trials[0].map(\.scores[0].greedy).mean ?? .nan),
                        expected: .atLeast(0)
                    ),
                ],
            remarks: options.isQuick ? ["Left out by --quick."] : []
        )
    }
}
