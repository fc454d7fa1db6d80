internal import Contract

/// The groups one by one, and how they follow one another.
extension MacrostatePage {
    /// How strong an arrow must be to be drawn: weaker ones would hide the others.
    private static let drawnShare = 0.1

    /// A card for each group with examples.
    var groups: String {
        guard !reading.groups.isEmpty else { return "" }
        let cards = reading.groups.enumerated().map { index, group in
            let style = MacrostateStyle.className(index)
            let spans = group.examples.map { example in
                "<li>" + Markup.escape(example.before)
                    + marked(example.span, index) + Markup.escape(example.after)
                    + (example.source.isEmpty ? "" : Markup.text("small", [:], example.source)) + "</li>"
            }
            return "<figure class=\"\(style)\"><figcaption>" + badge(index)
                + Markup.text("h3", [:], group.name)
                + "</figcaption>"
                + Markup.text("p", ["class": "size"], Self.size(group))
                + Markup.element(
                    "div",
                    ["class": "bar-line"],
                    Markup.element("i", ["style": "--share:\(MacrostatePage.part(group.share))"])
                )
                + (spans.isEmpty
                    ? Markup.text("p", ["class": "size"], "No example.")
                    : Markup.element("ul", ["class": "spans"], spans.joined(separator: "\n"))) + "</figure>"
        }
        return "<section class=\"macro\">" + Markup.text("h2", [:], "The groups")
            + Markup.text(
                "p",
                [:],
                "The spans nearest to each group's centre, with what stands around them. A name is a "
                    + "person's or a machine's reading of such spans; the number is what was found."
            ) + Markup.element("div", ["class": "group-cards"], cards.joined(separator: "\n"))
            + "</section>\n"
    }

    /// How large a group is, how long it lasts and how well it was found again.
    private static func size(_ group: MacrostateReading.Group) -> String {
        var parts = [
            "\(NumberText.percent(group.share, digits: 0)) of pieces",
            "\(NumberText.fixed(group.dwell, 1)) pieces a stay",
        ]
        if let recall = group.recall {
            parts.append("\(NumberText.percent(recall, digits: 0)) found again from half of the texts")
        }
        if let told = group.forcedChoice {
            parts.append("told from others by a judge \(NumberText.percent(told, digits: 0)) of the times")
        }
        if group.isNameProposed { parts.append("name proposed from its words") }
        return parts.joined(separator: " · ")
    }

    /// A group's chance to be next once another ends, `[G, G]`; nil on the diagonal and where none was seen.
    var changes: [[Double?]] {
        reading.groups.indices.map { from in
            let row = reading.groups.indices.map { to -> Double? in
                guard from != to, reading.transitions.indices.contains(from),
                    reading.transitions[from].indices.contains(to)
                else { return nil }
                let value = reading.transitions[from][to]
                return value.isDrawable && value >= 0 ? value : nil
            }
            let sum = row.reduce(0) { $0 + ($1 ?? 0) }
            return row.map { value in sum > 0 ? value.map { $0 / sum } : nil }
        }
    }

    /// The graph and the matrix; nothing for a single group.
    var transitions: String {
        guard reading.groups.count > 1 else { return "" }
        return Page.section(
            "What follows what",
            "When the model leaves a group, where it goes next. How long it stays before is in the table.",
            figures: [graph, matrix]
        )
    }

    private var graph: String? {
        let names = reading.groups.indices.map(name)
        let changes = changes
        let edges = changes.enumerated().flatMap { from, row in
            row.enumerated().compactMap { to, share in
                share.flatMap {
                    $0 >= Self.drawnShare ? Figure.Graph.Edge(from: from, to: to, weight: $0) : nil
                }
            }
        }
        let chart = GraphChart(
            frame: ChartFrame(
                id: "macro-graph",
                title: "What follows what",
                description:
                    "\(names.count) groups on a circle: \(names.joined(separator: ", ")). Arrows show "
                    + "which group follows, the more often the thicker. The numbers are in the table below."
            ),
            graph: Figure.Graph(
                nodes: reading.groups.map { .init($0.name, weight: $0.share) },
                edges: edges
            ),
            marks: reading.groups.indices.map {
                .init(className: MacrostateStyle.className($0), text: "\($0)")
            }
        )
        let rows = edges.sorted { ($1.weight, $0.from, $0.to) < ($0.weight, $1.from, $1.to) }.map { edge in
            [names[edge.from], names[edge.to], NumberText.percent(edge.weight, digits: 0)]
        }
        return Page.figure(
            "Ways between groups",
            "Arrows have the colour of the group they leave; larger circles are larger groups. Ways taken "
                + "less than \(NumberText.percent(Self.drawnShare, digits: 0)) of the times are left out.",
            chart: chart.svg(),
            isWide: chart.isWide,
            table: HTMLTable(header: ["from", "to", "share of changes"], rows: rows).html
        )
    }

    private var matrix: String? {
        let names = reading.groups.indices.map(name)
        let map = Figure.HeatMap(
            rows: names,
            columns: names,
            values: changes.map { row in row.map { $0.map { ($0 * 100).rounded() } ?? .nan } }
        )
        let chart = HeatMapChart(
            frame: ChartFrame(
                id: "macro-matrix",
                title: "Changes of group",
                description: "\(names.count) rows and columns of shaded cells: from the row's group to the "
                    + "column's. The numbers are in the table below."
            ),
            map: map
        )
        let rows = reading.groups.enumerated().map { from, group in
            [names[from], NumberText.fixed(group.dwell, 1)]
                + reading.groups.indices.map { to in
                    guard reading.transitions.indices.contains(from),
                        reading.transitions[from].indices.contains(to)
                    else { return "–" }
                    return NumberText.fixed(reading.transitions[from][to], 3)
                }
        }
        return Page.figure(
            "From a group to the next, in per cent",
            "Rows are left, columns are entered; each row sums to about 100. Below, the law of the next "
                + "piece with the chance to stay.",
            chart: chart.svg(),
            isWide: chart.isWide,
            table: HTMLTable(header: ["from", "pieces a stay"] + names, rows: rows).html
        )
    }
}
