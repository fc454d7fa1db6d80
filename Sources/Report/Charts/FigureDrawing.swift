internal import Contract

/// Draws figures of trainers and monitors. What of a figure makes no sense, such as values that are not finite
/// or indices that name nothing, is left out.
extension Figure {
    /// The figure with its heading, its legend and its numbers; nil if nothing of it can be drawn.
    ///
    /// - Parameter id: Unique on the page.
    func html(id: String) -> String? {
        switch content {
        case .lines(let lines): draw(lines, id)
        case .bars(let bars): draw(bars, id)
        case .intervals(let intervals): draw(intervals, id)
        case .heatMap(let map): draw(map, id)
        case .graph(let graph): draw(graph, id)
        case .annotatedText(let text): draw(text)
        }
    }

    private func frame(_ id: String, _ description: String) -> ChartFrame {
        ChartFrame(id: id, title: title, description: "\(description) The numbers are in the table below.")
    }

    private func draw(_ lines: Lines, _ id: String) -> String? {
        let names = lines.series.map(\.name).joined(separator: ", ")
        let chart = LineChart(
            frame: frame(id, "Lines for \(names) over \(lines.xName)."),
            xName: lines.xName,
            yName: lines.yName,
            series: lines.series.enumerated().map { index, series in
                LineChart.Series(
                    name: series.name,
                    style: .numbered(index),
                    points: zip(series.x, series.y).map { (x: $0, y: $1) }
                )
            },
            zero: false,
            xIsLogarithmic: lines.xScale == .logarithmic,
            yIsLogarithmic: lines.yScale == .logarithmic
        )
        let isNamed = chart.namesLines && lines.series.allSatisfy { $0.name.count <= LineChart.nameMax }
        let columns = lines.series.map { series in
            Dictionary(zip(series.x, series.y), uniquingKeysWith: { first, _ in first })
        }
        let places = Set(columns.flatMap(\.keys)).filter(\.isDrawable).sorted()
        let table = HTMLTable(
            header: [lines.xName] + lines.series.map(\.name),
            rows: places.map { x in [NumberText.short(x)] + columns.map { Self.text($0[x]) } }
        )
        return Page.figure(
            title,
            caption,
            chart: chart.svg(),
            legend: lines.series.count < 2 || isNamed ? [] : Self.legend(lines.series.map(\.name)),
            shape: .line,
            table: table.html
        )
    }

    private func draw(_ bars: Bars, _ id: String) -> String? {
        let names = bars.series.map(\.name)
        let groups = bars.groups.enumerated().map { index, name in
            BarChart.Group(
                name: name,
                values: bars.series.map { index < $0.values.count ? $0.values[index] : nil }
            )
        }
        let chart = BarChart(
            frame: frame(id, "Bars for \(names.joined(separator: ", ")) by \(bars.xName)."),
            xName: bars.xName,
            yName: bars.yName,
            series: names.enumerated().map { ($1, .numbered($0)) },
            groups: groups,
            barLabel: names.count == 1 ? { NumberText.short($0) } : nil
        )
        let table = HTMLTable(
            header: [bars.xName] + names,
            rows: groups.map { [$0.name] + $0.values.map(Self.text) }
        )
        return Page.figure(
            title,
            caption,
            chart: chart.svg(),
            legend: names.count < 2 ? [] : Self.legend(names),
            shape: .bar,
            table: table.html
        )
    }

    private func draw(_ intervals: Intervals, _ id: String) -> String? {
        let chart = IntervalChart(
            frame: frame(id, "One row for each of \(intervals.rows.map(\.name).joined(separator: ", "))."),
            xName: intervals.xName,
            rows: intervals.rows.map { row in
                IntervalChart.Row(
                    name: row.name,
                    value: row.value,
                    low: row.interval?.low,
                    high: row.interval?.high,
                    style: .plain
                )
            },
            valueText: NumberText.significant
        )
        let table = HTMLTable(
            header: ["", intervals.xName, "from", "to"],
            rows: intervals.rows.map { row in
                [row.name, Self.text(row.value), Self.text(row.interval?.low), Self.text(row.interval?.high)]
            }
        )
        return Page.figure(title, caption, chart: chart.svg(), table: table.html)
    }

    private func draw(_ map: HeatMap, _ id: String) -> String? {
        let chart = HeatMapChart(
            frame: frame(id, "\(map.rows.count) rows and \(map.columns.count) columns of shaded cells."),
            map: map
        )
        let table = HTMLTable(
            header: [""] + map.columns,
            rows: map.rows.indices.map { row in
                [map.rows[row]] + map.columns.indices.map { Self.text(chart.value(row, $0)) }
            }
        )
        return Page.figure(title, caption, chart: chart.svg(), isWide: chart.isWide, table: table.html)
    }

    private func draw(_ graph: Graph, _ id: String) -> String? {
        let chart = GraphChart(
            frame: frame(
                id,
                "\(graph.nodes.count) nodes on a circle: "
                    + "\(graph.nodes.map(\.name).joined(separator: ", ")). Stronger edges are thicker."
            ),
            graph: graph
        )
        let nodes = HTMLTable(
            header: ["node", "weight"],
            rows: graph.nodes.map { [$0.name, Self.text($0.weight)] }
        )
        let edges = HTMLTable(
            header: graph.isDirected ? ["from", "to", "weight"] : ["node", "and", "weight"],
            rows: chart.edges.map { edge in
                [graph.nodes[edge.from].name, graph.nodes[edge.to].name, Self.text(edge.weight)]
            }
        )
        return Page.figure(
            title,
            caption,
            chart: chart.svg(),
            isWide: chart.isWide,
            table: nodes.html + (edges.rows.isEmpty ? "" : edges.html)
        )
    }

    private func draw(_ text: AnnotatedText) -> String? {
        let drawing = AnnotatedTextDrawing(text: text)
        return Page.figure(
            title,
            caption,
            chart: drawing.html(),
            legend: drawing.legend,
            shape: .bar,
            table: drawing.table.html
        )
    }

    private static func legend(_ names: [String]) -> [(name: String, style: SeriesStyle)] {
        names.enumerated().map { (name: $1, style: .numbered($0)) }
    }

    private static func text(_ value: Double?) -> String { value.map(NumberText.significant) ?? "–" }
}
