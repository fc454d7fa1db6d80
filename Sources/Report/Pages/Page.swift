/// The frame that all pages share: one file that asks nothing of any network.
enum Page {
    /// The file around a body.
    ///
    /// - Parameter style: Rules of one kind of page, behind those of all.
    static func html(title: String, style: String = "", body: String) -> String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(Markup.escape(title))</title>
        <style>
        \(PageStyle.css)\(style)</style>
        </head>
        <body>
        <main>
        \(body)
        </main>
        </body>
        </html>

        """
    }

    /// The name of the program, the page's title and a line below it.
    static func header(eyebrow: String, title: String, subtitle: String) -> String {
        "<header>" + Markup.text("p", ["class": "eyebrow"], eyebrow) + Markup.text("h1", [:], title)
            + Markup.text("p", ["class": "subtitle"], subtitle) + "</header>\n"
    }

    /// The table of a run's settings.
    static func settings(_ settings: [Setting]) -> String {
        section(
            "Settings",
            "",
            table: HTMLTable(header: [], rows: settings.map { [$0.name, $0.value] }, className: "plain")
        )
    }

    /// A heading, a sentence or two, and figures side by side; nothing where there are no figures.
    static func section(_ title: String, _ text: String, figures: [String?], remark: String? = nil) -> String
    {
        let drawn = figures.compactMap { $0 }
        guard !drawn.isEmpty else { return "" }
        return "<section>" + Markup.text("h2", [:], title) + paragraph(text)
            + Markup.element("div", ["class": "figures"], drawn.joined(separator: "\n"))
            + (remark.map { Markup.text("p", ["class": "remark"], $0) } ?? "") + "</section>\n"
    }

    /// A heading, a sentence and a table; nothing where the table has no rows.
    static func section(_ title: String, _ text: String, table: HTMLTable) -> String {
        guard !table.rows.isEmpty else { return "" }
        return "<section>" + Markup.text("h2", [:], title) + paragraph(text) + "<figure>" + table.html
            + "</figure></section>\n"
    }

    /// What stands before a name in a legend.
    enum LegendShape {
        case marker, bar, line
    }

    /// A chart with its heading, a sentence, a legend and its numbers as a table; nil without a chart.
    ///
    /// - Parameter isWide: Whether the figure takes the page's whole width.
    static func figure(
        _ title: String,
        _ text: String,
        chart: String?,
        legend: [(name: String, style: SeriesStyle)] = [],
        shape: LegendShape = .marker,
        isWide: Bool = false,
        table: String
    ) -> String? {
        guard let chart else { return nil }
        let items = legend.map { Markup.element("li", [:], mark(shape, $0.style) + Markup.escape($0.name)) }
        return (isWide ? "<figure class=\"wide\">" : "<figure>") + "<figcaption>"
            + Markup.text("h3", [:], title) + paragraph(text) + "</figcaption>"
            + (items.isEmpty ? "" : Markup.element("ul", ["class": "legend"], items.joined()))
            + Markup.element("div", ["class": "scroll"], chart)
            + "<details><summary>Numbers</summary>" + table + "</details></figure>"
    }

    private static func mark(_ shape: LegendShape, _ style: SeriesStyle) -> String {
        switch shape {
        case .marker:
            return "<svg viewBox=\"0 0 12 12\" aria-hidden=\"true\">" + style.marker(x: 6, y: 6, size: 5)
                + "</svg>"
        case .bar:
            return "<svg viewBox=\"0 0 12 12\" aria-hidden=\"true\">" + style.swatch(x: 6, y: 6, size: 5)
                + "</svg>"
        case .line:
            let line = Markup.element("path", ["d": "M1 6H31", "class": "line \(style.className)"])
            return "<svg viewBox=\"0 0 32 12\" class=\"long\" aria-hidden=\"true\">" + line
                + style.marker(x: 16, y: 6, size: 4) + "</svg>"
        }
    }

    private static func paragraph(_ text: String) -> String {
        text.isEmpty ? "" : Markup.text("p", [:], text)
    }

    /// A large figure with what it is and what to compare it with.
    ///
    /// Units stand behind a narrow space and are set smaller than their number.
    static func tile(_ name: String, _ figure: String, note: String) -> String {
        let words = figure.split(separator: Character(NumberText.space)).flatMap { $0.split(separator: " ") }
        let marked = words.map { word in
            word.contains { $0.isNumber }
                ? Markup.escape(String(word)) : Markup.text("small", [:], String(word))
        }
        return "<div class=\"tile\">" + Markup.text("dt", [:], name) + "<dd><div class=\"figure\">"
            + marked.joined(separator: NumberText.space) + "</div>"
            + Markup.text("div", ["class": "note"], note) + "</dd></div>"
    }

    static func tiles(_ tiles: [String]) -> String {
        Markup.element("dl", ["class": "tiles"], tiles.joined(separator: "\n")) + "\n"
    }
}

/// A table whose first column names its rows.
struct HTMLTable {
    let header: [String]
    let rows: [[String]]
    var className = ""

    var html: String {
        let head = header.map { Markup.text("th", ["scope": "col"], $0) }.joined()
        let body = rows.map { row in
            let cells = row.enumerated().map { index, text in
                index == 0 ? Markup.text("th", ["scope": "row"], text) : Markup.text("td", [:], text)
            }
            return Markup.element("tr", [:], cells.joined())
        }
        let table =
            "<table class=\"\(className)\">"
            + (header.isEmpty ? "" : Markup.element("thead", [:], Markup.element("tr", [:], head)))
            + Markup.element("tbody", [:], body.joined()) + "</table>"
        return Markup.element("div", ["class": "scroll"], table)
    }
}
