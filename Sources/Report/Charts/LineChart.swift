/// Lines over rounds, each named at its right end.
struct LineChart {
    struct Series {
        let name: String
        let style: SeriesStyle
        let points: [(x: Double, y: Double)]
    }

    var frame: ChartFrame
    let xName: String
    let yName: String
    let series: [Series]
    let format: (Double) -> String

    /// The image; nil if there is nothing to draw.
    func svg() -> String? {
        let drawn = series.filter { $0.points.contains { $0.y.isFinite } }
        guard !drawn.isEmpty else { return nil }
        var frame = frame
        if drawn.count > 1 {
            frame.right = 18 + (drawn.map { ChartFrame.width(of: $0.name) }.max() ?? 0)
        }
        let ys = LinearScale(
            covering: drawn.flatMap { $0.points.map(\.y) },
            from: frame.plotBottom,
            to: frame.top
        )
        let rounds = drawn.flatMap { $0.points.map(\.x) }
        let (first, last) = (rounds.min() ?? 0, rounds.max() ?? 1)
        let inset = 10.0
        let width = frame.plotRight - frame.left - 2 * inset
        let place = { (x: Double) in
            frame.left + inset + (last > first ? (x - first) / (last - first) : 0.5) * width
        }
        let labels = (Int(first)...Int(last)).map { (x: place(Double($0)), text: "\($0)") }
        var parts = frame.verticalAxis(ys, name: yName, format: format)
        parts += frame.horizontalLabels(labels, name: xName)
        for series in drawn.reversed() { parts += draw(series, place: place, ys: ys) }
        if drawn.count > 1 { parts += names(drawn, frame: frame, ys: ys) }
        return frame.svg(parts)
    }

    private func draw(_ series: Series, place: (Double) -> Double, ys: LinearScale) -> String {
        let points = series.points.filter { $0.y.isFinite }.map { (x: place($0.x), y: ys.position($0.y)) }
        let path = points.enumerated().map { index, point in
            (index == 0 ? "M" : "L") + Markup.number(point.x) + " " + Markup.number(point.y)
        }.joined()
        var parts = Markup.element("path", ["d": path, "class": "line \(series.style.className)"])
        // With many rounds the line says enough.
        if points.count <= 25 {
            parts += points.map { series.style.marker(x: $0.x, y: $0.y) }.joined()
        }
        return parts
    }

    /// The names at the line's ends, moved apart where lines end close together.
    private func names(_ drawn: [Series], frame: ChartFrame, ys: LinearScale) -> String {
        let spacing = 15.0
        var ends = drawn.compactMap { series in
            series.points.last { $0.y.isFinite }.map { (series: series, y: ys.position($0.y)) }
        }.sorted { $0.y < $1.y }
        for index in ends.indices.dropFirst() {
            ends[index].y = max(ends[index].y, ends[index - 1].y + spacing)
        }
        let overflow = (ends.last?.y ?? 0) - frame.plotBottom
        if overflow > 0 {
            for index in ends.indices { ends[index].y -= overflow }
        }
        return ends.map { end in
            ChartFrame.label(
                end.series.name,
                x: frame.plotRight + 6,
                y: end.y + 4,
                class: "name \(end.series.style.className)"
            )
        }.joined()
    }
}
