internal import Contract

/// A matrix as shaded cells: stronger is further from the lowest value, or from zero where values have both
/// signs, with a second hue for negative ones.
struct HeatMapChart {
    let frame: ChartFrame
    let map: Figure.HeatMap

    private static let nameMax = 18
    private var rowNames: [String] { map.rows.map { ChartFrame.shortened($0, to: Self.nameMax) } }
    private var columnNames: [String] { map.columns.map { ChartFrame.shortened($0, to: Self.nameMax) } }

    /// A cell; nil where it is missing or cannot be drawn.
    func value(_ row: Int, _ column: Int) -> Double? {
        guard row < map.values.count, column < map.values[row].count else { return nil }
        let value = map.values[row][column]
        return value.isDrawable ? value : nil
    }

    /// Whether it needs the page's whole width.
    var isWide: Bool { layout.frame.isWide }

    private var layout: (frame: ChartFrame, cellWidth: Double, cellHeight: Double, slanted: Bool) {
        var frame = frame
        let widest = columnNames.map(ChartFrame.width).max() ?? 0
        let count = Double(max(1, map.columns.count))
        frame.left = 14 + (rowNames.map(ChartFrame.width).max() ?? 0)
        frame.right = 12
        var cellWidth = min(64, (frame.plotRight - frame.left) / count)
        let slanted = widest + 6 > cellWidth
        // Slanted names reach to the left of their column by about 0.7 of their length.
        if slanted { frame.left = max(frame.left, 0.72 * widest - cellWidth / 2 + 8) }
        cellWidth = max(16, min(64, (frame.plotRight - frame.left) / count))
        frame.width = max(frame.width, frame.left + cellWidth * count + frame.right)
        frame.top = 8
        frame.bottom = (slanted ? 0.72 * widest + 16 : 24) + 34
        let cellHeight = min(34, max(17, cellWidth * 0.8))
        frame.height = frame.top + cellHeight * Double(map.rows.count) + frame.bottom
        return (frame, cellWidth, cellHeight, slanted)
    }

    /// The image; nil if there is nothing to draw.
    func svg() -> String? {
        let values = map.rows.indices.flatMap { row in map.columns.indices.compactMap { value(row, $0) } }
        guard let low = values.min(), let high = values.max() else { return nil }
        let shades = Shades(low: low, high: high)
        let (frame, cellWidth, cellHeight, slanted) = layout
        let showsNumbers = values.allSatisfy { Self.width(NumberText.short($0)) + 5 <= cellWidth }
        let n = Markup.number
        var parts = ""
        for row in map.rows.indices {
            let y = frame.top + Double(row) * cellHeight
            parts += ChartFrame.label(
                rowNames[row],
                x: frame.left - 7,
                y: y + cellHeight / 2 + 4,
                class: "row-name",
                anchor: "end"
            )
            for column in map.columns.indices {
                let x = frame.left + Double(column) * cellWidth
                let box = (x: x + 0.5, y: y + 0.5, width: cellWidth - 1, height: cellHeight - 1)
                parts += cell(value(row, column), shades, box, showsNumber: showsNumbers)
            }
        }
        let base = frame.top + cellHeight * Double(map.rows.count)
        for (column, name) in columnNames.enumerated() {
            let x = frame.left + (Double(column) + 0.5) * cellWidth
            let y = base + (slanted ? 12 : 16)
            parts += Markup.text(
                "text",
                [
                    "x": n(x), "y": n(y), "class": "tick", "text-anchor": slanted ? "end" : "middle",
                    "transform": slanted ? "rotate(-45 \(n(x)) \(n(y)))" : "rotate(0)",
                ],
                name
            )
        }
        return frame.svg(parts + scale(shades, frame))
    }

    private func cell(
        _ value: Double?,
        _ shades: Shades,
        _ box: (x: Double, y: Double, width: Double, height: Double),
        showsNumber: Bool
    ) -> String {
        let n = Markup.number
        let shade = value.map(shades.shade)
        let rectangle = Markup.element(
            "rect",
            [
                "x": n(box.x), "y": n(box.y), "width": n(box.width), "height": n(box.height),
                "class": shade.map { $0.isNegative ? "cell negative" : "cell" } ?? "cell missing",
                "fill-opacity": n(shade?.strength ?? 0),
            ]
        )
        guard showsNumber else { return rectangle }
        let text = value.map(NumberText.short) ?? "–"
        return rectangle
            + ChartFrame.label(
                text,
                x: box.x + box.width / 2,
                y: box.y + box.height / 2 + 4,
                class: (shade?.strength ?? 0) > 0.55 ? "cell-text strong" : "cell-text",
                anchor: "middle"
            )
    }

    /// About how wide the number in a cell is, which is set smaller than other labels.
    private static func width(_ text: String) -> Double { ChartFrame.width(of: text) * 0.92 }

    /// What the shades stand for, below the matrix.
    private func scale(_ shades: Shades, _ frame: ChartFrame) -> String {
        let (ends, steps, width) = (shades.ends, 9, 14.0)
        let y = frame.height - 20
        let left = ChartFrame.label(NumberText.short(ends.low), x: 0, y: y + 10, class: "tick")
        let start = ChartFrame.width(of: NumberText.short(ends.low)) + 10
        let boxes = (0..<steps).map { step in
            let share = Double(step) / Double(steps - 1)
            let x = start + Double(step) * width
            let shade = shades.shade(ends.low + share * (ends.high - ends.low))
            return Markup.element(
                "rect",
                [
                    "x": Markup.number(x), "y": Markup.number(y), "width": Markup.number(width),
                    "height": "12",
                    "class": shade.isNegative ? "cell negative" : "cell",
                    "fill-opacity": Markup.number(shade.strength),
                ]
            )
        }
        return left + boxes.joined()
            + ChartFrame.label(
                NumberText.short(ends.high),
                x: start + Double(steps) * width + 6,
                y: y + 10,
                class: "tick"
            )
    }

    /// How strongly values are drawn.
    private struct Shades {
        let low: Double
        let high: Double

        private var isDiverging: Bool { low < 0 && high > 0 }

        var ends: (low: Double, high: Double) {
            let reach = max(abs(low), abs(high))
            return isDiverging ? (-reach, reach) : (low, high)
        }

        func shade(_ value: Double) -> (strength: Double, isNegative: Bool) {
            if isDiverging { return (abs(value) / max(abs(low), abs(high)), value < 0) }
            let strength = high > low ? (value - low) / (high - low) : 0.5
            return (0.06 + 0.94 * strength, false)
        }
    }
}
