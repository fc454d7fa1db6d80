internal import Contract
internal import Report

/// Tables and figures of runs on the ring.
struct RingTables {
    let setting: CollidingAgents.Ring
    let variants: [CollidingAgents.Variant]
    /// `runs[variant][seed]`.
    let runs: [[RingRun]]

    private var lengths: [Int] { setting.testLengths }

    /// One row for each variant: the median over seeds for each length, and the worst of all.
    func errors(_ title: String) -> StudyTable {
        let paper: [StudyTable.Cell] =
            [.text("paper, both embeddings")]
            + lengths.map { _ in .text("~1e\u{2212}7") } + [.none]
        return table(title, worst: true, paper: paper) { $0.errors }
    }

    /// The same relative to the targets' variance, which grows with L.
    var relativeErrors: StudyTable {
        table("Relative to the targets' variance", worst: false, paper: nil) { $0.relativeErrors }
    }

    private func table(
        _ title: String,
        worst: Bool,
        paper: [StudyTable.Cell]?,
        _ values: (RingRun) -> [Int: Double]
    ) -> StudyTable {
        let columns = lengths.map { $0 == setting.length ? "L = \($0) (trained)" : "L = \($0)" }
        let rows = zip(variants, runs).map { variant, runs in
            let medians = lengths.map { length in
                StudyTable.Cell.measured(runs.compactMap { values($0)[length] }.median)
            }
            let end: [StudyTable.Cell] = worst ? [.measured(runs.map(\.worst).max())] : []
            return [.text(variant.name)] + medians + end
        }
        let seeds = runs[0].count == 1 ? "One seed." : "Medians over \(runs[0].count) seeds."
        return StudyTable(
            title,
            caption: seeds + (worst ? " The last column is the worst of all lengths and seeds." : ""),
            header: ["run"] + columns + (worst ? ["worst"] : []),
            rows: rows + (paper.map { [$0] } ?? [])
        )
    }

    /// What is left of the parameters' freedom, and the data's rank.
    var parameters: StudyTable {
        StudyTable(
            "Learned against designed parameters, N = \(setting.domain)",
            caption:
                "Medians over seeds of mean squared differences; the lowest rank of any S_Bμ, of "
                + "\(setting.domain).",
            header: ["run", "T", "raw C", "rank of S_Bμ"],
            rows: zip(variants, runs).map { variant, runs in
                [
                    .text(variant.name), .measured(runs.map(\.tableError).median),
                    .measured(runs.map(\.scoreError).median), .count(runs.map(\.rank).min() ?? 0),
                ]
            } + [
                [
                    .text("paper"), .text("1e\u{2212}5 … 1e\u{2212}4"), .text("visibly different"),
                    .text("full"),
                ]
            ]
        )
    }

    // MARK: - Figures

    /// Error against length.
    var errorFigure: Figure {
        Figure(
            "Error against length",
            caption:
                "Mean squared error on fresh tuples, trained at L = \(setting.length) alone; medians over "
                + "seeds.",
            .lines(
                .init(
                    xName: "L",
                    yName: "mean squared error",
                    yScale: .logarithmic,
                    series: zip(variants, runs).map { variant, runs in
                        .init(
                            variant.name,
                            x: lengths.map(Double.init),
                            y: lengths.map { length in runs.compactMap { $0.errors[length] }.median ?? 0 }
                        )
                    }
                )
            )
        )
    }

    /// T designed and learned, at the ring's seam.
    var matrixFigures: [Figure] {
        let designed = matrix(
            "\u{2212}T designed",
            "\u{2212}T[μ, ν] is 1 where two positions collide.",
            setting.table
        )
        return [designed]
            + zip(variants, runs).filter { $0.0.start == .normal }.map { variant, runs in
                matrix(
                    "\u{2212}T learned: \(variant.name)",
                    "MSE to the designed one \(runs[0].tableError.brief), first seed.",
                    runs[0].table
                )
            }
    }

    private func matrix(_ title: String, _ caption: String, _ table: [Double]) -> Figure {
        let half = 10
        let places = (-half..<half).map { ($0 + setting.domain) % setting.domain }
        let names = places.map { "\($0)" }
        return Figure(
            title,
            caption: caption + " Twenty positions around the ring's seam; rows μ, columns ν.",
            .heatMap(
                .init(
                    rows: names,
                    columns: names,
                    values: places.map { row in places.map { -table[row * setting.domain + $0] } }
                )
            )
        )
    }
}
