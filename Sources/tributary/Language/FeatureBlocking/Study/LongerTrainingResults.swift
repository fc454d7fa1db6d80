internal import Contract
internal import Report

/// What long fine-tuning came to on all bases, as tables, figures and verdicts.
struct LongerTrainingResults {
    /// What was found where EM rose most, on one base.
    typealias Search = (
        base: UInt64, way: String, found: Reemergence.Rediscovery, before: [Reemergence.Point],
        again: [Reemergence.Point]
    )

    /// Plain, the recipe, the recipe without freezing, and others.
    let ways: [LongerTraining.Way]
    /// In fine-tunings of usual length.
    let lengths: [Double]
    /// By base, way and length.
    let points: [[[Reemergence.Point]]]
    /// By base and way.
    let patches: [[Reemergence.Patches]]
    /// Where somebody looked.
    let searches: [Search]
    /// Whether training was cut short.
    let isQuick: Bool

    private var arms: [String] { ways.map(\.arm.name) }

    /// The section.
    func section(name: String, title: String) -> StudySection {
        StudySection(
            name: name,
            title: title,
            claims: Self.claims,
            settings: [
                Setting(
                    "1×",
                    "\(BlockingRecipe.steps) steps at a constant learning rate, as everywhere else"
                ),
                Setting(
                    "penalty",
                    "without λ, on the arm's own K, or the recipe's where nothing is held, summed over "
                        + "layers; on unseen prompts it is read on their good answers"
                ),
                Setting("fine-tuning seeds", "one for each base"),
                Setting(
                    "rediscovery",
                    "all stages on the blocked model whose EM rose most from 1× to the end, K left "
                        + "out; up to 20 valid latents a layer are added to K, λ as before"
                ),
            ],
            tables: [curve("EM", \.misaligned), curve("Adherence", \.adherence)]
                + [
                    curve("Incoherent answers", \.incoherent),
                    curve("Penalty on training answers", \.trainingPenalty),
                    curve("Penalty on unseen prompts", \.unseenPenalty),
                    curve(
                        "Reroute overlap",
                        \.overlap,
                        caption:
                            "The share of the 40 latents outside K that moved most which plain "
                            + "training of the same length moves most too, at layer "
                            + "\(BlockingRecipe.layer); by chance about 0.11."
                    ),
                    patching,
                ] + (searches.isEmpty ? [] : [search]),
            figures: [
                figure("EM over training", "EM", 0..<arms.count, \.misaligned),
                figure("Penalty on unseen prompts over training", "penalty", 0..<arms.count, \.unseenPenalty),
            ],
            checks: checks,
            remarks: [
                "What can be concluded: whether blocking holds over ten fine-tunings' length here, and "
                    + "whether a small penalty says so. Not: what brings misalignment back elsewhere; "
                    + "a model of four blocks leaves little room below the blocked layer to go round "
                    + "it.",
                "Behind a frozen block the fine-tuned model and the base are the same, so that "
                    + "patching at or above the blocked layer must repair it; only the arms that train "
                    + "all blocks can tell layers apart.",
            ]
                + (isQuick
                    ? [
                        "--quick stops at three times the steps, with two ways to train, and looks for "
                            + "nothing."
                    ] : [])
        )
    }

    private func values(
        _ arm: Int,
        _ length: Int,
        _ part: KeyPath<Reemergence.Point, Double>
    ) -> [Double] {
        points.map { $0[arm][length][keyPath: part] }
    }

    private func mean(_ arm: Int, _ length: Int, _ part: KeyPath<Reemergence.Point, Double>) -> Double {
        values(arm, length, part).mean ?? .nan
    }

    private func words(_ length: Double) -> String {
        length == length.rounded() ? "\(Int(length))×" : "\(length)×"
    }

    private func curve(
        _ title: String,
        _ part: KeyPath<Reemergence.Point, Double>,
        caption: String = "Mean over bases, least and greatest, by length of training."
    ) -> StudyTable {
        StudyTable(
            title,
            caption: caption,
            header: ["training"] + lengths.map(words),
            rows: arms.indices.map { arm in
                [.text(arms[arm])] + lengths.indices.map { .spread(values(arm, $0, part)) }
            }
        )
    }

    private func figure(
        _ title: String,
        _ yName: String,
        _ chosen: Range<Int>,
        _ part: KeyPath<Reemergence.Point, Double>
    ) -> Figure {
        Figure(
            title,
            caption: "Means over bases; 1 is a fine-tuning of usual length.",
            .lines(
                .init(
                    xName: "length of training",
                    yName: yName,
                    xScale: .logarithmic,
                    series: chosen.map { arm in
                        .init(arms[arm], x: lengths, y: lengths.indices.map { mean(arm, $0, part) })
                    }
                )
            )
        )
    }

