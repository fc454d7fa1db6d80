/// How a series looks. Colour, marker and dash all differ, so that no reader depends on colour.
struct SeriesStyle: Equatable {
    /// What stands at a point.
    enum Marker: CaseIterable {
        case circle, square, triangle, diamond, invertedTriangle, cross
    }

    /// The classes that the style sheet gives a colour and a dash.
    let className: String
    private let marker: Marker

    private init(_ className: String, _ marker: Marker) {
        self.className = className
        self.marker = marker
    }

    static let federated = SeriesStyle("series-federated", .circle)
    static let noSwap = SeriesStyle("series-noSwap", .square)
    static let localOnly = SeriesStyle("series-localOnly", .triangle)
    static let base = SeriesStyle("series-base", .diamond)
    static let before = SeriesStyle("series-before", .square)
    static let after = SeriesStyle("series-after", .circle)
    static let up = SeriesStyle("series-up", .triangle)
    static let down = SeriesStyle("series-down", .circle)
    static let total = SeriesStyle("series-total", .diamond)
    static let plain = SeriesStyle("series-plain", .circle)
    static let misaligned = SeriesStyle("series-misaligned", .circle)
    static let incoherent = SeriesStyle("series-incoherent", .square)

    /// How many colours and dashes the style sheet has for series that have no name of their own.
    private static let (colours, dashes) = (7, 5)

    /// The style of a series that has no name of its own: colours, dashes and markers repeat after different
    /// counts, so that two series look the same only when there are hundreds.
    static func numbered(_ index: Int) -> SeriesStyle {
        SeriesStyle(
            "series-\(index % colours) dash-\(index % dashes)",
            Marker.allCases[index % Marker.allCases.count]
        )
    }

    /// A marker around a point.
    func marker(x: Double, y: Double, size: Double = 4) -> String {
        let n = Markup.number
        let (left, right, above, below) = (n(x - size), n(x + size), n(y - size), n(y + size))
        let path: String
        switch marker {
        case .circle:
            return Markup.element(
                "circle",
                ["cx": n(x), "cy": n(y), "r": n(size), "class": "marker \(className)"]
            )
        case .square: path = "M\(left) \(above)H\(right)V\(below)H\(left)Z"
        case .triangle: path = "M\(n(x)) \(above)L\(right) \(below)H\(left)Z"
        case .diamond: path = "M\(n(x)) \(above)L\(right) \(n(y))L\(n(x)) \(below)L\(left) \(n(y))Z"
        case .invertedTriangle: path = "M\(n(x)) \(below)L\(right) \(above)H\(left)Z"
        case .cross:
            let arm = size * 0.4
            let (west, east, north, south) = (n(x - arm), n(x + arm), n(y - arm), n(y + arm))
            path =
                "M\(west) \(above)H\(east)V\(north)H\(right)V\(south)H\(east)V\(below)H\(west)V\(south)"
                + "H\(left)V\(north)H\(west)Z"
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
