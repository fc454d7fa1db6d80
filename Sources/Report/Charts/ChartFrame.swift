/// The drawing area that all charts share: an image with a title and a description for those who do not
/// see it, and a plot inside margins for the axes.
struct ChartFrame {
    /// Unique on the page.
    let id: String
    let title: String
    let description: String
    var width = 480.0
    var height = 300.0
    var left = 48.0
    var right = 16.0
    var top = 26.0
    var bottom = 44.0

    var plotRight: Double { width - right }
    var plotBottom: Double { height - bottom }

    /// Whether it needs the page's whole width.
    var isWide: Bool { width > 520 }

    /// The finished image around its parts.
    func svg(_ content: String) -> String {
        let number = Markup.number
        return Markup.element(
            "svg",
            [
                "viewBox": "0 0 \(number(width)) \(number(height))", "role": "img",
                "class": isWide ? "wide" : "chart", "aria-labelledby": "\(id)-title \(id)-text",
            ],
            Markup.text("title", ["id": "\(id)-title"], title)
                + Markup.text("desc", ["id": "\(id)-text"], description) + content
        )
    }

    /// Horizontal grid lines with values at the left, and the name of the axis above them.
    func verticalAxis(_ scale: some ChartScale, name: String, factor: Double) -> String {
        var parts = Self.label(Self.shortened(name, to: 64), x: 0, y: 12, class: "axis-name")
        for (tick, text) in zip(scale.ticks, scale.labels(factor: factor)) {
            let y = scale.position(tick)
            parts += Self.line(left, y, plotRight, y, class: tick == 0 ? "zero" : "grid")
            parts += Self.label(text, x: left - 7, y: y + 4, class: "tick", anchor: "end")
        }
        return parts
    }

    /// Upright grid lines.
    func verticalGrid(_ scale: LinearScale) -> String {
        scale.ticks.map { tick in
            let x = scale.position(tick)
            return Self.line(x, top, x, plotBottom, class: abs(tick) < 1e-12 ? "zero" : "grid")
        }.joined()
    }

    /// The labels of a horizontal scale, below the plot.
    func horizontalAxis(_ scale: LinearScale, name: String, factor: Double) -> String {
        let labels = zip(scale.ticks, scale.labels(factor: factor)).map { (x: scale.position($0), text: $1) }
        return horizontalLabels(labels, name: name)
    }

    /// The frame with a left margin that has room for the labels of a vertical scale.
    func fitting(_ scale: some ChartScale, factor: Double) -> ChartFrame {
        var frame = self
        let widest = scale.labels(factor: factor).map(Self.width).max() ?? 0
        frame.left = max(left, widest + 12)
        return frame
    }

    /// Labels below the plot and the name of the axis below them. Where they would touch, numbers are
    /// thinned out to multiples of a round number, and whatever else to those that fit.
    ///
    /// - Parameter isComplete: Whether each label names something that nothing else on the axis tells; they have to fit.
    func horizontalLabels(
        _ labels: [(x: Double, text: String)],
        name: String,
        isComplete: Bool = false
    ) -> String {
        var parts = ""
        var free = -Double.infinity
        let widest = (labels.map { Self.width(of: $0.text) }.max() ?? 0) + 10
        let step = max(
            1,
            Int(LinearScale.roundStep(Double(labels.count) * widest / (plotRight - left)).rounded(.up))
        )
        for (x, text) in labels where isComplete || Int(text).map({ $0 % step == 0 }) ?? true {
            let half = Self.width(of: text) / 2
            guard isComplete || x - half > free else { continue }
            free = x + half + 6
            parts += Self.label(text, x: x, y: plotBottom + 17, class: "tick", anchor: "middle")
        }
        let centre = (left + plotRight) / 2
        let name = Self.shortened(name, to: 64)
        return parts + Self.label(name, x: centre, y: height - 6, class: "axis-name", anchor: "middle")
    }

    static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, class name: String) -> String {
        let number = Markup.number
        return Markup.element(
            "line",
            ["x1": number(x1), "y1": number(y1), "x2": number(x2), "y2": number(y2), "class": name]
        )
    }

    static func label(
        _ text: String,
        x: Double,
        y: Double,
        class name: String,
        anchor: String = "start"
    ) -> String {
        guard !text.isEmpty else { return "" }
        return Markup.text(
            "text",
            ["x": Markup.number(x), "y": Markup.number(y), "class": name, "text-anchor": anchor],
            text
        )
    }

    /// A name that fits: of a long one, the beginning and the end.
    static func shortened(_ text: String, to count: Int) -> String {
        guard text.count > count else { return text }
        let end = count / 3
        return text.prefix(count - end - 1) + "…" + text.suffix(end)
    }

    /// About how wide a label is; charts have no way to measure.
    static func width(of text: String) -> Double { Double(text.count) * 7 }
}
