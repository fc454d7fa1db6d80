internal import Contract

extension ReproductionReport {
    typealias Table = (header: [String], rows: [[String]])

    /// One row for each method: overall, each slice, the worst slice, then the other metrics.
    var methodTable: Table {
        let (slices, metrics) = (reproduction.slices, reproduction.metricNames)
        let measure = reproduction.measure
        let name = measure.unit == .fraction ? "\(measure.name) %" : measure.name
        let header = ["method", name] + slices + ["worst"] + metrics
        var rows = reproduction.methods.map { method in
            let runs = method.runs
            return [method.name, interval(runs.map(\.score.overall))]
                + slices.map { slice in mean(runs.compactMap { $0.score.bySlice[slice] }) }
                + [mean(runs.compactMap { worst($0.score) })]
                + metrics.map { name in
                    let values = runs.compactMap { $0.metrics[name] }
                    return values.isEmpty ? "–" : NumberText.fixed(Statistics(values).mean, 3)
                }
        }
        if let base = reproduction.base {
            let row =
                ["base", measureText.bare(base.overall)]
                + slices.map { slice in base.bySlice[slice].map(measureText.bare) ?? "–" }
                + [worst(base).map(measureText.bare) ?? "–"]
            rows.insert(row + metrics.map { _ in "–" }, at: 0)
        }
        return (header, rows)
    }

    /// One row for each comparison.
    var differenceTable: Table {
        let rows = reproduction.pairedDifferences.map { difference in
            [
                label(difference), measureText.withError(difference.statistics, signed: true),
                "\(difference.wins) of \(difference.statistics.count)",
            ]
        }
        let unit = reproduction.measure.unit == .fraction ? "points" : "difference"
        return (["paired difference", unit, "better in"], rows)
    }

    /// One row for each seed, one column for each method.
    var seedTable: String {
        HTMLTable(
            header: ["seed"] + reproduction.methods.map(\.name),
            rows: reproduction.seeds.map { seed in
                ["\(seed)"]
                    + reproduction.methods.map { method in
                        measureText.value(method.run(seed: seed)?.score.overall)
                    }
            }
        ).html
    }

    func label(_ difference: PairedDifference) -> String {
        "\(difference.comparison.method) \(NumberText.minus) \(difference.comparison.against)"
    }

    private func worst(_ score: Score) -> Double? {
        score.bySlice.values.max { reproduction.measure.isBetter($0, than: $1) }
    }

    private func interval(_ values: [Double]) -> String {
        values.isEmpty ? "–" : measureText.withError(Statistics(values))
    }

    private func mean(_ values: [Double]) -> String {
        values.isEmpty ? "–" : measureText.bare(Statistics(values).mean)
    }
}
