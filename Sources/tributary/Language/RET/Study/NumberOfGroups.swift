internal import Contract
internal import Report
internal import Trainers

/// Whether the stability rule finds how many phases there are.
struct NumberOfGroups: StudyExperiment {
    let name = "groups"
    let title = "The number of groups, by the stability rule"
    var worlds: PhaseWorlds

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let worlds = worlds
        let runs = try await withoutActuallyEscaping(progress) { progress in
            try await inPairs(options.seeds) { seed -> GroupCount in
                let world = try worlds.world(seed: seed, isQuick: options.isQuick, progress: progress)
                let z = try worlds.macrostates(world, seed: seed).z
                let trajectories = world.sample.train.map { z.picked(Array(world.sample.rows[$0])) }
                return GroupCount(trajectories, width: z.width, seed: seed)
            }
        }
        let chosen = runs.map { Double($0.chosen) }
        let tried = runs.first?.stability.map(\.groups) ?? []
        func stability(_ place: Int) -> [Double] { runs.map { $0.stability[place].adjustedRand } }
        return StudySection(
            name: name,
            title: title,
            claims: [
                StudyClaim(
                    .notes,
                    "The smallest number of groups that two halves of the trajectories agree on within "
                        + "0.02 of the best; not tested before. There are 5 phases, the answer's 12 tokens "
                        + "being one of them."
                )
            ],
            settings: [
                Setting(
                    "tried",
                    "4 to 16 groups, as the rule does by default; standard language, layer \(RETRecipe.layer)"
                )
            ],
            tables: [
                StudyTable(
                    "Chosen by seed",
                    header: ["seed", "groups"],
                    rows: zip(options.seeds, runs).map { [.count(Int($0)), .count($1.chosen)] }
                ),
                StudyTable(
                    "Stability",
                    caption:
                        "Adjusted Rand index between the partitions of two halves' fits. Mean, worst "
                        + "and best.",
                    header: ["groups", "adjusted Rand"],
                    rows: tried.indices.map { [.count(tried[$0]), .spread(stability($0))] }
                ),
            ],
            figures: [
                Figure(
                    "Stability by number of groups",
                    caption: "Means over seeds.",
                    .lines(
                        .init(
                            xName: "groups",
                            yName: "adjusted Rand",
                            series: [
                                .init(
                                    "RET",
                                    x: tried.map(Double.init),
                                    y: tried.indices.map { stability($0).mean ?? 0 }
                                )
                            ]
                        )
                    )
                )
            ],
            checks: [
                StudyCheck(
                    "groups chosen, median of seeds; there are 5 phases",
                    found: chosen.median ?? .nan,
                    expected: .between(4.5, 5.5)
                ),
                StudyCheck(
                    "seeds in which the phases' number or one beside it is chosen, part of all",
                    found: Double(chosen.count { abs($0 - 5) <= 1 }) / Double(max(1, chosen.count)),
                    expected: .atLeast(0.8)
                ),
            ],
            remarks: [
                "What can be concluded: which numbers of groups two halves agree on. That 5 is right "
                    + "is known here because the language is ours; with another model nobody can say."
            ]
        )
    }
}
