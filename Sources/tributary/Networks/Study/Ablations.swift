internal import Contract
internal import Models
internal import Report
internal import Tasks
internal import Trainers

/// What each part of the recipe is worth: one change at a time.
struct Ablations: StudyExperiment {
    let name = "ablations"
    let title = "One change at a time"

    private static var arms: [NetworkArm] {
        let horizons = [1, 2, 8].map { steps in
            NetworkArm("replay of K = \(steps) steps, not 4") { $0.learning.advantage.horizon = steps }
        }
        let normalisations: [(AdvantageSettings.Normalisation, String)] = [
            (.none, "advantages as they are"), (.batch, "mean and deviation over all"),
            (.tscale, "each time step scaled"), (.tstep, "mean and deviation of each time step"),
            (.half, "each time step scaled by half"),
            (.agent, "mean and deviation over the nodes of a state"),
        ]
        let views = [2, 3].map { hops in
            NetworkArm("κ = \(hops), not 4") { $0.words.model.receptiveField = hops }
        }
        return [.stacca] + horizons
            + [
                NetworkArm("counterfactual alone, no GAE") { $0.learning.advantage.kind = .counterfactual },
                NetworkArm("counterfactual in place of GAE's first difference") {
                    $0.learning.advantage.kind = .gaecf
                },
            ]
            + normalisations.map { normalisation, name in
                NetworkArm("normalised: \(name)") { $0.learning.advantage.normalisation = normalisation }
            }
            + views
            + [
                NetworkArm("critic without transformer") { $0.words.model.criticLayers = 0 },
                NetworkArm("critic with one value a state") { $0.words.model.criticPooling = .mean },
                NetworkArm("others' protection is seen") { $0.words.model.hidesLevels = false },
            ]
    }

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let arms = options.isQuick ? [] : Self.arms
        let seeds = Array(options.seeds.prefix(3))
        let plan = NetworkTrial.Plan(sizes: [(20, 12, 8), (40, 12, 8)], selects: true)
        let trials = try await NetworkTrial.all(arms, plan, seeds: seeds, progress)
        return StudySection(
            name: name,
            title: title,
            claims: [
                StudyClaim(
                    .notes,
                    "A prototype learnt more slowly with K = 1, and drifted with each time step scaled; not measured on fresh seeds."
                )
            ],
            settings: [Setting("as in", "\(Containment().title); \(seeds.count) seeds")],
            tables: options.isQuick
                ? []
                : [
                    StudyTable(
                        "Less the best hop rule",
                        caption:
                            "Means over \(seeds.count) seeds, least and greatest; no selection but in the last column.",
                        arms,
                        trials,
                        columns: [
                            ("n = 20", { $0.scores[0].gap }), ("drawn, n = 20", { $0.scores[0].sampledGap }),
                            ("n = 40", { $0.scores[1].gap }), ("selected, n = 20", { $0.selected[0].gap }),
                        ]
                    )
                ],
            checks: arms.isEmpty
                ? []
                : [
                    StudyCheck(
                        "the recipe less the best of its changes, n = 20, mean",
                        found: (trials[0].map(\.scores[0].gap).mean ?? .nan)
                            - (trials.dropFirst().compactMap { $0.map(\.scores[0].gap).mean }.max() ?? .nan),
                        expected: .atLeast(-0.05)
                    )
                ],
            remarks: options.isQuick ? ["Left out by --quick."] : []
        )
    }
}
