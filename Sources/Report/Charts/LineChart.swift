internal import Glibc

/// Lines over rounds or whatever else the horizontal axis counts, each named at its right end.
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
    /// What values are multiplied by in labels, as 100 for per cent.
    var factor = 1.0
    /// Whether the vertical axis begins at zero even where that presses the lines together.
    var zero = true
    /// Whether the horizontal axis places values by their order of magnitude.
    var xIsLogarithmic = false
    /// Whether the vertical axis places values by their order of magnitude.
    var yIsLogarithmic = false

    /// How many series are named at the ends of their lines; more need a legend.
    static let namesMax = 8
    /// How long a name at the end of a line may be.
    static let nameMax = 22

    /// Whether the lines are named in the image, so that it needs no legend.
    var namesLines: Bool { series.count <= Self.namesMax }

    /// The image; nil if there is nothing to draw.
    func svg() -> String? {
        let drawn = series.map { series in
            Series(
                name: ChartFrame.shortened(series.name, to: Self.nameMax),
                style: series.style,
                points: series.points.filter { x, y in
                    x.isDrawable && y.isDrawable && (!xIsLogarithmic || x > 0) && (!yIsLogarithmic || y > 0)
                }
            )
        }.filter { !$0.points.isEmpty }
        guard !drawn.isEmpty else { return nil }
        let values = drawn.flatMap { $0.points.map(\.y) }
        let (bottom, top) = (frame.plotBottom, frame.top)
        if yIsLogarithmic {
            return svg(drawn, ys: LogScale(covering: values, from: bottom, to: top, ticks: 8))
        }
        let zero = zero || LinearScale.hasRoomForZero(values)
        return svg(drawn, ys: LinearScale(covering: values, zero: zero, from: bottom, to: top))
    }

    private func svg(_ drawn: [Series], ys: some ChartScale) -> String {
        let names = drawn.count > 1 && namesLines
        var frame = frame.fitting(ys, factor: factor)
        if names { frame.right = 18 + (drawn.map { ChartFrame.width(of: $0.name) }.max() ?? 0) }
        let places = drawn.flatMap { $0.points.map(\.x) }
        let (first, last) = (places.min() ?? 0, places.max() ?? 1)
        let inset = 10.0
        let width = frame.plotRight - frame.left - 2 * inset
        let share = { (x: Double) in
            guard last > first else { return 0.5 }
            return xIsLogarithmic ? log(x / first) / log(last / first) : (x - first) / (last - first)
        }
        let place = { (x: Double) in frame.left + inset + share(x) * width }
        let labels = marks(places, first: first, last: last).map { (x: place($0.value), text: $0.text) }
        var parts = frame.verticalAxis(ys, name: yName, factor: factor)
        parts += frame.horizontalLabels(labels, name: xName)
        for series in drawn.reversed() { parts += draw(series, place: place, ys: ys) }
        if names { parts += endNames(drawn, frame: frame, ys: ys) }
        return frame.svg(parts)
    }

    /// The labels of the horizontal axis: every whole number where only such occur, else round numbers; on a
    /// logarithmic axis the places themselves.
    private func marks(
        _ places: [Double],
        first: Double,
        last: Double
    ) -> [(value: Double, text: String)] {
        if xIsLogarithmic { return Set(places).sorted().map { (value: $0, text: NumberText.short($0)) } }
        let isWhole = places.allSatisfy { $0 == $0.rounded() && abs($0) < 1e9 }
        if isWhole, last - first <= 1000 {
            return (Int(first)...Int(last)).map { (value: Double($0), text: "\($0)") }
        }
        guard last > first else { return [(value: first, text: NumberText.short(first))] }
        let scale = LinearScale(covering: [first, last], zero: false, from: 0, to: 1)
        let slack = (last - first) * 1e-9
        return zip(scale.ticks, scale.labels()).filter {
            $0.0 >= first - slack && $0.0 <= last + slack
        }.map { (value: $0, text: $1) }
    }

    private func draw(_ series: Series, place: (Double) -> Double, ys: some ChartScale) -> String {
        let points = series.points.map { (x: place($0.x), y: ys.position($0.y)) }
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
    private func endNames(_ drawn: [Series], frame: ChartFrame, ys: some ChartScale) -> String {
        let spacing = 15.0
        var ends = drawn.compactMap { series in
            series.points.last.map { (series: series, y: ys.position($0.y)) }
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
