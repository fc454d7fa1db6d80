internal import Contract

/// A text with its groups' spans underlined and numbered, so that colour is not the only thing that tells
/// them apart.
struct AnnotatedTextDrawing {
    let text: Figure.AnnotatedText

    /// The group of a span; nil where it has none that exists.
    private func group(_ span: Figure.AnnotatedText.Span) -> Int? {
        span.group.flatMap { text.groups.indices.contains($0) ? $0 : nil }
    }

    /// The groups with the numbers that stand behind their spans.
    var legend: [(name: String, style: SeriesStyle)] {
        text.groups.enumerated().map { (name: "\($0) \($1)", style: .numbered($0)) }
    }

    /// How much of the text each group has.
    var table: HTMLTable {
        HTMLTable(
            header: ["group", "spans", "characters"],
            rows: text.groups.enumerated().map { index, name in
                let spans = text.spans.filter { group($0) == index }
                return [
                    "\(index) \(name)", "\(spans.count)", "\(spans.reduce(0) { $0 + $1.text.count })",
                ]
            }
        )
    }

    /// The text; nil if there is none.
    func html() -> String? {
        guard text.spans.contains(where: { !$0.text.isEmpty }) else { return nil }
        let parts = text.spans.filter { !$0.text.isEmpty }.map { span in
            guard let group = group(span) else { return Markup.escape(span.text) }
            // The number stays with the last word, not with the space behind it.
            let end = span.text.lastIndex { !$0.isWhitespace }.map(span.text.index(after:))
            let words = span.text[..<(end ?? span.text.startIndex)]
            return Markup.element(
                "mark",
                ["class": SeriesStyle.numbered(group).className],
                Markup.escape(String(words)) + Markup.text("sub", [:], "\(group)")
            ) + Markup.escape(String(span.text[words.endIndex...]))
        }
        return Markup.element("p", ["class": "annotated"], parts.joined())
    }
}
