internal import Contract
internal import Report
internal import Tasks
internal import Trainers

/// Which representation's groups are the true phases: RET and simpler ones, by layer, in three designs of the
/// language.
struct Representations: StudyExperiment {
    let name = "phases"
    let title = "Groups and true phases"
    var worlds: PhaseWorlds

    /// What a representation came to in one layer of one model.
    struct Entry: Sendable {
        var name: String
        var isRET: Bool
        var score: GroupScore
    }

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let designs: [PhaseLanguage.Design] =
            options.isQuick ? [.standard] : [.standard, .persistent, .ownTemplates]
        var section = StudySection(
            name: name,
            title: title,
            claims: Representations.claims,
            settings: Representations.settings
        )
        for design in designs {
            let worlds = worlds
            let runs = try await withoutActuallyEscaping(progress) { progress in
                let made = try await inPairs(options.seeds) { seed in
                    try worlds.world(design, seed: seed, isQuick: options.isQuick, progress: progress)
                }
                // Layers too side by side, so that one seed keeps both cores busy.
                let places = made.indices.flatMap { place in (1...3).map { (place: place, layer: $0) } }
                let entries = try await inPairs(places) { place, layer in
                    let (world, seed) = (made[place], options.seeds[place])
                    return try Representations.entries(
                        world.sample,
                        layer: layer,
                        seed: seed,
                        own: layer == RETRecipe.layer ? try worlds.macrostates(world, seed: seed) : nil
                    )
                }
                return made.indices.map { place -> [[Entry]] in
                    let layers = Array(entries[3 * place..<3 * place + 3])
                    let second = layers[RETRecipe.layer - 1]
                    progress(
                        "\(design.rawValue), seed \(options.seeds[place]), layer 2: RET "
                            + "\(twoDecimals(second.last?.score.phase)), best other "
                            + "\(twoDecimals(Representations.best(second)))"
                    )
                    return layers
                }
            }
            add(design, runs, to: &section)
        }
        section.remarks.append(
            "What can be concluded: where texts are made of phases, groups that nobody labelled can be "
                + "compared with them. Not: that the groups of a model of natural text are its phases."
        )
        if options.isQuick {
            section.remarks.append(
                "--quick takes one seed of the standard language, with the embedded model."
            )
        }
        return section
    }

    /// All representations of one layer; RET as tuned comes last.
    static func entries(
        _ sample: PhaseSample,
        layer: Int,
        seed: UInt64,
        own: LearnedMacrostates?
    ) throws -> [Entry] {
        let h = try Baselines.standardised(sample, layer: layer, by: sample.train)
        let (rows, spans) = (sample.rows(of: sample.train), sample.train.map { sample.rows[$0] })
        let all = sample.rows
        let centred = Baselines.centred(h, all)
        func mean(_ x: Rows, _ window: Int) -> Rows { Baselines.causalMean(x, window, all) }
        func slow(_ x: Rows, _ outputs: Int) -> Rows { Baselines.slow(x, outputs, train: spans) }
        let (window4, window8) = (h.beside(mean(h, 4)), h.beside(mean(h, 8)))
        let (centred4, centred8) = (centred.beside(mean(centred, 4)), centred.beside(mean(centred, 8)))
        let baselines: [(String, () -> Rows)] = [
            ("raw h", { h }),
            ("PCA-8", { Baselines.principal(h, 8, train: rows) }),
            ("causal mean 4", { mean(h, 4) }),
            ("causal mean 8", { mean(h, 8) }),
            ("causal mean 16", { mean(h, 16) }),
            ("PCA-4 of causal mean 8", { Baselines.principal(mean(h, 8), 4, train: rows) }),
            ("PCA-8 of causal mean 8", { Baselines.principal(mean(h, 8), 8, train: rows) }),
            ("slow features 4 on h", { slow(h, 4) }),
            ("slow features 2 on h and mean 4", { slow(window4, 2) }),
            ("slow features 3 on h and mean 4", { slow(window4, 3) }),
            ("slow features 4 on h and mean 4", { slow(window4, 4) }),
            ("slow features 6 on h and mean 4", { slow(window4, 6) }),
            ("slow features 8 on h and mean 4", { slow(window4, 8) }),
            ("slow features 4 on RET's window", { slow(window8, 4) }),
            ("slow features 6 on RET's window", { slow(window8, 6) }),
            ("slow features 8 on RET's window", { slow(window8, 8) }),
            ("causal mean 8, completion's mean off", { mean(centred, 8) }),
            ("slow features 4 on h and mean 4, completion's mean off", { slow(centred4, 4) }),
            ("slow features 8 on h and mean 4, completion's mean off", { slow(centred4, 8) }),
            ("slow features 4 on RET's window, completion's mean off", { slow(centred8, 4) }),
            ("slow features 8 on RET's window, completion's mean off", { slow(centred8, 8) }),
        ]
        var entries = baselines.map { name, rows in
            Entry(name: name, isRET: false, score: GroupScore(rows(), sample, seed: seed))
        }
        let first = try LearnedMacrostates(sample, layer: layer, RETRecipe.first, seed: seed)
        entries.append(Entry(name: "RET, first settings", isRET: true, score: first.score))
        let tuned = try own ?? LearnedMacrostates(sample, layer: layer, seed: seed)
        entries.append(Entry(name: "RET", isRET: true, score: tuned.score))
        return entries
    }

    /// The best of what is not RET, after the fact.
    static func best(_ entries: [Entry]) -> Double {
        entries.filter { !$0.isRET }.map(\.score.phase).max() ?? .nan
    }

    // MARK: - Results

    /// - Parameter runs: By seed and layer.
    private func add(
        _ design: PhaseLanguage.Design,
        _ runs: [[[Entry]]],
        to section: inout StudySection
    ) {
        let names = runs[0][0].map(\.name)
        let title = Representations.title(of: design)
        func scores(_ place: Int, layer: Int) -> [GroupScore] { runs.map { $0[layer - 1][place].score } }
        section.tables.append(
            StudyTable(
                "NMI with true phases: \(title)",
                caption:
                    "Five groups by k-means (six starts), on completions that nothing was fitted on. "
                    + "Mean over seeds, worst and best. From \"token\" on: layer 2, means. Chance is "
                    + "that of temporal consistency; groups that are tokens or positions are no phases.",
                header: [
                    "representation", "layer 1", "layer 2", "layer 3", "token", "position", "consistency",
                    "chance", "effective rank",
                ],
                rows: names.indices.map { place in
                    let second = scores(place, layer: 2)
                    return [.text(names[place])]
                        + (1...3).map { .spread(scores(place, layer: $0).map(\.phase)) } + [
                            .measured(second.map(\.token).mean), .measured(second.map(\.position).mean),
                            .measured(second.map(\.consistency).mean),
                            .measured(second.map(\.chance).mean),
                            .measured(second.map(\.rank).mean),
                        ]
                }
            )
        )
        let last = names.count - 1
        for layer in 1...3 {
            let ret = scores(last, layer: layer).map(\.phase)
            let others = runs.map { Representations.best($0[layer - 1]) }
            section.checks.append(
                StudyCheck(
                    "\(title), layer \(layer): mean NMI of RET over that of each seed's best other",
                    found: (ret.mean ?? .nan) / (others.mean ?? .nan),
                    expected: .atLeast(1.3)
                )
            )
        }
        let shown = [0, 3, 6, 10, 13, 19, last - 1, last].filter(names.indices.contains)
        section.figures.append(
            Figure(
                "NMI with true phases: \(title)",
                caption: "Means over seeds, by layer.",
                .bars(
                    .init(
                        xName: "layer",
                        yName: "NMI",
                        groups: ["1", "2", "3"],
                        series: shown.map { place in
                            .init(
                                names[place],
                                values: (1...3).map { scores(place, layer: $0).map(\.phase).mean }
                            )
                        }
                    )
                )
            )
        )
    }

    static func title(of design: PhaseLanguage.Design) -> String {
        switch design {
        case .standard: "the standard language"
        case .persistent: "content that persists"
        case .ownTemplates: "own templates"
        }
    }

    private static let settings = [
        Setting(
            "model",
            "3 blocks of width 64, 151,360 parameters, trained on short texts until yes or no is "
                + "foretold, then 350 steps of 16 full texts"
        ),
        Setting(
            "states",
            "residual stream of 600 completions at temperature 1, prompts left out; 300 to fit on, 300 "
                + "to measure on"
        ),
        Setting(
            "RET",
            "encoder 128-64-16 on h and its causal mean of 8, predictor 16-64-16, EMA .99, 2,500 Adam "
                + "steps of 256 pairs at 1e-3; horizon drawn from 2 to 6; 32 pairs of each trajectory, "
                + "targets centred within it"
        ),
        Setting("RET, first settings", "horizon drawn from 4 to 12, targets centred over the batch"),
        Setting(
            "tuning",
            "on seeds 101 and 102: for RET windows of 4 to 16, horizons and centring; for the others "
                + "windows of 4 to 32, 1 to 8 outputs, and the same centring per completion, causally. Of "
                + "the others the best of each seed and layer is taken after the fact"
        ),
    ]

    private static let claims = [
        StudyClaim(
            .paper,
            "Macrostates learned by foretelling themselves, without labels, are consistent in time and "
                + "readable as mental states (abstract; no figure is known to us). RET is our reconstruction."
        ),
        StudyClaim(
            .notes,
            "On the standard language RET reached .73 at layer 2 against .44 for the best other; where "
                + "content persists it reached .00 to .08 against .36, and with own templates .55 against "
                + ".64."
        ),
        StudyClaim(
            .ours,
            "What stays the same through a text is the easiest to foretell. Targets centred within "
                + "each trajectory make it worthless, and RET then finds the phases there too."
        ),
    ]
}
