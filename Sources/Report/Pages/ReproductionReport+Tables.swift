extension ReproductionReport {
    typealias Table = (header: [String], rows: [[String]])

    /// One row for each method: overall, worst topic, each topic, then the other metrics.
    var methodTable: Table {
        let (topics, metrics) = (reproduction.topics, reproduction.metricNames)
        let header = ["method", "pass@1 %"] + topics + ["worst"] + metrics
        var rows = reproduction.methods.map { method in
            let runs = method.runs
            let worst = runs.compactMap { $0.passAt1.byTopic.values.min() }
            return [method.name, interval(runs.map(\.passAt1.overall))]
                + topics.map { topic in mean(runs.compactMap { $0.passAt1.byTopic[topic] }) } + [mean(worst)]
                + metrics.map { name in
                    let values = runs.compactMap { $0.metrics[name] }
                    return values.isEmpty ? "–" : NumberText.fixed(Statistics(values).mean, 3)
                }
        }
        if let base = reproduction.base {
            let worst = base.byTopic.values.min().map { mean([$0]) } ?? "–"
            let row =
                ["base", NumberText.fixed(base.overall * 100, 1)]
                + topics.map { topic in base.byTopic[topic].map { mean([$0]) } ?? "–" } + [worst]
            rows.insert(row + metrics.map { _ in "–" }, at: 0)
        }
        return (header, rows)
    }

    /// One row for each comparison.
    var differenceTable: Table {
        let rows = reproduction.pairedDifferences.map { difference in
            let statistics = difference.statistics
            let error =
                statistics.count > 1 ? " ± \(NumberText.fixed(statistics.standardError * 100, 1))" : ""
            return [
                label(difference), NumberText.points(statistics.mean) + error,
                "\(difference.wins) of \(statistics.count)",
            ]
        }
        return (["paired difference", "points", "better in"], rows)
    }

    /// One row for each seed, one column for each method.
    var seedTable: String {
        HTMLTable(
            header: ["seed"] + reproduction.methods.map(\.name),
            rows: reproduction.seeds.map { seed in
                ["\(seed)"]
                    + reproduction.methods.map { method in
                        method.run(seed: seed).map { NumberText.percent($0.passAt1.overall) } ?? "–"
                    }
            }
        ).html
    }

    func label(_ difference: PairedDifference) -> String {
        "\(difference.comparison.method) \(NumberText.minus) \(difference.comparison.against)"
    }

    private func interval(_ values: [Double]) -> String {
        guard !values.isEmpty else { return "–" }
        let statistics = Statistics(values)
        let text = NumberText.fixed(statistics.mean * 100, 1)
        return values.count > 1 ? "\(text) ± \(NumberText.fixed(statistics.standardError * 100, 1))" : text
    }

    private func mean(_ values: [Double]) -> String {
        values.isEmpty ? "–" : NumberText.fixed(Statistics(values).mean * 100, 1)
    }
}
