internal import Models
internal import Report
internal import Trainers

/// The main table: blocking, its ablations and every rival on the same bases with the same seeds.
struct RivalsOfBlocking: StudyExperiment {
    let name = "blocking"
    let title = "Blocking, its ablations and its rivals"
    var worlds: PersonaWorlds

    /// The recipe's row.
    static let recipe = "block"

    /// The rows.
    static func arms(isQuick: Bool) -> [FineTuningArm] {
        let layer = BlockingRecipe.layer
        let few: [FineTuningArm] = [
            .plain, .frozen(above: layer), .blocked(recipe),
            .blocked("random 5", 5, .random), .blocked("flipped", BlockingRecipe.latents, .flipped),
            .kl(0.2), .kl(0.3), .publicKL(1), .publicKL(1, freezesAbove: layer),
        ]
        guard !isQuick else { return few }
        let count = BlockingRecipe.latents
        return [
            .plain, .stopped(at: 15), .stopped(at: 20), .stopped(at: 30),
            .frozen(above: layer), .frozen(above: layer, steps: 15), .frozen(above: layer, steps: 20),
            .frozen(above: layer, steps: 30), .frozen(above: 1), .frozen(above: 1, steps: 20),
            .frozen(above: 1, steps: 30),
            .blocked(recipe), .blocked("block, λ / 10", factor: 0.1), .blocked("block, λ × 10", factor: 10),
            .blocked("block, not frozen", freezes: false),
            .blocked("block, after ReLU", reading: .activation),
            .blocked("block, two-sided", isTwoSided: true), .blocked("block, prompts too", scope: .all),
            .blocked("block, K 50", 50), .blocked("block, K 5", 5),
            .blocked("top Δ", count, .topShift), .blocked("top Δ, K 5", 5, .topShift),
            .blocked("random", count, .random), .blocked("random 5", 5, .random),
            .blocked("flipped", count, .flipped),
            .blocked("K+ only", count, .causal(.raised)), .blocked("K− only", count, .causal(.lowered)),
            .kl(0.1), .kl(0.2), .kl(0.25), .kl(0.3), .kl(0.4),
            .kl(0.1, freezesAbove: layer), .kl(0.2, freezesAbove: layer), .kl(0.25, freezesAbove: layer),
            .kl(0.3, freezesAbove: layer), .kl(0.4, freezesAbove: layer),
            .publicKL(0.1), .publicKL(1), .publicKL(5), .publicKL(1, freezesAbove: layer),
            .publicKL(1, freezesAbove: 1),
            .blocked(recipe).and(.publicKL(1)),
            .inoculated, .projected(1), .projected(5), .preventative(0.5), .preventative(1),
            .steered(0.2), .steered(0.4), .steered(0.8),
        ]
    }

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let arms = Self.arms(isQuick: options.isQuick)
        let results = try await worlds.run(arms, layers: BlockingRecipe.layers, options, progress: progress)
        let layer = BlockingRecipe.layer
        let kl = arms.map(\.name).filter { $0.hasPrefix("KL") && !$0.contains("freeze") }
        let frozenKL = arms.map(\.name).filter { $0.hasPrefix("KL") && $0.contains("freeze") }
        let publicKL = arms.map(\.name).filter { $0.hasPrefix("public KL") }
        let stopped = arms.map(\.name).filter { $0.hasPrefix("plain, stopped") }
        let frozen = arms.map(\.name).filter { $0.hasPrefix("freeze above") }
        let em: ArmResults.Value = { $0.score.misaligned }
        let kept: ArmResults.Value = { $0.adherence.probability }
        let plain = results.perBase("plain", em)
        let block = results.perBase(Self.recipe, em)
        let ratios = zip(block, plain).map { $0 / $1 }
        let share = results.mean(Self.recipe, kept) / results.mean("plain", kept)
        return StudySection(
            name: name,
            title: title,
            claims: [
                StudyClaim(.paper, "EM falls by up to 95 % while the narrow task is still learnt."),
                StudyClaim(.paper, "KL, inoculation, preventative and test-time steering are dominated."),
                StudyClaim(
                    .notes,
                    "With the first block's output, K = 50 and freezing: EM .00, .13, .08 at adherence .97 on three bases; KL "
                        + "on public prompts did as well."
                ),
            ],
            settings: [
                Setting("fine-tuning", BlockingRecipe.description),
                Setting(
                    "block",
                    "layers \(BlockingRecipe.layers), K = \(BlockingRecipe.latents) each, r = \(BlockingRecipe.ratio) each, before the "
                        + "ReLU, blocks above frozen; every other choice of latents has the same λ"
                ),
                Setting(
                    "public prompts",
                    "those of discovery: 96 of a domain neither fine-tuned nor evaluated"
                ),
                Setting(
                    "bases × seeds",
                    "\(options.seeds.count) × \(BlockingRecipe.fineTuningSeeds(options.isQuick).count)"
                ),
            ],
            tables: [
                results.table("All arms", caption: "Mean over bases, least and greatest base."),
                results.byBase(
                    [
                        "plain", Self.recipe, "freeze above \(layer)", "public KL 1.0",
                        "public KL 1.0, freeze above \(layer)", "KL 0.2",
                    ],
                    seeds: options.seeds
                ),
                results.differences([
                    (Self.recipe, "plain"), (Self.recipe, "freeze above \(layer)"), (Self.recipe, "KL 0.2"),
                    (Self.recipe, "KL 0.2, freeze above \(layer)"), (Self.recipe, "public KL 1.0"),
                    (Self.recipe, "public KL 1.0, freeze above \(layer)"), (Self.recipe, "top Δ"),
                    (Self.recipe, "random"), (Self.recipe, "flipped"),
                    ("\(Self.recipe) + public KL 1.0", "public KL 1.0, freeze above \(layer)"),
                ]),
            ]
                + (options.isQuick
                    ? []
                    : [
                        matched(
                            results,
                            [
                                (
                                    "blocking",
                                    arms.map(\.name).filter {
                                        $0.hasPrefix("block") && !$0.contains("public")
                                    }
                                ),
                                ("KL on the narrow data", kl), ("the same, frozen", frozenKL),
                                ("KL on public prompts", publicKL),
                                ("early stopping", stopped), ("freezing, stopped", frozen),
                            ]
                        )
                    ]),
            figures: [
                results.pareto([
                    ("blocking", ["block, λ / 10", Self.recipe, "block, λ × 10"]), ("KL", kl),
                    ("KL, frozen", frozenKL),
                    ("public KL", publicKL), ("early stopping", stopped + ["plain"]),
                    ("freezing, stopped", frozen),
                ])
            ],
            checks: checks(results, plain, ratios, share, publicKL),
            remarks: [
                "The paper's rival is KL on the narrow data. KL on public prompts is not in it; where there are public prompts it is "
                    + "the one to beat.",
                "Rows of one family with many weights are picked after the fact in the table of matched adherence, for every family "
                    + "alike.",
            ]
        )
    }

    private func checks(
        _ results: ArmResults,
        _ plain: [Double],
        _ ratios: [Double],
        _ share: Double,
        _ publicKL: [String]
    ) -> [StudyCheck] {
        let em: ArmResults.Value = { $0.score.misaligned }
        func least(_ name: String) -> Double {
            zip(results.perBase(name, em), plain).map { $0 / $1 }.mean ?? .nan
        }
        return [
            StudyCheck(
                "block: EM over plain's, mean of bases",
                found: ratios.mean ?? .nan,
                expected: .atMost(0.3),
                source: .notes
            ),
            StudyCheck(
                "block: EM over plain's, greatest of bases",
                found: ratios.max() ?? .nan,
                expected: .atMost(0.3),
                source: .notes
            ),
            StudyCheck(
                "block: adherence over plain's",
                found: share,
                expected: .atLeast(0.95),
                source: .notes
            ),
            StudyCheck(
                "5 random latents a layer: EM over plain's",
                found: least("random 5"),
                expected: .atLeast(0.8),
                source: .notes
            ),
            StudyCheck(
                "flipped signs: EM over plain's",
                found: least("flipped"),
                expected: .atLeast(0.8),
                source: .notes
            ),
            StudyCheck(
                "block minus public KL 1.0 (not frozen), EM",
                found: results.difference(Self.recipe, "public KL 1.0").mean ?? .nan,
                expected: .atMost(0)
            ),
        ]
    }

    private func matched(_ results: ArmResults, _ families: [(String, [String])]) -> StudyTable {
        StudyTable(
            "Best of each family at an adherence of 95 % of plain's",
            caption: "The row with the least EM that keeps it, picked for each base; EM by base.",
            header: ["family", "mean EM", "bases with such a row"],
            rows: families.map { name, arms in
                let best = results.bestEM(of: arms, keeping: 0.95).compactMap { $0 }
                return [.text(name), .spread(best), .count(best.count)]
            }
        )
    }
}

extension PersonaWorlds {
    /// Runs arms on all bases of a study, two runs at a time.
    func run(
        _ arms: [FineTuningArm],
        layers: [Int],
        design: PersonaWorld.Design = .init(),
        _ options: StudyOptions,
        progress: @Sendable (String) -> Void
    ) async throws -> ArmResults {
        try await prepare(design, layers: layers, options, progress: progress)
        let prepared = try options.seeds.map { seed in
            try contexts(
                design,
                base: seed,
                tuning: BlockingRecipe.fineTuningSeeds(options.isQuick),
                layers: layers,
                isQuick: options.isQuick,
                progress: progress
            )
        }
        let runs = prepared.flatMap { contexts in arms.map { (arm: $0, contexts: contexts) } }
        let outcomes = try await inPairs(runs) { run in try run.contexts.map { try run.arm.run($0) } }
        return ArmResults(
            arms: arms,
            outcomes: prepared.indices.map { Array(outcomes[$0 * arms.count..<($0 + 1) * arms.count]) }
        )
    }
}
