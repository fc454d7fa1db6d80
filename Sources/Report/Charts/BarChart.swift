/// Bars in groups, such as methods by topic: upright while all groups can be named below them, in rows otherwise.
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
    /// What values are multiplied by in labels, as 100 for per cent.
    var factor = 1.0
    /// The text above a bar of the last series; nil for none.
    var barLabel: ((Double) -> String)?
    /// Whether groups are numbers of which some may go without a label, as rounds may.
    var thinsLabels = false

    /// How long the name of a row may be.
    private static let nameMax = 36

    private var values: [Double] { groups.flatMap { $0.values.compactMap { $0 } }.filter(\.isDrawable) }
    private var seriesCount: Double { Double(max(1, series.count)) }

    /// The image; nil if there is nothing to draw.
    func svg() -> String? {
        guard !values.isEmpty else { return nil }
        let ys = LinearScale(covering: values, from: frame.plotBottom, to: frame.top)
        let frame = frame.fitting(ys, factor: factor)
        let groupWidth = (frame.plotRight - frame.left) / Double(groups.count)
        let barWidth = min(30, groupWidth * 0.8 / seriesCount)
        let fits = groups.allSatisfy { ChartFrame.width(of: $0.name) + 6 <= groupWidth }
        guard thinsLabels || (fits && barWidth >= (barLabel == nil ? 3 : 12)) else { return rows() }
        return upright(frame, ys, groupWidth: groupWidth, barWidth: barWidth)
    }

    // MARK: - Upright

    private func upright(_ frame: ChartFrame, _ ys: LinearScale, groupWidth: Double, barWidth: Double)
        -> String
    {
        var parts = frame.verticalAxis(ys, name: yName, factor: factor)
        var labels: [(x: Double, text: String)] = []
        for (index, group) in groups.enumerated() {
            let centre = frame.left + (Double(index) + 0.5) * groupWidth
            labels.append((centre, group.name))
            let start = centre - barWidth * Double(series.count) / 2
            for (place, value) in group.values.enumerated() where place < series.count {
                guard let value, value.isDrawable else { continue }
                let x = start + Double(place) * barWidth
                let (top, bottom) = (ys.position(max(value, 0)), ys.position(min(value, 0)))
                parts += bar(
                    (x + 1, top, max(1, barWidth - 2), bottom - top),
                    style: series[place].style
                )
                guard place == series.count - 1, let barLabel, barWidth >= 12 else { continue }
                parts += ChartFrame.label(
                    barLabel(value),
                    x: x + barWidth / 2,
                    y: top - 5,
                    class: "value",
                    anchor: "middle"
                )
            }
        }
        return frame.svg(
            parts + frame.horizontalLabels(labels, name: xName, isComplete: !thinsLabels)
        )
    }

    // MARK: - Rows

    private func rows() -> String {
        let thickness = min(11, max(4, 22 / seriesCount))
        let rowHeight = max(20, thickness * seriesCount + 8)
        let names = groups.map { ChartFrame.shortened($0.name, to: Self.nameMax) }
        let texts = groups.map { group -> String in
            guard let barLabel, let value = group.values.prefix(series.count).last, let value,
                group.values.count >= series.count, value.isDrawable
            else { return "" }
            return barLabel(value)
        }
        var frame = frame
        frame.left = 14 + (names.map(ChartFrame.width).max() ?? 0)
        frame.right = 16 + (texts.map(ChartFrame.width).max() ?? 0)
        frame.top = 24
        frame.height = frame.top + rowHeight * Double(groups.count) + frame.bottom
        let scale = LinearScale(covering: values, from: frame.left, to: frame.plotRight)
        var parts = ChartFrame.label(ChartFrame.shortened(xName, to: 64), x: 0, y: 12, class: "axis-name")
        parts += frame.verticalGrid(scale)
        for (index, group) in groups.enumerated() {
            let y = frame.top + (Double(index) + 0.5) * rowHeight
            let name = names[index]
            parts += ChartFrame.label(name, x: frame.left - 7, y: y + 4, class: "row-name", anchor: "end")
            parts += ChartFrame.label(texts[index], x: frame.plotRight + 8, y: y + 4, class: "value")
            for (place, value) in group.values.enumerated() where place < series.count {
                guard let value, value.isDrawable else { continue }
                let (left, right) = (scale.position(min(value, 0)), scale.position(max(value, 0)))
                let top = y + (Double(place) - seriesCount / 2) * thickness
                parts += bar((left, top + 0.5, right - left, thickness - 1), style: series[place].style)
            }
        }
        return frame.svg(parts + frame.horizontalAxis(scale, name: yName, factor: factor))
    }

    private func bar(
        _ box: (x: Double, y: Double, width: Double, height: Double),
        style: SeriesStyle
    ) -> String {
        let n = Markup.number
        return Markup.element(
            "rect",
            [
                "x": n(box.x), "y": n(box.y), "width": n(max(0, box.width)), "height": n(max(0, box.height)),
                "rx": "1.5", "class": "bar \(style.className)",
            ]
        )
    }
}
