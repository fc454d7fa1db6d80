extension ReportPage {
    var accuracy: String {
        Page.section(
            "Accuracy",
            "pass@1 on held-out questions that no client trained on: the chance that one sampled answer is right.",
            figures: [byRound, byTopic]
        )
    }

    /// The methods that were run, in the order of charts and tables, with a score each.
    private var methods: [(name: String, style: SeriesStyle, score: Score)] {
        let scores = summary.passAt1
        let all: [(String, SeriesStyle, Score?)] = [
            ("base", .base, scores.base), ("local only", .localOnly, scores.localOnly),
            ("no swap", .noSwap, scores.noSwap), ("federated", .federated, scores.federated),
        ]
        return all.compactMap { name, style, score in score.map { (name: name, style: style, score: $0) } }
    }

    private var byRound: String? {
        let start = (x: 0.0, y: summary.passAt1.base.overall)
        let last = Double(summary.history.last?.round ?? 0)
        let lines: [(String, SeriesStyle, (RoundHistory) -> Score?)] = [
            ("federated", .federated, { $0.federated }), ("no swap", .noSwap, { $0.noSwap }),
            ("local only", .localOnly, { $0.localOnly }),
        ]
        var series = lines.compactMap { name, style, score -> LineChart.Series? in
            let points = summary.history.compactMap { round in
                score(round).map { (x: Double(round.round), y: $0.overall) }
            }
            return points.isEmpty ? nil : LineChart.Series(name: name, style: style, points: [start] + points)
        }
        guard !series.isEmpty else { return nil }
        series.append(.init(name: "base", style: .base, points: [start, (x: last, y: start.y)]))
        let names = series.map(\.name).joined(separator: ", ")
        let chart = LineChart(
            frame: ChartFrame(
                id: "by-round",
                title: "pass@1 by round",
                description: "Lines for \(names) over \(summary.rounds) rounds. The federated run ends at "
                    + "\(NumberText.percent(summary.passAt1.federated.overall)), the base model is at "
                    + "\(NumberText.percent(start.y))."
            ),
            xName: "rounds finished",
            yName: "pass@1 (%)",
            series: series,
            format: { NumberText.fixed($0 * 100, 0) }
        )
        let table = HTMLTable(
            header: ["round", "federated", "no swap", "local only"],
            rows: [["0 (base)"] + lines.map { _ in percent(start.y) }]
                + summary.history.map { round in
                    ["\(round.round)"] + lines.map { percent($0.2(round)?.overall) }
                }
        )
        return Page.figure(
            "By round",
            "Round 0 is the base model, the same for all.",
            chart: chart.svg(),
            table: table.html
        )
    }

    private var byTopic: String? {
        let methods = methods
        let topics = summary.passAt1.federated.byTopic.keys.sorted()
        let chart = BarChart(
            frame: ChartFrame(
                id: "by-topic",
                title: "pass@1 by topic",
                description: "Bars for \(methods.map(\.name).joined(separator: ", ")) in each of "
                    + "\(topics.joined(separator: ", ")). The numbers are in the table below."
            ),
            xName: "topic",
            yName: "pass@1 (%)",
            series: methods.map { ($0.name, $0.style) },
            groups: topics.map { topic in
                BarChart.Group(name: topic, values: methods.map { $0.score.byTopic[topic] })
            },
            format: { NumberText.fixed($0 * 100, 0) },
            barLabel: { NumberText.fixed($0 * 100, 0) }
        )
        let table = HTMLTable(
            header: ["topic"] + methods.map(\.name),
            rows: topics.map { topic in [topic] + methods.map { percent($0.score.byTopic[topic]) } }
                + [["all"] + methods.map { percent($0.score.overall) }]
        )
        return Page.figure(
            "By topic, at the end",
            "Labels give the federated run.",
            chart: chart.svg(),
            legend: methods.map { ($0.name, $0.style) },
            legendOfBars: true,
            table: table.html
        )
    }

    func percent(_ value: Double?) -> String { value.map { NumberText.percent($0) } ?? "–" }
}
