/// One row for each name: a value, where it may lie, and the single values behind it as faint dots.
struct IntervalChart {
    struct Row {
        let name: String
        let style: SeriesStyle
        /// The single values.
        let dots: [Double]
        /// The value; nil leaves the row empty.
        let centre: Double?
        /// Where it may lie; nil if that is not known.
        let reach: (low: Double, high: Double)?

        /// A row of several values: their mean with its standard error.
        init(name: String, values: [Double], style: SeriesStyle) {
            self.name = name
            self.style = style
            dots = values.filter(\.isDrawable)
            let statistics = Statistics(dots)
            let (mean, error) = (statistics.mean, statistics.standardError)
            centre = dots.isEmpty ? nil : mean
            reach = dots.count > 1 && error.isDrawable ? (mean - error, mean + error) : nil
        }

        /// A row of one value; what cannot be drawn of it is left out.
        init(name: String, value: Double, low: Double?, high: Double?, style: SeriesStyle) {
            self.name = name
            self.style = style
            dots = []
            centre = value.isDrawable ? value : nil
            if let low, let high, low.isDrawable, high.isDrawable, low <= high {
                reach = (low, high)
            } else {
                reach = nil
            }
        }
    }

    var frame: ChartFrame
    let xName: String
    let rows: [Row]
    /// Whether zero belongs on the scale, as for differences.
    var zero = false
    /// What values are multiplied by in labels, as 100 for per cent.
    var factor = 1.0
    let valueText: (Double) -> String

    /// The image; nil if there is nothing to draw.
    func svg() -> String? {
        guard rows.contains(where: { $0.centre != nil }) else { return nil }
        let rowHeight = rows.contains { !$0.dots.isEmpty } ? 34.0 : 26.0
        let names = rows.map { ChartFrame.shortened($0.name, to: 36) }
        let texts = rows.map { $0.centre.map(valueText) ?? "–" }
        var frame = frame
        frame.left = 14 + (names.map(ChartFrame.width).max() ?? 0)
        frame.right = max(48, 22 + (texts.map(ChartFrame.width).max() ?? 0))
        frame.top = 8
        frame.height = frame.top + rowHeight * Double(rows.count) + frame.bottom
        let values = rows.flatMap { row in
            row.dots + [row.centre, row.reach?.low, row.reach?.high].compactMap { $0 }
        }
        let scale = LinearScale(covering: values, zero: zero, from: frame.left + 6, to: frame.plotRight)
        var parts = frame.verticalGrid(scale)
        for (index, row) in rows.enumerated() {
            let y = frame.top + (Double(index) + 0.5) * rowHeight
            let name = names[index]
            parts += ChartFrame.label(name, x: frame.left - 7, y: y + 4, class: "row-name", anchor: "end")
            parts += draw(row, y: y, scale: scale)
            parts += ChartFrame.label(texts[index], x: frame.plotRight + 8, y: y + 4, class: "value")
        }
        return frame.svg(parts + frame.horizontalAxis(scale, name: xName, factor: factor))
    }

    private func draw(_ row: Row, y: Double, scale: LinearScale) -> String {
        var parts = ""
        for (index, value) in row.dots.enumerated() {
            // Spread upwards and downwards, because seeds often lie closer than a dot is wide.
            let offset =
                (Double(index) - Double(row.dots.count - 1) / 2) * min(4, 16 / Double(row.dots.count))
            parts += Markup.element(
                "circle",
                [
                    "cx": Markup.number(scale.position(value)), "cy": Markup.number(y + offset), "r": "3.2",
                    "class": "seed \(row.style.className)",
                ]
            )
        }
        if let reach = row.reach {
            let (low, high) = (scale.position(reach.low), scale.position(reach.high))
            parts += ChartFrame.line(low, y, high, y, class: "error-bar")
            parts += ChartFrame.line(low, y - 4, low, y + 4, class: "error-bar")
            parts += ChartFrame.line(high, y - 4, high, y + 4, class: "error-bar")
        }
        guard let centre = row.centre else { return parts }
        let x = scale.position(centre)
        return parts
            + (row.dots.isEmpty
                ? row.style.marker(x: x, y: y, size: 5)
                : ChartFrame.line(x, y - 10, x, y + 10, class: "mean"))
    }
}
