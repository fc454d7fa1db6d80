internal import Contract
internal import Report
internal import Trainers

/// What keeps macrostates from becoming one: the stop-gradient, the slow target, the centred target.
struct CollapseAblation: StudyExperiment {
    let name = "collapse"
    let title = "Collapse without a stop-gradient"
    var worlds: PhaseWorlds

    private struct Variant: Sendable {
        var name: String
        var learning: MacrostateLearning
        var steps = RETRecipe.steps
    }

    private static var variants: [Variant] {
        var still = RETRecipe.tuned
        still.stopsGradient = false
        still.targetDecay = 0
        var stillPlain = still
        stillPlain.centresTarget = false
        stillPlain.pairsPerTrajectory = 1
        var quick = RETRecipe.tuned
        quick.targetDecay = 0
        var plain = RETRecipe.tuned
        plain.centresTarget = false
        plain.pairsPerTrajectory = 1
        var batch = RETRecipe.tuned
        batch.pairsPerTrajectory = 1
        return [
            Variant(name: "RET", learning: RETRecipe.tuned),
            Variant(name: "no stop-gradient, no centring", learning: stillPlain, steps: 1500),
            Variant(name: "no stop-gradient, targets centred", learning: still, steps: 1500),
            Variant(name: "no slow target, stop-gradient only", learning: quick),
            Variant(name: "no centring", learning: plain),
            Variant(name: "centred over the batch", learning: batch),
        ]
    }

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let worlds = worlds
        let variants = options.isQuick ? Array(Self.variants.prefix(3)) : Self.variants
        let runs = try await withoutActuallyEscaping(progress) { progress in
            try await inPairs(options.seeds) { seed in
                let world = try worlds.world(seed: seed, isQuick: options.isQuick, progress: progress)
                return try variants.map { variant in
                    try LearnedMacrostates(
                        world.sample,
                        variant.learning,
                        steps: variant.steps,
                        seed: seed
                    )
                }
            }
        }
        func values(_ place: Int, _ value: (LearnedMacrostates) -> Double) -> [Double] {
            runs.map { value($0[place]) }
        }
        return StudySection(
            name: name,
            title: title,
            claims: [
                StudyClaim(
                    .paper,
                    "The objective is of the BYOL and JEPA family: a slowly moving target without "
                        + "gradient (abstract)."
                ),
                StudyClaim(.notes, "Without stop-gradient the effective rank was 1.1 and the loss 0.000."),
            ],
            settings: [Setting("where", "standard language, layer \(RETRecipe.layer)")],
            tables: [
                StudyTable(
                    "What is left out",
                    caption: "Mean over seeds, worst and best; the effective rank of 16 outputs.",
                    header: ["variant", "loss", "effective rank", "NMI with phases", "consistency"],
                    rows: variants.indices.map { place in
                        [
                            .text(variants[place].name), .spread(values(place) { $0.loss }),
                            .spread(values(place) { $0.score.rank }),
                            .spread(values(place) { $0.score.phase }),
                            .spread(values(place) { $0.score.consistency }),
                        ]
                    }
                )
            ],
            checks: [1, 2].map { place in
                StudyCheck(
                    "\(variants[place].name): effective rank, greatest of seeds",
                    found: values(place) { $0.score.rank }.max() ?? .nan,
                    expected: .atMost(2),
                    source: .notes
                )
            } + [
                StudyCheck(
                    "RET: effective rank, least of seeds",
                    found: values(0) { $0.score.rank }.min() ?? .nan,
                    expected: .atLeast(3)
                )
            ],
            remarks: [
                "What can be concluded: what keeps this objective from the trivial solution. Not: that "
                    + "the paper's own needs the same, since its equations are not known to us."
            ]
        )
    }
}
