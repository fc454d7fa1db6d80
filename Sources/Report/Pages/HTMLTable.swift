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
