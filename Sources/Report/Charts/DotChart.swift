/// One row for each name with dots on a common scale, such as bytes by kind on a logarithmic one.
///
/// Dots and not bars, because a logarithmic scale has no zero for a bar to stand on.
struct DotChart {
    struct Row {
        let name: String
        let value: Double
        let text: String
        let style: SeriesStyle
    }

    var frame: ChartFrame
    let xName: String
    let rows: [Row]
    let format: (Double) -> String

    /// The image; nil if there is nothing to draw.
    func svg() -> String? {
        guard rows.contains(where: { $0.value > 0 }) else { return nil }
        let rowHeight = 25.0
        var frame = frame
        frame.left = 14 + (rows.map { ChartFrame.width(of: $0.name) }.max() ?? 0)
        frame.right = 30
        frame.top = 8
        frame.height = frame.top + rowHeight * Double(rows.count) + frame.bottom
        let scale = LogScale(covering: rows.map(\.value), from: frame.left + 8, to: frame.plotRight - 44)
        var parts = ""
        for tick in scale.ticks {
            let x = scale.position(tick)
            parts += ChartFrame.line(x, frame.top, x, frame.plotBottom, class: "grid")
        }
        for (index, row) in rows.enumerated() {
            let y = frame.top + (Double(index) + 0.5) * rowHeight
            let x = scale.position(row.value)
            parts += ChartFrame.label(row.name, x: frame.left - 7, y: y + 4, class: "row-name", anchor: "end")
            parts += ChartFrame.line(frame.left, y, x, y, class: "stem \(row.style.className)")
            parts += row.style.marker(x: x, y: y, size: 5)
            parts += ChartFrame.label(row.text, x: x + 10, y: y + 4, class: "value")
        }
        let labels = scale.ticks.map { (x: scale.position($0), text: format($0)) }
        return frame.svg(parts + frame.horizontalLabels(labels, name: xName))
    }
}
