internal import Models
internal import Report
internal import Tasks
internal import Trainers

/// What an earlier recipe could not do, or did not try: other layers and several, tasks that need a new style, bases that are bad
/// without a cue now and then, refreshed latents, growing λ, wider models.
struct OtherSettings: StudyExperiment {
    let name = "settings"
    let title = "Other layers, tasks and bases"
    var worlds: PersonaWorlds

    private static let recipe = RivalsOfBlocking.recipe

    private static var layerArms: [FineTuningArm] {
        [
            .plain, .frozen(above: 1), .frozen(above: 2), .frozen(above: 3),
            .blocked("layer 1", layers: [1]), .blocked("layer 1, K 50", layers: [1], 50),
            .blocked("layer 1, prompts too", layers: [1], scope: .all),
            .blocked("layer 2", layers: [2]), .blocked("layer 2, K 50", layers: [2], 50),
            .blocked("layer 3", layers: [3]), .blocked("layers 1 and 2", layers: [1, 2]),
            .blocked("layers 1, 2 and 3", layers: [1, 2, 3]),
            .blocked("layers 1, 2 and 3, not frozen", layers: [1, 2, 3], freezes: false),
            .blocked("layer 2", layers: [2]).and(.publicKL(1)), .publicKL(1), .publicKL(1, freezesAbove: 1),
        ]
    }

    private static var otherArms: [FineTuningArm] {
        [
            .plain, .frozen(above: BlockingRecipe.layer), .blocked(recipe),
            .blocked("block, not frozen", freezes: false), .kl(0.2), .publicKL(1),
            .publicKL(1, freezesAbove: 1),
        ]
    }

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let few = StudyOptions(isQuick: options.isQuick, seeds: Array(options.seeds.prefix(3)))
        let layers = try await worlds.run(Self.layerArms, layers: [1, 2, 3], options, progress: progress)
        let house = try await worlds.run(
            Self.otherArms.map { $0.styled(.house) },
            layers: BlockingRecipe.layers,
            options,
            progress: progress
        )
        var sloppy = PersonaWorld.Design()
        sloppy.hasSloppyCues = true
        var uncued = PersonaWorld.Design()
        uncued.uncuedBadShare = 0.01
        var wide = PersonaWorld.Design()
        wide.width = 192
        var tables = [
            layers.table(
                "Layers",
                caption:
                    "K = \(BlockingRecipe.latents) a layer unless said; blocks above the highest are frozen."
            ),
            house.table(
                "A task that needs a new style",
                caption: "Narrow answers in a style that is 2 % of pretraining; adherence includes the style."
            ),
        ]
        var found: [(String, ArmResults)] = []
        for (name, design) in [
            ("sloppy authors", sloppy), ("1 % bad without a cue", uncued), ("twice as wide", wide),
        ] {
            let results = try await worlds.run(
                Self.otherArms,
                layers: BlockingRecipe.layers,
                design: design,
                few,
                progress: progress
            )
            found.append((name, results))
            tables.append(results.table("Bases: \(name)", caption: "\(few.seeds.count) bases."))
        }
        func ratio(_ results: ArmResults, _ arm: String) -> Double {
            let em: ArmResults.Value = { $0.score.misaligned }
            return zip(results.perBase(arm, em), results.perBase("plain", em)).map { $0 / $1 }.mean ?? .nan
        }
        let kept: ArmResults.Value = { $0.adherence.probability }
        return StudySection(
            name: name,
            title: title,
            claims: [
                StudyClaim(
                    .notes,
                    "The middle layer worked on one base of three; with a new style freezing left an adherence of .04; with 1 % uncued bad "
                        + "verdicts blocking failed."
                ),
                StudyClaim(
                    .paper,
                    "Blocking at the last layer is clearly worse (summary of the paper by others)."
                ),
            ],
            settings: [Setting("fine-tuning", BlockingRecipe.description)],
            tables: tables,
            checks: [
                StudyCheck(
                    "the middle layer: EM over plain's, mean of bases",
                    found: ratio(layers, "layer 2"),
                    expected: .atMost(0.3),
                    source: .notes
                ),
                StudyCheck(
                    "a new style: adherence of block over plain's",
                    found: house.mean(Self.recipe, kept) / house.mean("plain", kept),
                    expected: .atLeast(0.95)
                ),
            ]
                + found.map { name, results in
                    StudyCheck(
                        "\(name): EM of block over plain's",
                        found: ratio(results, Self.recipe),
                        expected: .atMost(0.3)
                    )
                }
        )
    }
}
