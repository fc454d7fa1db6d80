/// One row for each name: its single values as faint dots, their mean with its standard error.
struct IntervalChart {
    struct Row {
        let name: String
        let values: [Double]
        let style: SeriesStyle
    }

    var frame: ChartFrame
    let xName: String
    let rows: [Row]
    /// Whether zero belongs on the scale, as for differences.
    var zero = false
    let format: (Double) -> String
    let valueText: (Double) -> String

    /// The image; nil if there is nothing to draw.
    func svg() -> String? {
        guard rows.contains(where: { !$0.values.isEmpty }) else { return nil }
        let rowHeight = 34.0
        var frame = frame
        frame.left = 14 + (rows.map { ChartFrame.width(of: $0.name) }.max() ?? 0)
        frame.right = 62
        frame.top = 8
        frame.height = frame.top + rowHeight * Double(rows.count) + frame.bottom
        let statistics = rows.map { Statistics($0.values) }
        let reach = statistics.flatMap { [$0.mean - $0.standardError, $0.mean + $0.standardError] }
        let scale = LinearScale(
            covering: rows.flatMap(\.values) + reach,
            zero: zero,
            from: frame.left + 6,
            to: frame.plotRight
        )
        var parts = ""
        for tick in scale.ticks {
            let x = scale.position(tick)
            let isZero = abs(tick) < 1e-12
            parts += ChartFrame.line(x, frame.top, x, frame.plotBottom, class: isZero ? "zero" : "grid")
        }
        for (index, row) in rows.enumerated() where !row.values.isEmpty {
            let y = frame.top + (Double(index) + 0.5) * rowHeight
            parts += draw(row, statistics[index], y: y, scale: scale, frame: frame)
        }
        let labels = scale.ticks.map { (x: scale.position($0), text: format($0)) }
        return frame.svg(parts + frame.horizontalLabels(labels, name: xName))
    }

    private func draw(
        _ row: Row,
        _ statistics: Statistics,
        y: Double,
        scale: LinearScale,
        frame: ChartFrame
    ) -> String {
        var parts = ChartFrame.label(row.name, x: frame.left - 7, y: y + 4, class: "row-name", anchor: "end")
        for (index, value) in row.values.enumerated() {
            // Spread upwards and downwards, because seeds often lie closer than a dot is wide.
            let offset =
                (Double(index) - Double(row.values.count - 1) / 2) * min(4, 16 / Double(row.values.count))
            parts += Markup.element(
                "circle",
                [
                    "cx": Markup.number(scale.position(value)), "cy": Markup.number(y + offset), "r": "3.2",
                    "class": "seed \(row.style.className)",
                ]
            )
        }
        let (low, high) = (
            scale.position(statistics.mean - statistics.standardError),
            scale.position(statistics.mean + statistics.standardError)
        )
        if row.values.count > 1 {
            parts += ChartFrame.line(low, y, high, y, class: "error-bar")
            parts += ChartFrame.line(low, y - 4, low, y + 4, class: "error-bar")
            parts += ChartFrame.line(high, y - 4, high, y + 4, class: "error-bar")
        }
        let centre = scale.position(statistics.mean)
        parts += ChartFrame.line(centre, y - 10, centre, y + 10, class: "mean")
        let text = valueText(statistics.mean)
        return parts + ChartFrame.label(text, x: frame.plotRight + 8, y: y + 4, class: "value")
    }
}
