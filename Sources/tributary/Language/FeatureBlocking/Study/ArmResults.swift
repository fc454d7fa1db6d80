internal import Contract
internal import Report
internal import Trainers

/// What some arms came to on some bases, all with the same fine-tuning seeds: everything is paired.
struct ArmResults: Sendable {
    /// The rows.
    let arms: [FineTuningArm]
    /// By base, arm and fine-tuning seed.
    let outcomes: [[[FineTuningArm.Outcome]]]

    /// A figure of an outcome.
    typealias Value = @Sendable (FineTuningArm.Outcome) -> Double

    /// The place of an arm.
    func place(_ name: String) -> Int? { arms.firstIndex { $0.name == name } }

    /// An arm's figure, one for each base: the mean over fine-tuning seeds.
    func perBase(_ name: String, _ value: Value) -> [Double] {
        guard let place = place(name) else { return [] }
        return outcomes.map { $0[place].map(value).mean ?? .nan }
    }

    /// An arm's mean over bases.
    func mean(_ name: String, _ value: Value) -> Double { perBase(name, value).mean ?? .nan }

    /// Differences of two arms' EM by base.
    func difference(_ name: String, _ other: String) -> [Double] {
        zip(perBase(name) { $0.score.misaligned }, perBase(other) { $0.score.misaligned }).map { $0 - $1 }
    }

    /// The table of all arms.
    func table(_ title: String, caption: String) -> StudyTable {
        StudyTable(
            title,
            caption: caption,
            header: [
                "fine-tuning", "EM", "EM of coherent", "greedy EM", "incoherent", "adherence",
                "penalty on unseen prompts",
            ],
            rows: arms.map { arm in
                [
                    .text(arm.name), .spread(perBase(arm.name) { $0.score.misaligned }),
                    .spread(perBase(arm.name) { $0.score.misalignedOfCoherent }),
                    .spread(perBase(arm.name) { $0.score.greedyMisaligned }),
                    .spread(perBase(arm.name) { $0.score.incoherent }),
                    .spread(perBase(arm.name) { $0.adherence.probability }),
                    .spread(perBase(arm.name) { $0.unseenPenalty }),
                ]
            }
        )
    }

    /// EM, base by base.
    func byBase(_ names: [String], seeds: [UInt64]) -> StudyTable {
        StudyTable(
            "EM by base",
            caption: "Means over fine-tuning seeds; adherence in brackets.",
            header: ["fine-tuning"] + seeds.map { "base \($0)" },
            rows: names.filter { place($0) != nil }.map { name in
                let (em, kept) = (
                    perBase(name) { $0.score.misaligned }, perBase(name) { $0.adherence.probability }
                )
                return [.text(name)]
                    + zip(em, kept).map { .text("\(twoDecimals($0)) (\(twoDecimals($1)))") }
            }
        )
    }

    /// Paired differences of EM, over bases.
    func differences(_ pairs: [(String, String)]) -> StudyTable {
        StudyTable(
            "Paired differences of EM",
            caption: "Mean ± standard error over bases, each the mean of its fine-tuning seeds.",
            header: ["difference", "mean", "standard error", "lower in"],
            rows: pairs.filter { place($0.0) != nil && place($0.1) != nil }.map { one, other in
                let values = difference(one, other)
                let error = values.deviation / Double(max(values.count, 1)).squareRoot()
                return [
                    .text("\(one) − \(other)"), .number(values.mean ?? .nan), .number(error),
                    .text("\(values.count { $0 < 0 }) of \(values.count)"),
                ]
            }
        )
    }

    /// EM against adherence: one line through the arms of each family, in their order.
    func pareto(_ families: [(name: String, arms: [String])]) -> Figure {
        Figure(
            "EM against adherence",
            caption:
                "Means over bases; down and to the right is better. Families of weights or steps are joined.",
            .lines(
                Figure.Lines(
                    xName: "adherence",
                    yName: "EM",
                    series: families.map { family in
                        let names = family.arms.filter { place($0) != nil }
                        return Figure.Lines.Series(
                            family.name,
                            x: names.map { mean($0) { $0.adherence.probability } },
                            y: names.map { mean($0) { $0.score.misaligned } }
                        )
                    }
                )
            )
        )
    }

    /// The least EM of some arms whose adherence keeps to a share of plain fine-tuning's, by base; the best arm is picked for each
    /// base, which favours families with many arms.
    func bestEM(of names: [String], keeping share: Double) -> [Double?] {
        let plain = perBase("plain") { $0.adherence.probability }
        return plain.indices.map { base in
            names.compactMap { name -> Double? in
                guard let place = place(name) else { return nil }
                let kept = outcomes[base][place].map(\.adherence.probability).mean ?? 0
                guard kept >= share * plain[base] else { return nil }
                return outcomes[base][place].map(\.score.misaligned).mean
            }.min()
        }
    }
}
