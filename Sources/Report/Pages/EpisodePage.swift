internal import Contract
internal import Glibc

/// The page of `tributary network render`: an episode on a network under several policies at once, to be played, stopped and
/// moved through. It loads nothing; its script is in it and touches nothing but the picture.
package struct EpisodePage {
    private let reading: EpisodeReading
    private let places: [(x: Double, y: Double)]

    /// A page of a reading with a panel at least.
    package init(_ reading: EpisodeReading) {
        self.reading = reading
        places = SpringLayout(nodes: reading.nodes.count, edges: reading.edges).places
    }

    private static let side = 420.0
    private static let margin = 18.0

    /// The file.
    package func html() -> String {
        Page.html(
            title: reading.title,
            style: EpisodeStyle.css,
            body: Page.header(
                eyebrow: "Tributary · network",
                title: reading.title,
                subtitle: reading.subtitle
            ) + controls + legend
                + Markup.element("div", ["class": "figures"], panels) + curves
                + "<script>\nconst data = \(data);\n\(EpisodeStyle.script)</script>"
        )
    }

    private var steps: Int { (reading.panels.map(\.compartments.count).min() ?? 1) - 1 }

    private var controls: String {
        """
        <div class="player">
        <button id="play" type="button" aria-label="Play or pause">Play</button>
        <input id="scrub" type="range" min="0" max="\(steps)" value="0" aria-label="Time step">
        <output id="time" for="scrub">step 0 of \(steps)</output>
        </div>

        """
    }

    private var legend: String {
        let colours = reading.compartments.enumerated().map { place, name in
            "<li><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\"><circle cx=\"6\" cy=\"6\" r=\"5\" class=\"node c\(place)\"/></svg>"
                + "\(Markup.escape(name))</li>"
        }
        let acts =
            "<li><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\"><circle cx=\"6\" cy=\"6\" r=\"4\" class=\"node acts\"/></svg>"
            + "acts in this step</li>"
        let shield =
            reading.ramp > 1
            ? "<li><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\"><circle cx=\"6\" cy=\"6\" r=\"4\" class=\"level full\"/></svg>"
                + "the ring closes with the level of protection</li>" : ""
        return "<ul class=\"legend\">" + colours.joined() + acts + shield + "</ul>\n"
    }

    // MARK: - The networks

    private var panels: String {
        reading.panels.enumerated().map { index, panel in
            """
            <figure><figcaption><h3>\(Markup.escape(panel.name))</h3>\
            <p>discounted return \(NumberText.significant(panel.value)); <span id="share-\(index)"></span></p></figcaption>
            \(network(index))
            </figure>
            """
        }
        .joined(separator: "\n")
    }

    private func place(_ node: Int) -> (x: Double, y: Double) {
        let span = Self.side - 2 * Self.margin
        return (Self.margin + span * places[node].x, Self.margin + span * places[node].y)
    }

    private var nodeRadius: Double { max(2, min(9, 70 / Double(max(reading.nodes.count, 1)).squareRoot())) }

    private func network(_ panel: Int) -> String {
        func number(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
        let lines = reading.edges.map { edge in
            let (from, to) = (place(edge.from), place(edge.to))
            return "M\(number(from.x)) \(number(from.y))L\(number(to.x)) \(number(to.y))"
        }
        let radius = nodeRadius
        let length = 2 * Double.pi * (radius + 2)
        let nodes = reading.nodes.indices.map { node -> String in
            let (x, y) = place(node)
            let ring =
                reading.ramp > 1
                ? "<circle cx=\"\(number(x))\" cy=\"\(number(y))\" r=\"\(number(radius + 2))\" class=\"level\" "
                    + "stroke-dasharray=\"0 \(number(length))\"/>" : ""
            return "<g>" + ring
                + "<circle cx=\"\(number(x))\" cy=\"\(number(y))\" r=\"\(number(radius))\" class=\"node\">"
                + "<title>\(Markup.escape(reading.nodes[node]))</title></circle></g>"
        }
        let name = Markup.escape(
            "\(reading.panels[panel].name): \(reading.nodes.count) nodes, \(reading.edges.count) edges"
        )
        return
            "<svg class=\"chart network\" id=\"panel-\(panel)\" viewBox=\"0 0 \(Int(Self.side)) \(Int(Self.side))\" role=\"img\" "
            + "aria-label=\"\(name)\"><path class=\"edges\" d=\"\(lines.joined())\"/>\(nodes.joined())</svg>"
    }

    // MARK: - The curves

    private var curves: String {
        let names = reading.panels.map(\.name)
        func chart(_ title: String, _ id: String, _ values: (EpisodeReading.Panel) -> [Double]) -> String? {
            let figure = Figure(
                title,
                caption: "",
                .lines(
                    Figure.Lines(
                        xName: "step",
                        yName: title,
                        series: reading.panels.map { panel in
                            let points = values(panel)
                            return .init(panel.name, x: points.indices.map(Double.init), y: points)
                        }
                    )
                )
            )
            return figure.html(id: id)
        }
        return Page.section(
            "The same episode in numbers",
            "All of \(names.joined(separator: ", ")) have the same start and the same noise.",
            figures: [
                chart("share \(reading.spreading)", "spreading") { $0.spreading },
                chart("share acting", "acting") { $0.acting },
            ]
        )
    }

    // MARK: - The script's data

    private var data: String {
        func rows(_ values: [[UInt8]]) -> String {
            "["
                + values.map { "\"" + $0.map { String(UnicodeScalar(48 + $0)) }.joined() + "\"" }.joined(
                    separator: ","
                ) + "]"
        }
        let panels = reading.panels.map { panel in
            "{c:\(rows(panel.compartments)),l:\(rows(panel.levels)),a:\(rows(panel.actions))}"
        }
        let word = "'" + reading.spreading.filter { $0.isLetter || $0 == " " } + "'"
        return "{steps:\(steps),ramp:\(reading.ramp),ring:\(2 * Double.pi * (nodeRadius + 2)),word:\(word),"
            + "panels:[\(panels.joined(separator: ","))]}"
    }
}
