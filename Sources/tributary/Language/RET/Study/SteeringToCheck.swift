internal import Contract
internal import Foundation
internal import Models
internal import Randomness
internal import Report
internal import Tasks
internal import Tensors
internal import Trainers

/// Whether pushing the states towards the macrostate of checking makes the model check more.
struct SteeringToCheck: StudyExperiment {
    let name = "steering"
    let title = "Steering towards checking"
    var worlds: PhaseWorlds

    /// Completions of a row.
    private static let completions = 60
    private static let strengths = [0.2, 0.3, 0.4, 0.5]
    /// The strength at which rows are compared.
    static let strength = 0.4
    /// Random directions.
    private static let randoms = 5

    /// What one way of steering came to.
    private struct Outcome: Sendable {
        /// The part of the tokens in the target group, read without steering.
        var rate: Double
        /// The part of the tokens behind a cue word of checking.
        var trueRate: Double
        /// Of the completions under the model without steering.
        var perplexity: Double
    }

    private struct Run: Sendable {
        /// How much of the target group is checking, and how much of checking is in it.
        var purity: Double
        var recall: Double
        /// Whether the target was refused, its group being no match for checking.
        var isRefused: Bool
        var rows: [String: Outcome]
    }

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let worlds = worlds
        let runs = try await withoutActuallyEscaping(progress) { progress in
            try await inPairs(options.seeds) { seed -> Run in
                let world = try worlds.world(seed: seed, isQuick: options.isQuick, progress: progress)
                let macrostates = try worlds.macrostates(world, seed: seed)
                let strengths = options.isQuick ? [Self.strength] : Self.strengths
                let run = try Self.measure(world, macrostates, strengths, seed: seed)
                progress(
                    "seed \(seed): checking unsteered \(twoDecimals(run.rows["unsteered"]?.trueRate)), "
                        + "future group "
                        + twoDecimals(run.rows[Self.key(.futureGroup, Self.strength)]?.trueRate)
                )
                return run
            }
        }
        return section(options, runs)
    }

    private static func key(_ method: SteeringMethod, _ strength: Double) -> String {
        "\(method.rawValue) \(strength)"
    }

    private static func measure(
        _ world: PhaseWorld,
        _ learned: LearnedMacrostates,
        _ strengths: [Double],
        seed: UInt64
    ) throws -> Run {
        let sample = world.sample
        let train = sample.subset(RETRecipe.layer, sample.train)
        var macrostates = Macrostates(
            source: train.set.source,
            shape: RETRecipe.shape,
            net: learned.weights,
            centroids: learned.score.centroids
        )
        try macrostates.fit(train, groups: GroupScore.groups, seed: seed)
        let labels = macrostates.centroids.assign(learned.z.values)
        /// The group with most of a phase's tokens in the first half.
        func group(of phase: PhaseLanguage.Phase) -> (group: Int, purity: Double, recall: Double) {
            var meets = [Int](repeating: 0, count: GroupScore.groups)
            var sizes = meets
            for row in sample.rows(of: sample.train) where sample.phases[row] >= 0 {
                sizes[Int(labels[row])] += 1
                if sample.phases[row] == Int32(phase.index) { meets[Int(labels[row])] += 1 }
            }
            let best = meets.indices.max { meets[$0] < meets[$1] } ?? 0
            let all = meets.reduce(0, +)
            return (
                best, Double(meets[best]) / Double(max(1, sizes[best])),
                Double(meets[best]) / Double(max(1, all))
            )
        }
        let target = group(of: .check)
        let net = try learned.makeNet()
        func outcome(_ steering: Steering?) throws -> Outcome {
            let decoder = LanguageDecoder(world.model)
            // The same prompts and the same random numbers for every row.
            let texts = PhaseSample.draw(
                decoder,
                world.language,
                count: completions,
                seed: seed + 10_000,
                hook: steering?.hook()
            ).filter { !$0.completion.isEmpty }
            let read = PhaseSample(decoder, world.model, texts)
            let z = try net.encode(read.subset(RETRecipe.layer, Array(read.rows.indices)))
            let groups = macrostates.centroids.assign(z)
            let batch = PackedBatch(groups: texts.map { ($0.prompt, [$0.completion]) })
            let tape = Tape(recording: false, workspace: decoder.workspace)
            let logProbs = decoder.responseLogProbs(tape: tape, batch: batch).values
            let total = Double(max(1, groups.count))
            return Outcome(
                rate: Double(groups.count { $0 == Int32(target.group) }) / total,
                trueRate: Double(read.phases.count { $0 == Int32(PhaseLanguage.Phase.check.index) }) / total,
                perplexity: exp(-logProbs.reduce(0.0) { $0 + Double($1) } / Double(logProbs.count))
            )
        }
        func steered(_ method: SteeringMethod, _ strength: Double, group: Int) throws -> Outcome {
            try outcome(
                try Steering(
                    macrostates,
                    group: group,
                    strength: strength,
                    method: method,
                    ignoresRecall: true
                )
            )
        }
        var rows = ["unsteered": try outcome(nil)]
        for method in SteeringMethod.allCases {
            for strength in strengths {
                rows[key(method, strength)] = try steered(method, strength, group: target.group)
            }
        }
        for index in 0..<randoms {
            rows["random \(index)"] = try outcome(
                try Steering(randomDirection: index, of: macrostates, strength: strength, seed: seed)
            )
        }
        let other = group(of: .plan).group
        rows["other group"] = try steered(.futureGroup, strength, group: other)
        rows["sign flip"] = try steered(.futureGroup, -strength, group: target.group)
        return Run(
            purity: target.purity,
            recall: target.recall,
            isRefused: target.recall < 0.5,
            rows: rows
        )
    }

    // MARK: - Results

    private func section(_ options: StudyOptions, _ runs: [Run]) -> StudySection {
        let kept = runs.filter { !$0.isRefused }
        func values(_ key: String, _ value: (Outcome) -> Double) -> [Double] {
            kept.compactMap { $0.rows[key].map(value) }
        }
        func randoms(_ value: (Outcome) -> Double) -> [Double] {
            kept.map { run in
                (0..<Self.randoms).compactMap { run.rows["random \($0)"].map(value) }.mean ?? .nan
            }
        }
        let strengths = options.isQuick ? [Self.strength] : Self.strengths
        var keys: [(name: String, key: String)] = [("unsteered", "unsteered")]
        for method in SteeringMethod.allCases {
            keys += strengths.map { ("\(Self.name(of: method)), \($0)", Self.key(method, $0)) }
        }
        keys += [
            ("another group (plan), \(Self.strength)", "other group"),
            ("sign flip, \(Self.strength)", "sign flip"),
        ]
        let rows =
            keys.map { name, key -> [StudyTable.Cell] in
                [
                    .text(name), .spread(values(key) { $0.rate }), .spread(values(key) { $0.trueRate }),
                    .spread(values(key) { $0.perplexity }),
                ]
            } + [
                [
                    .text("random, mean of \(Self.randoms), \(Self.strength)"), .spread(randoms { $0.rate }),
                    .spread(randoms { $0.trueRate }), .spread(randoms { $0.perplexity }),
                ]
            ]
        let checks = SteeringMethod.allCases.flatMap { method -> [StudyCheck] in
            let key = Self.key(method, Self.strength)
            let name = "\(Self.name(of: method)) at \(Self.strength)"
            let plain = values("unsteered") { $0.perplexity }.mean ?? .nan
            return [
                StudyCheck(
                    "\(name): rate of the group, read unsteered, over the mean of random directions",
                    found: (values(key) { $0.rate }.mean ?? .nan) / (randoms { $0.rate }.mean ?? .nan),
                    expected: .atLeast(2)
                ),
                StudyCheck(
                    "\(name): rate by cue words over the mean of random directions",
                    found: (values(key) { $0.trueRate }.mean ?? .nan)
                        / (randoms { $0.trueRate }.mean ?? .nan),
                    expected: .atLeast(2)
                ),
                StudyCheck(
                    "\(name): perplexity over that without steering",
                    found: (values(key) { $0.perplexity }.mean ?? .nan) / plain,
                    expected: .atMost(1.5)
                ),
            ]
        }
        return StudySection(
            name: name,
            title: title,
            claims: Self.claims,
            settings: [
                Setting(
                    "rows",
                    "\(Self.completions) completions each, same prompts and same random numbers; "
                        + "standard language, pushed at layer \(RETRecipe.layer) at every new token by the "
                        + "strength in median state lengths"
                ),
                Setting(
                    "measured",
                    "on an unsteered pass over what was written, since in a steered one the push "
                        + "itself moves the macrostates"
                ),
            ],
            tables: [
                StudyTable(
                    "The target group",
                    caption:
                        "A group that has less than half of checking is no target: the seed is left "
                        + "out of what follows.",
                    header: ["seed", "purity", "recall", "target"],
                    rows: zip(options.seeds, runs).map { seed, run in
                        [
                            .count(Int(seed)), .number(run.purity), .number(run.recall),
                            .text(run.isRefused ? "refused" : "taken"),
                        ]
                    }
                ),
                StudyTable(
                    "What steering does",
                    caption: "Mean over seeds, worst and best.",
                    header: ["push", "rate of the group", "rate by cue words", "perplexity"],
                    rows: rows
                ),
            ],
            figures: options.isQuick || kept.isEmpty
                ? []
                : [
                    Figure(
                        "Checking by strength",
                        caption: "Part of the tokens behind a cue word of checking; means over seeds.",
                        .lines(
                            .init(
                                xName: "strength",
                                yName: "rate",
                                series: SteeringMethod.allCases.map { method in
                                    .init(
                                        Self.name(of: method),
                                        x: [0] + strengths,
                                        y: [values("unsteered") { $0.trueRate }.mean ?? 0]
                                            + strengths.map { strength in
                                                values(Self.key(method, strength)) { $0.trueRate }.mean ?? 0
                                            }
                                    )
                                }
                            )
                        )
                    )
                ],
            checks: checks,
            remarks: [
                "What can be concluded: whether more of a phase is written at a price in perplexity. "
                    + "Not: that anything is checked, since clauses of checking check nothing here."
            ]
                + (kept.count < runs.count
                    ? ["\(runs.count - kept.count) of \(runs.count) seeds have no group to steer to."] : [])
        )
    }

    private static func name(of method: SteeringMethod) -> String {
        switch method {
        case .meanDifference: "mean difference"
        case .futureGroup: "future group"
        case .encoderGradient: "encoder gradient"
        }
    }

    private static let claims = [
        StudyClaim(
            .paper,
            "Macrostates are handles to steer generation towards chosen phases, without supervision "
                + "(abstract)."
        ),
        StudyClaim(
            .notes,
            "The future-group direction raised the rate 1.6 times over two random directions at 1.2 "
                + "times the perplexity, over three seeds of which one had no clean group; the ranking of "
                + "the three directions was open."
        ),
    ]
}
