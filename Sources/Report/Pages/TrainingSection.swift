/// Curves of what clients measured by step, as pages of runs and of clients show them.
struct TrainingSection {
    let curves: TrainingCurves

    /// How many charts are open from the beginning, at most.
    private static let shown = 6

    /// The section; nothing where no step was recorded.
    var html: String {
        guard !curves.isEmpty else { return "" }
        // What stays the same in all steps, such as a clip ratio of one update a batch, says less than what moves.
        let names = curves.figures(isPublic: false)
        let local = (names.filter(moves) + names.filter { !moves($0) }).enumerated().map {
            chart($1, "local-\($0)", isPublic: false)
        }
        let others = curves.figures(isPublic: true).enumerated().map {
            chart($1, "public-\($0)", isPublic: true)
        }
        let open = max(1, min(Self.shown, names.count(where: moves)))
        let (first, rest) = (local.prefix(open), local.dropFirst(open))
        return "<section>" + Markup.text("h2", [:], "Training, step by step") + Markup.text("p", [:], text)
            + figures(Array(first) + [time])
            + folded("Further figures of steps on private data", Array(rest))
            + folded("Figures of public steps", others) + "</section>\n"
    }

    /// Whether a figure of private steps is more than one value with rounding errors.
    private func moves(_ figure: String) -> Bool {
        let values = curves.clients.flatMap { curves.points(figure, of: $0, isPublic: false).map(\.y) }
        guard let lowest = values.min(), let highest = values.max() else { return false }
        return highest - lowest > 1e-9 * max(1, abs(lowest), abs(highest))
    }

    private var text: String {
        let points =
            curves.width > 1 ? " A point is the mean over \(curves.width) neighbouring steps." : ""
        let whose =
            curves.clients.count > 1
            ? "What clients reported of steps on their own data"
            : "What was measured of steps on private data"
        return "\(whose), from metrics.jsonl.\(points)"
    }

    private func figures(_ all: [String?]) -> String {
        Markup.element("div", ["class": "figures"], all.compactMap { $0 }.joined(separator: "\n"))
    }

    private func folded(_ title: String, _ all: [String?]) -> String {
        let drawn = all.compactMap { $0 }
        guard !drawn.isEmpty else { return "" }
        return "<details class=\"more\"><summary>" + Markup.escape("\(title) (\(drawn.count))") + "</summary>"
            + figures(all) + "</details>"
    }

    private func chart(_ figure: String, _ id: String, isPublic: Bool) -> String? {
        let lines = curves.clients.map { client in
            (client: client, points: curves.points(figure, of: client, isPublic: isPublic))
        }.filter { !$0.points.isEmpty }
        let style = { (client: String) -> SeriesStyle in
            curves.clients.count == 1
                ? .plain : .numbered(curves.clients.firstIndex(of: client) ?? 0)
        }
        let ends = lines.map { line in
            "\(line.client) from \(text(line.points.first?.y)) to \(text(line.points.last?.y))"
        }
        let chart = LineChart(
            frame: ChartFrame(
                id: "step-\(id)",
                title: "\(figure) by step",
                description: ends.joined(separator: ", "),
                height: 240
            ),
            xName: "step",
            yName: "",
            series: lines.map { .init(name: $0.client, style: style($0.client), points: $0.points) },
            zero: false
        )
        let table = HTMLTable(
            header: ["client", "first", "last", "lowest", "highest"],
            rows: lines.map { line in
                let values = line.points.map(\.y)
                return [line.client] + [values.first, values.last, values.min(), values.max()].map(text)
            }
        )
        return Page.figure(
            figure,
            "",
            chart: chart.svg(),
            legend: chart.namesLines ? [] : lines.map { ($0.client, style($0.client)) },
            shape: .line,
            table: table.html
        )
    }

    private func text(_ value: Double?) -> String { value.map(NumberText.significant) ?? "–" }

    private var time: String? {
        let parts = [
            ("sampling", SeriesStyle.numbered(0)), ("training", .numbered(1)), ("waiting", .numbered(2)),
        ]
        let clients = curves.clients.filter { curves.seconds[$0] != nil }
        let values = { (client: String) in parts.map { curves.seconds[client]?[$0.0] } }
        let chart = BarChart(
            frame: ChartFrame(
                id: "step-seconds",
                title: "Seconds of sampling, training and waiting by client",
                description: clients.map { client in
                    "\(client): "
                        + parts.map { "\($0.0) \(text(curves.seconds[client]?[$0.0]))" }
                        .joined(separator: ", ")
                }.joined(separator: "; "),
                height: 240
            ),
            xName: "client",
            yName: "seconds",
            series: parts.map { (name: $0.0, style: $0.1) },
            groups: clients.map { BarChart.Group(name: $0, values: values($0)) }
        )
        let table = HTMLTable(
            header: ["client"] + parts.map(\.0),
            rows: clients.map { client in
                [client] + values(client).map { $0.map { NumberText.seconds($0) } ?? "–" }
            }
        )
        return Page.figure(
            "Where the time went",
            "Of all steps; waiting is for the coordinator, and through it for the others.",
            chart: chart.svg(),
            legend: parts.map { (name: $0.0, style: $0.1) },
            shape: .bar,
            table: table.html
        )
    }
}
