internal import Contract

extension ReportPage {
    var heldOut: String {
        Page.section("Held-out \(summary.measure.name)", explanation, figures: [byRound, bySlice])
    }

    /// What the measure says, as far as the trainer tells.
    private var explanation: String {
        let (name, meaning) = (summary.measure.name, summary.measure.meaning)
        let sentence =
            meaning.isEmpty
            ? "\(name), measured on the coordinator's held-out set."
            : "\(name) is \(meaning), on the coordinator's held-out set."
        return [sentence, measureText.direction, compared].filter { !$0.isEmpty }.joined(separator: " ")
    }

    /// What was found of the held-out items among those that are learnt from.
    private var compared: String {
        guard let overlap = summary.overlap else {
            return "Whether clients have items of it was not checked."
        }
        let found = overlap.description
        let rest =
            overlap.clients.isEmpty
            ? " Each client compared its private ones on its own host and has the result in its log." : ""
        return found.prefix(1).uppercased() + found.dropFirst() + "." + rest
    }

    /// The methods that were run, in the order of charts and tables, with a score each.
    private var methods: [(name: String, style: SeriesStyle, score: Score)] {
        let scores = summary.scores
        let all: [(String, SeriesStyle, Score?)] = [
            ("base", .base, scores.base), ("local only", .localOnly, scores.localOnly),
            ("no swap", .noSwap, scores.noSwap), ("federated", .federated, scores.federated),
        ]
        return all.compactMap { name, style, score in score.map { (name: name, style: style, score: $0) } }
    }

    private var byRound: String? {
        let start = (x: 0.0, y: summary.scores.base.overall)
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
                title: "\(summary.measure.name) by round",
                description: "Lines for \(names) over \(summary.rounds) rounds. The federated run ends at "
                    + "\(measureText.value(summary.scores.federated.overall)), the base model is at "
                    + "\(measureText.value(start.y))."
            ),
            xName: "rounds finished",
            yName: measureText.axis,
            series: series,
            factor: measureText.factor,
            zero: summary.measure.unit == .fraction
        )
        let table = HTMLTable(
            header: ["round", "federated", "no swap", "local only"],
            rows: [["0 (base)"] + lines.map { _ in measureText.value(start.y) }]
                + summary.history.map { round in
                    ["\(round.round)"] + lines.map { measureText.value($0.2(round)?.overall) }
                }
        )
        return Page.figure(
            "By round",
            "Round 0 is the base model, the same for all.",
            chart: chart.svg(),
            table: table.html
        )
    }

    /// With more slices than this a chart shows those that changed the most, and all are a click away.
    private static let slicesMax = 30
    private static let slicesShown = 20

    private var bySlice: String? {
        let methods = methods
        let noun = summary.measure.slice
        let slices = summary.scores.federated.bySlice.keys.sorted()
        let isCut = slices.count > Self.slicesMax
        let most = slices.sorted { (change(in: $0), $1) > (change(in: $1), $0) }.prefix(Self.slicesShown)
        let chart = sliceChart(isCut ? most.sorted() : slices, id: "by-slice")
        let whole =
            isCut
            ? sliceChart(slices, id: "by-every-slice").svg().map {
                "<summary>All \(slices.count)</summary>\($0)"
            }
            : nil
        let table = HTMLTable(
            header: [noun] + methods.map(\.name),
            rows: slices.map { slice in [slice] + methods.map { measureText.value($0.score.bySlice[slice]) } }
                + [["all"] + methods.map { measureText.value($0.score.overall) }]
        )
        return Page.figure(
            "By \(noun), at the end",
            isCut
                ? "\(Self.slicesShown) of \(slices.count): those that changed the most from the base. Labels give the "
                    + "federated run."
                : "Labels give the federated run.",
            chart: chart.svg().map { $0 + (whole.map { "<details>\($0)</details>" } ?? "") },
            legend: methods.map { ($0.name, $0.style) },
            shape: .bar,
            table: table.html
        )
    }

    /// How far the federated run is from the base in a slice.
    private func change(in slice: String) -> Double {
        let scores = summary.scores
        return abs((scores.federated.bySlice[slice] ?? 0) - (scores.base.bySlice[slice] ?? 0))
    }

    private func sliceChart(_ slices: [String], id: String) -> BarChart {
        let methods = methods
        let noun = summary.measure.slice
        return BarChart(
            frame: ChartFrame(
                id: id,
                title: "\(summary.measure.name) by \(noun)",
                description: "Bars for \(methods.map(\.name).joined(separator: ", ")) in each of "
                    + "\(slices.joined(separator: ", ")). The numbers are in the table below."
            ),
            xName: noun,
            yName: measureText.axis,
            series: methods.map { ($0.name, $0.style) },
            groups: slices.map { slice in
                BarChart.Group(name: slice, values: methods.map { $0.score.bySlice[slice] })
            },
            factor: measureText.factor,
            barLabel: measureText.labels(of: slices.compactMap { summary.scores.federated.bySlice[$0] })
        )
    }
}