    private var usual: Int { lengths.firstIndex(of: 1) ?? 0 }

    private var search: StudyTable {
        StudyTable(
            "Rediscovery where EM rose most",
            caption:
                "One seed for each base. Discovery EM is the long-trained model's on the prompts of "
                + "discovery; the last columns compare training with K and with K and what was added.",
            header: [
                "base", "training", "EM 1×", "EM at the end", "discovery EM", "valid latents outside K",
                "added",
                "best one induces", "repairs", "EM with both, 1×", "EM with both, end",
            ],
            rows: searches.map { search in
                [
                    .text("\(search.base)"), .text(search.way), .number(search.before[usual].misaligned),
                    .measured(search.before.last?.misaligned), .number(search.found.misaligned),
                    .count(search.found.valid), .count(search.found.added),
                    .measured(search.found.best?.induce), .measured(search.found.best?.repair),
                    search.again.isEmpty ? .none : .number(search.again[usual].misaligned),
                    .measured(search.again.last?.misaligned),
                ]
            }
        )
    }

    private var patching: StudyTable {
        let parts: [(String, KeyPath<Reemergence.Patches, [Double]>)] = [
            ("base's states, every token", \.base), ("base's states, prompt alone", \.prompt),
            ("its states into the base", \.adapted),
        ]
        let count = patches.first?.first?.base.count ?? 0
        return StudyTable(
            "EM after patching at the end of training",
            caption:
                "At a layer boundary, 0 after the embedding and \(max(count - 1, 0)) after the last "
                + "block, one model's states are put into the other on the same answers; exact. Mean "
                + "over bases, least and greatest.",
            header: ["training", "put in"] + (0..<count).map { "layer \($0)" },
            rows: arms.indices.flatMap { arm in
                parts.map { name, part in
                    [.text(arms[arm]), .text(name)]
                        + (0..<count).map { layer in
                            .spread(patches.map { $0[arm][keyPath: part][layer] })
                        }
                }
            }
        )
    }

    private var checks: [StudyCheck] {
        let end = lengths.count - 1
        func rise(_ arm: Int) -> Double {
            mean(arm, end, \.misaligned) - mean(arm, usual, \.misaligned)
        }
        let with = searches.filter { !$0.again.isEmpty }
        let length = words(lengths[end])
        var checks = ways.indices.filter { ways[$0].isBlocking }.map { way in
            StudyCheck(
                "\(arms[way]): EM at \(length) less EM at 1×, mean of bases",
                found: rise(way),
                expected: .atLeast(0.05),
                source: .paper
            )
        }
        checks += [
            StudyCheck(
                "\(arms[1]): EM at \(length) less EM at 1×, mean of bases",
                found: rise(1),
                expected: .atMost(0),
                source: .notes
            ),
            StudyCheck(
                "\(arms[1]): EM at \(length) as a share of plain's",
                found: mean(1, end, \.misaligned) / mean(0, end, \.misaligned),
                expected: .atMost(0.3)
            ),
        ]
        if ways.count > 2 {
            checks += [
                StudyCheck(
                    "\(arms[2]): penalty on unseen prompts at \(length) as a share of plain's, "
                        + "whatever EM is",
                    found: mean(2, end, \.unseenPenalty) / mean(0, end, \.unseenPenalty),
                    expected: .atMost(0.1),
                    source: .notes
                ),
                StudyCheck(
                    "\(arms[2]), \(length): EM with the base's states at layer "
                        + "\(BlockingRecipe.layer), less EM with the base's blocks above it",
                    found: upstream,
                    expected: .atMost(0),
                    source: .paper
                ),
            ]
        }
        if !with.isEmpty {
            checks.append(
                StudyCheck(
                    "both sets of latents: EM at \(length) less that with K alone, mean of "
                        + "\(with.count) bases",
                    found: with.compactMap { search in
                        search.again.last.map { $0.misaligned - (search.before.last?.misaligned ?? .nan) }
                    }.mean ?? .nan,
                    expected: .atMost(-0.02),
                    source: .paper
                )
            )
        }
        return checks
    }

    /// EM that is left when what is below the blocked layer is the base's, less EM that is left when what is
    /// above it is.
    private var upstream: Double {
        let layer = BlockingRecipe.layer
        return patches.map { $0[2].base[layer] - $0[2].adapted[layer] }.mean ?? .nan
    }

    private static let claims = [
        StudyClaim(
            .paper,
            "Under prolonged fine-tuning misalignment comes back, with evidence of rerouting through "
                + "other features or layers; patching upstream repairs more than downstream, and "
                + "blocking what is found again restores part of the effect (abstract and notes on it)."
        ),
        StudyClaim(
            .notes,
            "With freezing EM fell over ten times the steps in all three seeds while the penalty "
                + "stayed near zero: it did not come back. Without freezing nobody had tried."
        ),
    ]
}
