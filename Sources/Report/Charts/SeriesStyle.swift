/// How a series looks. Colour, marker and dash all differ, so that no reader depends on colour.
enum SeriesStyle: String, CaseIterable {
    case federated, noSwap, localOnly, base, before, after, up, down, total, plain

    /// The class that the style sheet gives its colour and dash.
    var className: String { "series-\(rawValue)" }

    /// A marker around a point.
    func marker(x: Double, y: Double, size: Double = 4) -> String {
        let n = Markup.number
        let (left, right, above, below) = (n(x - size), n(x + size), n(y - size), n(y + size))
        let path: String
        switch self {
        case .federated, .plain, .after, .down:
            return Markup.element(
                "circle",
                ["cx": n(x), "cy": n(y), "r": n(size), "class": "marker \(className)"]
            )
        case .noSwap, .before: path = "M\(left) \(above)H\(right)V\(below)H\(left)Z"
        case .localOnly, .up: path = "M\(n(x)) \(above)L\(right) \(below)H\(left)Z"
        case .base, .total: path = "M\(n(x)) \(above)L\(right) \(n(y))L\(n(x)) \(below)L\(left) \(n(y))Z"
        }
        return Markup.element("path", ["d": path, "class": "marker \(className)"])
    }

    /// The square that a legend shows for bars.
    func swatch(x: Double, y: Double, size: Double) -> String {
        let n = Markup.number
        return Markup.element(
            "rect",
            [
                "x": n(x - size), "y": n(y - size), "width": n(2 * size), "height": n(2 * size), "rx": "1.5",
                "class": "bar \(className)",
            ]
        )
    }
}
