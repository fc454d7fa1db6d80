internal import Contract
internal import Randomness
internal import Report

/// Colliding agents on a ring (section 7 and appendix B.1): the final value of an agent is minus the number
/// of agents within twice its radius. Linear self-attention is trained on tuples of one length and tried at
/// others.
///
/// The sum over agents includes the agent itself, as in appendix B.1; it adds a constant −1.
struct CollidingAgents: StudyExperiment {
    let name = "colliding-agents"
    let title = "Colliding agents: one layer of linear attention"
    /// The ring of the runs with every variant and every seed.
    var ring = Ring.small

    /// A ring and its data.
    struct Ring: Sendable {
        /// N: positions on the ring.
        var domain: Int
        /// R: an agent's radius.
        var radius: Int
        /// L*: agents of a training tuple.
        var length: Int
        /// B: training tuples.
        var tuples: Int
        /// Test lengths; the training length is among them.
        var testLengths: [Int]
        /// Tuples of each test.
        var testTuples: Int
        /// How to train from N(0, 1).
        var training: InteractionLayer.Training
        /// How many entities have their data matrix's rank computed.
        var ranked: Int

        static let small = Ring(
            domain: 60,
            radius: 2,
            length: 10,
            tuples: 20_000,
            testLengths: [2, 5, 10, 20, 30, 40],
            testTuples: 2000,
            training: .init(steps: 4000, rate: 1e-1),
            ranked: 60
        )

        /// The paper's size. Its optimiser is not stated.
        static let paper = Ring(
            domain: 360,
            radius: 5,
            length: 20,
            tuples: 100_000,
            testLengths: [2, 5, 10, 20, 30, 40],
            testTuples: 1000,
            training: .init(steps: 5000, batch: 512, rate: 1e-1),
            ranked: 12
        )

        /// 1 where two positions are close enough to collide, `[N, N]`.
        var closeness: [Double] {
            (0..<domain * domain).map { index in
                let apart = abs(index / domain - index % domain)
                return min(apart, domain - apart) <= 2 * radius ? 1 : 0
            }
        }

        /// T of the designed solution: w = −1.
        var table: [Double] { closeness.map { -$0 } }
    }

    /// A way to embed positions, to start and to draw data.
    struct Variant: Sendable {
        var name: String
        var isSinusoidal = false
        var start = InteractionLayer.Start.normal
        var repeats = true
    }

