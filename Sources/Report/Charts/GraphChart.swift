internal import Contract
internal import Glibc

/// Nodes on a circle, the first at the top, and edges whose thickness and strength show their weight.
struct GraphChart {
    let frame: ChartFrame
    let graph: Figure.Graph
    /// What stands in the nodes; nil for plain ones.
    var marks: [Mark]?

    /// How a node looks that has a text in it; its edges take its class too.
    struct Mark {
        let className: String
        let text: String
    }

    private typealias Point = (x: Double, y: Double)

    /// How many names are written upright; more point away from the circle's centre.
    private static let uprightMax = 10

    /// Whether nodes stand so close that there is little room for names and sizes.
    private var isCrowded: Bool { graph.nodes.count > Self.uprightMax }
    private var names: [String] {
        graph.nodes.map { ChartFrame.shortened($0.name, to: marks != nil && isCrowded ? 12 : 18) }
    }
    private var isUpright: Bool { !isCrowded || (marks != nil && graph.nodes.count <= 16) }

    /// The edges that join two nodes and have a weight.
    var edges: [Figure.Graph.Edge] {
        graph.edges.filter { edge in
            graph.nodes.indices.contains(edge.from) && graph.nodes.indices.contains(edge.to)
                && edge.weight.isDrawable && edge.weight > 0
        }
    }

    /// Whether it needs the page's whole width.
    var isWide: Bool { layout.frame.isWide }

    private var layout: (frame: ChartFrame, centre: Point, radius: Double) {
        var frame = frame
        // Room for a node, a loop and the name outside of the circle.
        let margin = (names.map(ChartFrame.width).max() ?? 0) + 50
        let least = isUpright ? 70 : Double(graph.nodes.count) * 15 / (2 * Double.pi)
        let radius = graph.nodes.count == 1 ? 0 : max(least, frame.width / 2 - margin)
        frame.width = max(frame.width, 2 * (radius + margin))
        frame.height = 2 * (radius + (isUpright ? 66 : margin))
        return (frame, (frame.width / 2, frame.height / 2), radius)
    }

    /// The image; nil if there is nothing to draw.
    func svg() -> String? {
        guard !graph.nodes.isEmpty else { return nil }
        let (frame, centre, radius) = layout
        let largest = graph.nodes.map(\.weight).filter(\.isDrawable).max() ?? 0
        let smallest = marks == nil ? 4.0 : 11.0
        let most = marks == nil ? (isUpright ? 16.0 : 9.0) : (isCrowded ? 14.0 : 20.0)
        let nodes = graph.nodes.indices.map { index in
            let angle = 2 * Double.pi * Double(index) / Double(graph.nodes.count) - Double.pi / 2
            let weight = graph.nodes[index].weight
            let share = weight.isDrawable && weight > 0 && largest > 0 ? weight / largest : 0
            return Node(
                x: centre.x + radius * cos(angle),
                y: centre.y + radius * sin(angle),
                angle: angle,
                size: smallest + (most - smallest) * share.squareRoot()
            )
        }
        let heaviest = edges.map(\.weight).max() ?? 1
        let pairs = Set(edges.map { [$0.from, $0.to] })
        var parts = ""
        // The strongest last, above the others.
        for (_, edge) in edges.enumerated().sorted(by: {
            ($0.element.weight, $0.offset) < ($1.element.weight, $1.offset)
        }) {
            let strength = edge.weight / heaviest
            let drawn: String
            if edge.from == edge.to {
                drawn = loop(nodes[edge.from], strength)
            } else {
                let bends = graph.isDirected && pairs.contains([edge.to, edge.from])
                drawn = arc(nodes[edge.from], nodes[edge.to], strength, bends: bends)
            }
            parts += mark(edge.from).map { Markup.element("g", ["class": $0.className], drawn) } ?? drawn
        }
        let loops = Set(edges.filter { $0.from == $0.to }.map(\.from))
        for (index, node) in nodes.enumerated() {
            parts += Markup.element(
                "circle",
                [
                    "cx": Markup.number(node.x), "cy": Markup.number(node.y), "r": Markup.number(node.size),
                    "class": "marker \(mark(index)?.className ?? "series-plain")",
                ]
            )
            if let mark = mark(index) {
                parts += ChartFrame.label(
                    mark.text,
                    x: node.x,
                    y: node.y + 4.5,
                    class: "node-text \(mark.className)",
                    anchor: "middle"
                )
            }
            parts += label(names[index], node, gap: loops.contains(index) ? 32 : 6)
        }
        return frame.svg(parts)
    }

    private func mark(_ index: Int) -> Mark? {
        guard let marks, marks.indices.contains(index) else { return nil }
        return marks[index]
    }

