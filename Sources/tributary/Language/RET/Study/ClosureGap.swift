internal import Contract
internal import Report
internal import Trainers

/// Whether the next macrostate follows from the present one: what knowing the microstate too adds.
struct ClosureGap: StudyExperiment {
    let name = "closure"
    let title = "Approximate closure"
    var worlds: PhaseWorlds

    private static let horizons = [1, 4, 8, 16]

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let worlds = worlds
        let runs = try await withoutActuallyEscaping(progress) { progress in
            try await inPairs(options.seeds) { seed -> [Closure] in
                let world = try worlds.world(seed: seed, isQuick: options.isQuick, progress: progress)
                let net = try worlds.macrostates(world, seed: seed).makeNet()
                return try Self.horizons.map { horizon in
                    try Closure(
                        net,
                        train: world.sample.subset(RETRecipe.layer, world.sample.train),
                        heldOut: world.sample.subset(RETRecipe.layer, world.sample.test),
                        horizon: horizon,
                        seed: seed
                    )
                }
            }
        }
        func values(_ place: Int, _ value: (Closure) -> Double) -> [Double] { runs.map { value($0[place]) } }
        var checks: [StudyCheck] = []
        for (place, horizon) in Self.horizons.enumerated() {
            checks += [
                StudyCheck(
                    "k = \(horizon), net: gap, mean of seeds",
                    found: values(place) { $0.netGap }.mean ?? .nan,
                    expected: .atMost(0.05)
                ),
                StudyCheck(
                    "k = \(horizon), net: R², mean of seeds",
                    found: values(place) { $0.net }.mean ?? .nan,
                    expected: .atLeast(0.3)
                ),
                StudyCheck(
                    "k = \(horizon), ridge: gap, mean of seeds",
                    found: values(place) { $0.ridgeGap }.mean ?? .nan,
                    expected: .atMost(0.05)
                ),
            ]
        }
        return StudySection(
            name: name,
            title: title,
            claims: [
                StudyClaim(
                    .paper,
                    "The future macrostate is predictable from the present one, with the microstate "
                        + "adding little (idea; the definition here is ours)."
                ),
                StudyClaim(
                    .notes,
                    "By a net, gaps were .055, .041, .022 and .010 at k = 1, 4, 8 and 16; a ridge regression "
                        + "understates what z tells."
                ),
            ],
            settings: [
                Setting("where", "standard language, layer \(RETRecipe.layer), unseen completions"),
                Setting(
                    "gap",
                    "R² of z at t + k from z and the encoder's input x at t, less R² from z alone; by "
                        + "a ridge regression and by a net with 64 hidden units"
                ),
            ],
            tables: [
                StudyTable(
                    "R² and gap by horizon",
                    caption:
                        "Mean over seeds, worst and best. A constant z would have a gap of 0: see R² too.",
                    header: ["k", "R² net", "gap net", "R² ridge", "gap ridge"],
                    rows: Self.horizons.indices.map { place in
                        [
                            .count(Self.horizons[place]), .spread(values(place) { $0.net }),
                            .spread(values(place) { $0.netGap }), .spread(values(place) { $0.ridge }),
                            .spread(values(place) { $0.ridgeGap }),
                        ]
                    }
                )
            ],
            figures: [
                Figure(
                    "R² by horizon",
                    caption: "By the net, means over seeds: how much of the macrostate k tokens on is known.",
                    .lines(
                        .init(
                            xName: "k",
                            yName: "R²",
                            series: [
                                .init(
                                    "from z",
                                    x: Self.horizons.map(Double.init),
                                    y: Self.horizons.indices.map { values($0) { $0.net }.mean ?? 0 }
                                ),
                                .init(
                                    "from z and x",
                                    x: Self.horizons.map(Double.init),
                                    y: Self.horizons.indices.map {
                                        values($0) { $0.net + $0.netGap }.mean ?? 0
                                    }
                                ),
                            ]
                        )
                    )
                )
            ],
            checks: checks,
            remarks: [
                "What can be concluded: how much of its own future the macrostate holds, of what the "
                    + "encoder's input tells. Not: how much of what the model will write."
            ]
        )
    }
}
