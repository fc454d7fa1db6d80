internal import Contract
internal import Report
internal import Tasks
internal import Trainers

/// The steps that protection needs as the dial of how far one has to look.
struct InteractionRange: StudyExperiment {
    let name = "range"
    let title = "How far one has to look"

    private static let ramps = [1, 3, 5]
    private static let views = [1, 2, 4]

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let seeds = Array(options.seeds.prefix(3))
        let arms = Self.views.map { hops in
            NetworkArm("κ = \(hops)") { $0.words.model.receptiveField = hops }
        }
        var tables: [StudyTable] = []
        var gains: [Double] = []
        for ramp in options.isQuick ? [] : Self.ramps {
            var dynamics = ContainmentRecipe.dynamics
            dynamics.ramp = ramp
            let plan = NetworkTrial.Plan(dynamics: dynamics, sizes: [(20, 12, 8)])
            let trials = try await NetworkTrial.all(arms, plan, seeds: seeds) {
                progress("τ = \(ramp), \($0)")
            }
            let held = try seeds.map {
                try HeldOutSize(nodes: 20, graphs: 12, episodes: 8, seed: $0, dynamics: dynamics)
            }
            gains.append(
                (trials[2].map(\.scores[0].greedy).mean ?? .nan)
                    - (trials[0].map(\.scores[0].greedy).mean ?? .nan)
            )
            let rules = ["all", "h1", "h2", "h3", "h4", NetworkRule.hand.name].map {
                name -> [StudyTable.Cell] in
                let shown = name == NetworkRule.hand.name ? "hand" : name
                return [.text(shown), .spread(held.map { $0.rule(name) }), .none, .none]
            }
            tables.append(
                StudyTable(
                    "τ = \(ramp)",
                    caption: "Unseen networks of 20 nodes, mean over four families; \(seeds.count) seeds.",
                    header: ["policy", "likelier actions", "drawn actions", "less the best hop rule"],
                    rows: rules
                        + zip(arms, trials).map { arm, trials in
                            [
                                .text(arm.name), .spread(trials.map(\.scores[0].greedy)),
                                .spread(trials.map(\.scores[0].sampled)),
                                .spread(trials.map(\.scores[0].gap)),
                            ]
                        }
                )
            )
        }
        return StudySection(
            name: name,
            title: title,
            claims: [
                StudyClaim(
                    .notes,
                    "The longer protection takes to build up, the farther ahead an infection has to be seen (our design of the environment)."
                )
            ],
            settings: [Setting("as in", "\(Containment().title), but for τ")],
            tables: tables,
            checks: gains.count < 3
                ? []
                : [
                    StudyCheck("κ = 4 less κ = 1 at τ = 1", found: gains[0], expected: .atMost(0.1)),
                    StudyCheck("κ = 4 less κ = 1 at τ = 5", found: gains[2], expected: .atLeast(0.3)),
                ],
            remarks: options.isQuick ? ["Left out by --quick."] : []
        )
    }
}
