internal import Contract
internal import Models
internal import Report
internal import Tasks
internal import Trainers

/// The same comparison of representations on a model five times as large.
struct LargerModel: StudyExperiment {
    let name = "larger-model"
    let title = "A larger model"
    var worlds: PhaseWorlds

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let seed = options.seeds[0]
        var recipe = PhasePretraining(PhaseLanguage(), configuration: PhasePretraining.large)
        recipe.learningRate = 2e-3
        guard !options.isQuick else {
            return StudySection(
                name: name,
                title: title,
                remarks: ["--quick leaves this out: training the model takes minutes."]
            )
        }
        let world = try worlds.train(recipe, "large-\(seed)", seed, progress)
        let layers = Array(1...recipe.configuration.layerCount)
        let entries = try await inPairs(layers) { layer in
            try Representations.entries(world.sample, layer: layer, seed: seed, own: nil)
        }
        let names = entries[0].map(\.name)
        return StudySection(
            name: name,
            title: title,
            claims: [
                StudyClaim(
                    .ours,
                    "What holds at 0.15 million parameters should hold at 0.8; tried with one seed."
                )
            ],
            settings: [
                Setting(
                    "model",
                    "4 blocks of width 128, \(recipe.configuration.parameterCount) parameters, "
                        + "\(world.trainingSteps) steps; yes or no \(twoDecimals(world.stanceLoss)) nats "
                        + "over the last fifty"
                )
            ],
            tables: [
                StudyTable(
                    "NMI with true phases",
                    caption: "Seed \(seed).",
                    header: ["representation"] + layers.map { "layer \($0)" },
                    rows: names.indices.map { place in
                        [.text(names[place])] + entries.map { .number($0[place].score.phase) }
                    }
                )
            ],
            checks: [
                StudyCheck(
                    "loss of yes or no, in nats: the order of phases is learned",
                    found: world.stanceLoss,
                    expected: .atMost(0.2),
                    source: .notes
                ),
                StudyCheck(
                    "best layer: NMI of RET over that of the best other in any layer",
                    found: (entries.compactMap { $0.last?.score.phase }.max() ?? .nan)
                        / (entries.map { Representations.best($0) }.max() ?? .nan),
                    expected: .atLeast(1.3)
                ),
            ],
            remarks: [
                "What can be concluded: that the method runs on a larger model and what it gave once. "
                    + "Not: a trend."
            ]
        )
    }
}