    static let oneHot = Variant(name: "one-hot, N(0, 1)")
    static let sinusoidal = Variant(name: "sinusoidal, N(0, 1)", isSinusoidal: true)
    static let zeroStart = Variant(name: "one-hot, C = 0, w = 1", start: .zero)
    static let ablation = Variant(name: "without repetition", repeats: false)

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) throws -> StudySection {
        var section = StudySection(
            name: name,
            title: title,
            claims: CollidingAgents.claims,
            settings: CollidingAgents.settings
        )
        add(ring, to: &section, options, progress)
        if options.isQuick {
            section.remarks.append("--quick leaves out the paper's size (N = 360).")
        } else {
            addPaperSize(to: &section, options, progress)
        }
        return section
    }

    // MARK: - The small ring

    private func add(
        _ setting: Ring,
        to section: inout StudySection,
        _ options: StudyOptions,
        _ progress: @Sendable (String) -> Void
    ) {
        let variants = [Self.oneHot, Self.sinusoidal, Self.zeroStart, Self.ablation]
        let runs = variants.map { variant in
            options.seeds.map { seed in
                let run = RingRun(setting, variant, seed: seed)
                progress(
                    "N = \(setting.domain), \(variant.name), seed \(seed): worst MSE \(run.worst.brief)"
                )
                return run
            }
        }
        let tables = RingTables(setting: setting, variants: variants, runs: runs)
        let ring = "N = \(setting.domain), R = \(setting.radius), L* = \(setting.length)"
        section.tables += [
            tables.errors("Mean squared error by length, \(ring)"), tables.relativeErrors, tables.parameters,
        ]
        section.figures += [tables.errorFigure] + tables.matrixFigures
        let averages = options.seeds.map { AveragingRun(setting, seed: $0) }
        section.tables.append(
            StudyTable(
                "Averaging two solutions trained apart",
                caption:
                    "Relative MSE at L* of the mean of two models from independent starts: the mean of C "
                    + "and w, or the mean of their tables T. Median over seeds.",
                header: ["what is averaged", "relative MSE", "our notes"],
                rows: [
                    [
                        .text("parameters C, w"), .measured(averages.map(\.ofParameters).median),
                        .number(1.97),
                    ],
                    [.text("tables T"), .measured(averages.map(\.ofTables).median), .number(1.9e-5)],
                ]
            )
        )
        section.checks += checks(setting, runs, averages)
    }

    private func checks(
        _ setting: Ring,
        _ runs: [[RingRun]],
        _ averages: [AveragingRun]
    ) -> [StudyCheck] {
        let (oneHot, sinusoidal, zero, ablation) = (runs[0], runs[1], runs[2], runs[3])
        let longest = setting.testLengths.max() ?? setting.length
        let worst = { (runs: [RingRun]) in runs.map(\.worst).max() ?? .nan }
        let middle = { (runs: [RingRun]) in runs.map(\.worst).median ?? .nan }
        return [
            StudyCheck(
                "One-hot from N(0, 1): worst MSE over lengths, median of seeds, of the order of 1e-7",
                found: middle(oneHot),
                expected: .atMost(1e-6),
                source: .paper
            ),
            StudyCheck(
                "Sinusoidal from N(0, 1): worst MSE over lengths, median of seeds, of the order of 1e-7",
                found: middle(sinusoidal),
                expected: .atMost(1e-6),
                source: .paper
            ),
            StudyCheck(
                "One-hot from C = 0, w = 1: worst MSE over lengths and seeds",
                found: worst(zero),
                expected: .atMost(1e-10),
                source: .notes
            ),
            StudyCheck(
                "T learned against T designed: MSE, median of seeds, both embeddings from N(0, 1)",
                found: (oneHot + sinusoidal).map(\.tableError).median ?? .nan,
                expected: .atMost(1e-4),
                source: .paper
            ),
            StudyCheck(
                "C learned against C designed: visibly different, MSE of the nearest",
                found: (oneHot + sinusoidal).map(\.scoreError).min() ?? .nan,
                expected: .atLeast(0.1),
                source: .paper
            ),
            StudyCheck(
                "Versatile data: lowest rank of S_Bμ",
                found: Double((oneHot + sinusoidal + zero).map(\.rank).min() ?? 0),
                expected: .atLeast(Double(setting.domain)),
                source: .paper
            ),
            StudyCheck(
                "Ablation: highest rank of S_Bμ",
                found: Double(ablation.map(\.rank).max() ?? 0),
                expected: .atMost(Double(setting.domain - 1)),
                source: .paper
            ),
            StudyCheck(
                "Ablation fits its own length: worst MSE at L = \(setting.length)",
                found: ablation.compactMap { $0.errors[setting.length] }.max() ?? .nan,
                expected: .atMost(1e-6),
                source: .notes
            ),
            StudyCheck(
                "Ablation fails at other lengths: least MSE at L = \(longest)",
                found: ablation.compactMap { $0.errors[longest] }.min() ?? .nan,
                expected: .atLeast(0.1),
                source: .paper
            ),
            StudyCheck(
                "Averaged parameters are no solution: relative MSE, median of seeds",
                found: averages.map(\.ofParameters).median ?? .nan,
                expected: .atLeast(0.5),
                source: .notes
            ),
            StudyCheck(
                "Averaged tables are one: relative MSE, median of seeds",
                found: averages.map(\.ofTables).median ?? .nan,
                expected: .atMost(1e-3),
                source: .notes
            ),
        ]
    }

    // MARK: - The paper's size

    private func addPaperSize(
        to section: inout StudySection,
        _ options: StudyOptions,
        _ progress: @Sendable (String) -> Void
    ) {
        let setting = Ring.paper
        let variants = [Self.oneHot, Self.sinusoidal, Self.zeroStart]
        let seed = options.seeds[0]
        let runs = variants.map { variant in
            let run = RingRun(setting, variant, seed: seed)
            progress("N = \(setting.domain), \(variant.name), seed \(seed): worst MSE \(run.worst.brief)")
            return [run]
        }
        let tables = RingTables(setting: setting, variants: variants, runs: runs)
        section.tables += [
            tables.errors("The paper's size: N = 360, R = 5, L* = 20, 100 000 tuples, seed \(seed)"),
            tables.parameters,
        ]
        for (variant, run) in zip(variants, runs.map { $0[0] }) {
            section.checks += [
                StudyCheck(
                    "N = 360, \(variant.name): worst MSE over lengths, of the order of 1e-7",
                    found: run.worst,
                    expected: .atMost(1e-6),
                    source: .paper
                ),
                StudyCheck(
                    "N = 360, \(variant.name): T learned against T designed, MSE",
                    found: run.tableError,
                    expected: .atMost(1e-4),
                    source: .paper
                ),
            ]
        }
        section.remarks.append(
            "The paper's size is run with one seed, and the rank of S_Bμ is computed for \(setting.ranked) "
                + "of its 360 positions."
        )
    }

    // MARK: - Words

    private static let claims = [
        StudyClaim(
            .paper,
            "One layer of linear attention trained at one length reaches zero error and keeps it at every "
                + "length (Theorems 3.1, 4.4, 4.8), with one-hot and with sinusoidal embeddings (section 7)."
        ),
        StudyClaim(
            .paper,
            "Training pins down T[μ, ν] = C[μ, ν]·w[ν] alone, not C and w (Corollary 4.9)."
        ),
        StudyClaim(
            .paper,
            "Without versatile data a perfect fit at the training length may fail at others (Remark D.3): "
                + "agents that never share a position."
        ),
        StudyClaim(
            .notes,
            "Two solutions trained apart cannot be averaged in their parameters, but in their tables."
        ),
    ]

    private static let settings = [
        Setting(
            "training",
            "the layer as a function of entity counts, in Double; Adam on the mean squared error, rate 0.1 "
                + "to 1e-5 on half a cosine; N = 60: 4000 steps of 256 tuples; N = 360: 5000 steps of 512"
        ),
        Setting("sinusoidal", "the orthonormal real Fourier basis; the change of basis is in float32"),
        Setting("tests", "fresh tuples of each length from a stream of their own; 2000, at N = 360 1000"),
        Setting(
            "ablation",
            "training and test tuples whose positions all differ; otherwise as one-hot from N(0, 1)"
        ),
    ]
}

extension Double {
    /// Three significant digits for a line of progress.
    var brief: String {
        guard isFinite, self != 0 else { return "\(self)" }
        var (mantissa, exponent) = (magnitude, 0)
        while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
        while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
        return "\(self < 0 ? "-" : "")\((mantissa * 100).rounded() / 100)e\(exponent)"
    }
}