    private struct Node {
        let x: Double
        let y: Double
        /// Seen from the circle's centre.
        let angle: Double
        let size: Double
    }

    // MARK: - Edges

    private func arc(_ from: Node, _ to: Node, _ strength: Double, bends: Bool) -> String {
        let (dx, dy) = (to.x - from.x, to.y - from.y)
        let length = max(1e-6, (dx * dx + dy * dy).squareRoot())
        let bend = bends ? min(26, 0.14 * length) : 0
        let middle: Point = (
            (from.x + to.x) / 2 - dy / length * bend * 2, (from.y + to.y) / 2 + dx / length * bend * 2
        )
        let head = graph.isDirected ? 5 + 4 * strength : 0
        let start = step(from: (from.x, from.y), towards: middle, by: from.size + 1)
        let tip = step(from: (to.x, to.y), towards: middle, by: to.size + 2)
        let end = step(from: tip, towards: middle, by: head * 0.8)
        let line = path(
            "M\(text(start))Q\(text(middle)) \(text(end))",
            strength
        )
        return line + (graph.isDirected ? arrow(tip, from: middle, head, strength) : "")
    }

    /// An edge from a node to itself: a loop that points away from the circle's centre.
    private func loop(_ node: Node, _ strength: Double) -> String {
        let reach = node.size + 36
        let (left, right) = (node.angle - 0.6, node.angle + 0.6)
        let start = point(node, node.angle - 0.7, node.size)
        let tip = point(node, node.angle + 0.7, node.size + 1)
        let controls = (point(node, left, reach), point(node, right, reach))
        let line = path("M\(text(start))C\(text(controls.0)) \(text(controls.1)) \(text(tip))", strength)
        return line + (graph.isDirected ? arrow(tip, from: controls.1, 4 + 2 * strength, strength) : "")
    }

    private func path(_ data: String, _ strength: Double) -> String {
        Markup.element(
            "path",
            [
                "d": data, "class": "edge", "stroke-width": Markup.number(0.8 + 3.7 * strength),
                "stroke-opacity": opacity(strength),
            ]
        )
    }

    private func arrow(_ tip: Point, from: Point, _ size: Double, _ strength: Double) -> String {
        let back = step(from: tip, towards: from, by: size)
        let (dx, dy) = ((tip.x - back.x) / 2, (tip.y - back.y) / 2)
        let corners = [tip, (back.x - dy, back.y + dx), (back.x + dy, back.y - dx)]
        return Markup.element(
            "path",
            [
                "d": "M" + corners.map(text).joined(separator: "L") + "Z", "class": "arrow",
                "fill-opacity": opacity(strength),
            ]
        )
    }

    private func opacity(_ strength: Double) -> String { Markup.number(0.25 + 0.65 * strength) }

    // MARK: - Names

    private func label(_ name: String, _ node: Node, gap: Double) -> String {
        if graph.nodes.count == 1 {
            return ChartFrame.label(
                name,
                x: node.x,
                y: node.y + node.size + 16,
                class: "row-name",
                anchor: "middle"
            )
        }
        let place = point(node, node.angle, node.size + gap)
        let (sideways, upwards) = (cos(node.angle), sin(node.angle))
        if isUpright {
            let anchor = abs(sideways) < 0.2 ? "middle" : sideways > 0 ? "start" : "end"
            // Below the point at the bottom of the circle, above it at the top.
            let y = place.y + 4 + 6 * upwards
            return ChartFrame.label(name, x: place.x, y: y, class: "row-name", anchor: anchor)
        }
        let isLeft = sideways < -1e-9
        let degrees = node.angle * 180 / Double.pi + (isLeft ? 180 : 0)
        let n = Markup.number
        return Markup.text(
            "text",
            [
                "x": n(place.x), "y": n(place.y), "class": "row-name", "dy": "4",
                "text-anchor": isLeft ? "end" : "start",
                "transform": "rotate(\(n(degrees)) \(n(place.x)) \(n(place.y)))",
            ],
            name
        )
    }

    // MARK: - Geometry

    private func point(_ node: Node, _ angle: Double, _ distance: Double) -> Point {
        (node.x + distance * cos(angle), node.y + distance * sin(angle))
    }

    private func step(from: Point, towards: Point, by distance: Double) -> Point {
        let (dx, dy) = (towards.x - from.x, towards.y - from.y)
        let length = max(1e-6, (dx * dx + dy * dy).squareRoot())
        return (from.x + dx / length * distance, from.y + dy / length * distance)
    }

    private func text(_ point: Point) -> String {
        Markup.number(point.x) + " " + Markup.number(point.y)
    }
}
