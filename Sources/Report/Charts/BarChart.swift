/// Upright bars in groups, such as methods by topic.
struct BarChart {
    struct Group {
        let name: String
        /// One value for each series; nil leaves a gap.
        let values: [Double?]
    }

    var frame: ChartFrame
    let xName: String
    let yName: String
    let series: [(name: String, style: SeriesStyle)]
    let groups: [Group]
    let format: (Double) -> String
    /// The text above a bar of the last series; nil for none.
    var barLabel: ((Double) -> String)?

    /// The image; nil if there is nothing to draw.
    func svg() -> String? {
        let values = groups.flatMap { $0.values.compactMap { $0 } }.filter(\.isFinite)
        guard !values.isEmpty else { return nil }
        let ys = LinearScale(covering: values, from: frame.plotBottom, to: frame.top)
        let groupWidth = (frame.plotRight - frame.left) / Double(groups.count)
        let barWidth = min(30, groupWidth * 0.8 / Double(max(1, series.count)))
        var parts = frame.verticalAxis(ys, name: yName, format: format)
        var labels: [(x: Double, text: String)] = []
        for (index, group) in groups.enumerated() {
            let centre = frame.left + (Double(index) + 0.5) * groupWidth
            labels.append((centre, group.name))
            let start = centre - barWidth * Double(series.count) / 2
            for (place, value) in group.values.enumerated() {
                guard let value, value.isFinite else { continue }
                let x = start + Double(place) * barWidth
                parts += bar(value, at: x, width: barWidth, ys: ys, style: series[place].style)
                guard place == series.count - 1, let barLabel, barWidth >= 12 else { continue }
                parts += ChartFrame.label(
                    barLabel(value),
                    x: x + barWidth / 2,
                    y: ys.position(max(value, 0)) - 5,
                    class: "value",
                    anchor: "middle"
                )
            }
        }
        return frame.svg(parts + frame.horizontalLabels(labels, name: xName))
    }

    private func bar(_ value: Double, at x: Double, width: Double, ys: LinearScale, style: SeriesStyle)
        -> String
    {
        let n = Markup.number
        let (top, bottom) = (ys.position(max(value, 0)), ys.position(min(value, 0)))
        return Markup.element(
            "rect",
            [
                "x": n(x + 1), "y": n(top), "width": n(max(1, width - 2)), "height": n(bottom - top),
                "rx": "1.5",
                "class": "bar \(style.className)",
            ]
        )
    }
}
