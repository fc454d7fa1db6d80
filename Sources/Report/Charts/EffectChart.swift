/// What steering with growing strength does: the shares of misaligned and of incoherent answers, with the budget of
/// incoherence as a line across, strengths beyond it shaded, and the strength that was chosen marked.
///
/// The vertical axis always runs from 0 to 100 %, so that charts of different latents compare.
struct EffectChart {
    /// The shares at one strength.
    struct Point {
        let strength: Double
        let misaligned: Double
        let incoherent: Double
    }

    var frame: ChartFrame
    /// By strength, ascending; the first without steering.
    let points: [Point]
    /// The incoherence that is allowed.
    let budget: Double
    /// The strength that was chosen; nil where none was.
    let chosen: Double?

    /// The image; nil if there is nothing to draw.
    func svg() -> String? {
        let drawn = points.filter { $0.strength.isDrawable && $0.strength >= 0 }
        guard drawn.count > 1, let last = drawn.map(\.strength).max(), last > 0 else { return nil }
        var frame = frame
        frame.right = 18 + ChartFrame.width(of: "incoherent")
        let ys = LinearScale(covering: [0, 1], from: frame.plotBottom, to: frame.top)
        let xs = { (strength: Double) in
            frame.left + 10 + strength / last * (frame.plotRight - frame.left - 20)
        }
        let name = "answers (%)"
        var parts = over(drawn, xs, frame) + frame.verticalAxis(ys, name: name, factor: 100)
        parts += frame.horizontalLabels(
            zip(drawn, NumberText.ticks(drawn.map(\.strength))).map { (x: xs($0.strength), text: $1) },
            name: "strength, in steering scales"
        )
        if budget.isDrawable {
            let y = ys.position(min(max(budget, 0), 1))
            parts += ChartFrame.line(frame.left, y, frame.plotRight, y, class: "budget")
        }
        var ends: [(name: String, className: String, y: Double)] = []
        for (name, style, value) in [
            ("incoherent", SeriesStyle.incoherent, \Point.incoherent),
            ("misaligned", .misaligned, \.misaligned),
        ] {
            let places = drawn.filter { $0[keyPath: value].isDrawable }
                .map { (x: xs($0.strength), y: ys.position(min(max($0[keyPath: value], 0), 1))) }
            guard let end = places.last else { continue }
            parts += line(places, style)
            ends.append((name, "name \(style.className)", end.y))
        }
        if budget.isDrawable { ends.append(("budget", "tick", ys.position(min(max(budget, 0), 1)))) }
        return frame.svg(parts + mark(drawn, xs, ys, frame) + names(ends, frame))
    }

    /// Strengths whose incoherence is over the budget.
    private func over(_ drawn: [Point], _ xs: (Double) -> Double, _ frame: ChartFrame) -> String {
        drawn.indices.filter { drawn[$0].incoherent > budget }.map { index in
            let x = xs(drawn[index].strength)
            let left = index > 0 ? (xs(drawn[index - 1].strength) + x) / 2 : frame.left
            let right = index + 1 < drawn.count ? (x + xs(drawn[index + 1].strength)) / 2 : frame.plotRight
            return Markup.element(
                "rect",
                [
                    "x": Markup.number(left), "y": Markup.number(frame.top),
                    "width": Markup.number(right - left),
                    "height": Markup.number(frame.plotBottom - frame.top),
                    "class": "over",
                ]
            )
        }.joined()
    }

    private func line(_ places: [(x: Double, y: Double)], _ style: SeriesStyle) -> String {
        let path = places.enumerated().map { index, point in
            (index == 0 ? "M" : "L") + Markup.number(point.x) + " " + Markup.number(point.y)
        }.joined()
        return Markup.element("path", ["d": path, "class": "line \(style.className)"])
            + (places.count <= 25 ? places.map { style.marker(x: $0.x, y: $0.y) }.joined() : "")
    }

    /// The chosen strength: an upright line, a ring around what it does, and its number.
    private func mark(
        _ drawn: [Point],
        _ xs: (Double) -> Double,
        _ ys: LinearScale,
        _ frame: ChartFrame
    ) -> String {
        guard let chosen, let point = drawn.first(where: { $0.strength == chosen }) else { return "" }
        let x = xs(chosen)
        let ring =
            point.misaligned.isDrawable
            ? Markup.element(
                "circle",
                [
                    "cx": Markup.number(x),
                    "cy": Markup.number(ys.position(min(max(point.misaligned, 0), 1))),
                    "r": "8", "class": "ring",
                ]
            ) : ""
        let isLeft = x < (frame.left + frame.plotRight) / 2
        return ChartFrame.line(x, frame.top, x, frame.plotBottom, class: "chosen") + ring
            + ChartFrame.label(
                "chosen: \(NumberText.short(chosen))",
                x: x + (isLeft ? 6 : -6),
                y: frame.top + 11,
                class: "value halo",
                anchor: isLeft ? "start" : "end"
            )
    }

    /// The names at the right, moved apart where lines end close together.
    private func names(_ ends: [(name: String, className: String, y: Double)], _ frame: ChartFrame) -> String
    {
        var ends = ends.sorted { $0.y < $1.y }
        for index in ends.indices.dropFirst() { ends[index].y = max(ends[index].y, ends[index - 1].y + 15) }
        let overflow = max(0, (ends.last?.y ?? 0) - frame.plotBottom)
        return ends.map { end in
            ChartFrame.label(end.name, x: frame.plotRight + 6, y: end.y - overflow + 4, class: end.className)
        }.joined()
    }
}
