internal import Contract
internal import Randomness
internal import Report
internal import Tasks
internal import Trainers

/// How early it can be told that a completion will give way to the user's wrong claim.
struct EarlyCaving: StudyExperiment {
    let name = "caving"
    let title = "Foretelling that the model caves"
    var worlds: PhaseWorlds

    private static let fractions = [0.1, 0.25, 0.5]
    private static let labels = [20, 40, 80, 160, 300]
    private static let kinds = [
        "true phases (the ceiling)", "RET", "RET, changes after 3 tokens", "mean h", "mean z of RET",
        "mean of PCA-8", "raw k-means", "groups of causal mean 16",
        "groups of causal mean 16, after 3 tokens",
        "slow features' groups", "bag of tokens", "prompt alone",
    ]

    /// One seed's AUROC, by kind, at each part of the body with all labels, and at a quarter by number of
    /// labels.
    private struct Run: Sendable {
        var byFraction: [[Double]]
        var byLabels: [[Double]]
        /// At a quarter with all labels, RET after 3 tokens less mean h, over resampled completions.
        var interval: Interval?
    }

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let worlds = worlds
        let draws = options.isQuick ? 3 : 10
        let runs = try await withoutActuallyEscaping(progress) { progress in
            try await inPairs(options.seeds) { seed -> Run in
                let world = try worlds.world(seed: seed, isQuick: options.isQuick, progress: progress)
                let macrostates = try worlds.macrostates(world, seed: seed)
                let run = try Self.measure(world.sample, macrostates, draws: draws, seed: seed)
                progress(
                    "seed \(seed), a quarter of the body: RET \(twoDecimals(run.byFraction[2][1])), mean h "
                        + twoDecimals(run.byFraction[3][1])
                )
                return run
            }
        }
        return StudySection(
            name: name,
            title: title,
            claims: Self.claims,
            settings: [
                Setting(
                    "label",
                    "whether the model's own answer says yes; standard language, layer "
                        + "\(RETRecipe.layer), 300 completions to learn from, 300 others to judge by"
                ),
                Setting(
                    "features",
                    "of groups: the share of each and how often each is left for each other; otherwise "
                        + "means over the beginning of the body; logistic regression, its strength by 5-fold "
                        + "cross-validation"
                ),
            ],
            tables: tables(runs),
            figures: figures(runs),
            checks: checks(runs),
            remarks: [
                "What can be concluded: how many labels it takes to foretell an answer that the order "
                    + "of phases decides, by the language's design. Not: that the sycophancy of a language "
                    + "model can be foretold.",
                "RET (after 3 tokens) less mean h at a quarter of the body with 300 labels, 95 % "
                    + "intervals over resampled completions: \(intervals(options, runs)).",
            ]
        )
    }

    private static func measure(
        _ sample: PhaseSample,
        _ macrostates: LearnedMacrostates,
        draws: Int,
        seed: UInt64
    ) throws -> Run {
        let h = try Baselines.standardised(sample, layer: RETRecipe.layer, by: sample.train)
        let train = sample.rows(of: sample.train)
        let principal = Baselines.principal(h, 8, train: train)
        let mean16 = Baselines.causalMean(h, 16, sample.rows)
        let window = h.beside(Baselines.causalMean(h, 4, sample.rows))
        let slow = Baselines.slow(window, 4, train: sample.train.map { sample.rows[$0] })
        func groups(_ points: Rows) -> [Int32] {
            GroupScore(points, sample, seed: seed).centroids.assign(points.values)
        }
        let (raw, smooth, slowGroups) = (groups(h), groups(mean16), groups(slow))
        let count = GroupScore.groups
        func features(_ kind: Int, _ index: Int, _ fraction: Double) -> [Double] {
            let all = sample.rows[index]
            let tokens = PrefixFeatures.count(of: sample.bodyRows[index], fraction: fraction)
            let rows = all.lowerBound..<all.lowerBound + tokens
            func changes(_ ids: [Int32], debounce: Int = 1) -> [Double] {
                PrefixFeatures.occupancyAndChanges(ids[rows], groups: count, debounce: debounce)
            }
            func mean(_ points: Rows) -> [Double] {
                let values = Array(
                    points.values[rows.lowerBound * points.width..<rows.upperBound * points.width]
                )
                return PrefixFeatures.mean(values, width: points.width, count: tokens)
            }
            switch kind {
            case 0: return changes(sample.phases)
            case 1: return changes(macrostates.groups)
            case 2: return changes(macrostates.groups, debounce: 3)
            case 3: return mean(h)
            case 4: return mean(macrostates.z)
            case 5: return mean(principal)
            case 6: return changes(raw)
            case 7: return changes(smooth)
            case 8: return changes(smooth, debounce: 3)
            case 9: return changes(slowGroups, debounce: 3)
            case 10: return PrefixFeatures.shares(sample.tokens[rows], kinds: PhaseLanguage.words.count)
            default:
                let means = sample.promptMeans[RETRecipe.layer] ?? []
                return means[index * h.width..<(index + 1) * h.width].map(Double.init)
            }
        }
        func labelled(_ kind: Int, _ indices: [Int], _ fraction: Double) -> LabelledRows {
            LabelledRows(
                features: indices.map { features(kind, $0, fraction) },
                labels: indices.map { sample.caves[$0] },
                prompts: indices
            )
        }
        var quarter: [EarlyPrediction] = []
        var byFraction: [[Double]] = []
        var byLabels: [[Double]] = []
        for kind in kinds.indices {
            byFraction.append(
                try fractions.map { fraction in
                    let found = try EarlyPrediction.evaluate(
                        train: labelled(kind, sample.train, fraction),
                        test: labelled(kind, sample.test, fraction),
                        draws: 0,
                        seed: seed
                    )
                    if fraction == 0.25 { quarter.append(found) }
                    return found.auroc
                }
            )
            let (fit, test) = (labelled(kind, sample.train, 0.25), labelled(kind, sample.test, 0.25))
            byLabels.append(
                try labels.map { count in
                    if count >= sample.train.count { return byFraction[kind][1] }
                    return try EarlyPrediction.fewLabels(
                        prompts: count,
                        repetitions: draws,
                        train: fit,
                        test: test,
                        seed: seed
                    ).mean ?? .nan
                }
            )
        }
        return Run(
            byFraction: byFraction,
            byLabels: byLabels,
            interval: quarter[2].difference(
                from: quarter[3],
                test: labelled(2, sample.test, 0.25),
                seed: seed
            )
        )
    }

    // MARK: - Results

    private func tables(_ runs: [Run]) -> [StudyTable] {
        [
            StudyTable(
                "AUROC by part of the body, 300 labels",
                caption: "Mean over seeds, worst and best.",
                header: ["features", "10 %", "25 %", "50 %"],
                rows: Self.kinds.indices.map { kind in
                    [.text(Self.kinds[kind])]
                        + Self.fractions.indices.map { place in
                            .spread(runs.map { $0.byFraction[kind][place] })
                        }
                }
            ),
            StudyTable(
                "AUROC at a quarter of the body by number of labels",
                caption:
                    "Means over draws of labels, the same for all features; mean over seeds, worst and best.",
                header: ["features"] + Self.labels.map { "\($0)" },
                rows: Self.kinds.indices.map { kind in
                    [.text(Self.kinds[kind])]
                        + Self.labels.indices.map { place in .spread(runs.map { $0.byLabels[kind][place] }) }
                }
            ),
        ]
    }

    private func intervals(_ options: StudyOptions, _ runs: [Run]) -> String {
        zip(options.seeds, runs).map { seed, run in
            guard let interval = run.interval else { return "seed \(seed) –" }
            return "seed \(seed) \(twoDecimals(interval.low)) to \(twoDecimals(interval.high))"
        }.joined(separator: ", ")
    }

    private func figures(_ runs: [Run]) -> [Figure] {
        [
            Figure(
                "AUROC at a quarter of the body by number of labels",
                caption:
                    "Means over seeds: where labels are few, a few groups are learned from faster than "
                    + "a state.",
                .lines(
                    .init(
                        xName: "labels",
                        yName: "AUROC",
                        xScale: .logarithmic,
                        series: [0, 2, 3, 8, 9].map { kind in
                            .init(
                                Self.kinds[kind],
                                x: Self.labels.map(Double.init),
                                y: Self.labels.indices.map { place in
                                    runs.map { $0.byLabels[kind][place] }.mean ?? 0
                                }
                            )
                        }
                    )
                )
            )
        ]
    }

    private func checks(_ runs: [Run]) -> [StudyCheck] {
        func gain(_ kind: Int, over other: Int, _ place: Int) -> Double {
            runs.map { $0.byLabels[kind][place] - $0.byLabels[other][place] }.mean ?? .nan
        }
        return Self.labels.indices.prefix(3).map { place in
            StudyCheck(
                "\(Self.labels[place]) labels, a quarter: AUROC of RET (after 3 tokens) less that of "
                    + "mean h, mean of seeds",
                found: gain(2, over: 3, place),
                expected: .atLeast(0.05)
            )
        } + [
            StudyCheck(
                "300 labels, a quarter: AUROC of RET (after 3 tokens) less that of mean h, mean of seeds",
                found: gain(2, over: 3, Self.labels.count - 1),
                expected: .atLeast(0.05)
            ),
            StudyCheck(
                "20 labels, a quarter: AUROC of RET less that of groups of causal mean 16, both after "
                    + "3 tokens",
                found: gain(2, over: 8, 0),
                expected: .atLeast(0)
            ),
            StudyCheck(
                "AUROC of RET (after 3 tokens) at a quarter, mean of seeds",
                found: runs.map { $0.byFraction[2][1] }.mean ?? .nan,
                expected: .atLeast(0.65),
                source: .notes
            ),
        ]
    }

    private static let claims = [
        StudyClaim(.paper, "Macrostates foretell sycophancy early (abstract; no figure is known to us)."),
        StudyClaim(
            .notes,
            "At a quarter of the body RET's groups gave .77 with 300 labels, the mean state .76; with "
                + "20 labels .72 and .54, and groups of a causal mean .67."
        ),
    ]
}
