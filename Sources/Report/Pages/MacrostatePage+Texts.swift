/// The texts in the colours of their groups, each below its timeline.
extension MacrostatePage {
    /// How many texts stand open; the others are behind a fold.
    private static let openMax = 4

    /// A stretch of pieces with the same group.
    private struct Run {
        let group: Int?
        let start: Int
        var text: String
        var count: Int
    }

    /// The section with all texts; nothing where there are none.
    var passages: String {
        let drawn = reading.passages.enumerated().filter { passage in
            passage.element.pieces.contains { !$0.text.isEmpty }
        }.map { passage($1, number: $0 + 1) }
        guard !drawn.isEmpty else { return "" }
        let rest = drawn.dropFirst(Self.openMax)
        let folded =
            rest.isEmpty
            ? ""
            : "<details><summary>\(rest.count) more text\(rest.count == 1 ? "" : "s")</summary>"
                + Markup.element("div", ["class": "passages"], rest.joined(separator: "\n")) + "</details>"
        return "<section class=\"macro\">" + Markup.text("h2", [:], "Texts by group")
            + Markup.text(
                "p",
                [:],
                "Each stretch of text carries the number of the group of the model's hidden states there. "
                    + "Above it the same as a timeline, a row for each group. Pick a group to see it alone."
            ) + picks
            + Markup.element(
                "div",
                ["class": "passages"],
                drawn.prefix(Self.openMax).joined(separator: "\n")
            ) + folded + "</section>\n"
    }

    /// The legend, which stays in sight; picking a name needs no script.
    private var picks: String {
        let all = Markup.element(
            "label",
            [:],
            "<input type=\"radio\" name=\"pick\" id=\"pick-all\" checked=\"checked\"/>all"
        )
        let names = reading.groups.enumerated().map { index, group in
            Markup.element(
                "label",
                [:],
                "<input type=\"radio\" name=\"pick\" id=\"pick-\(index)\"/>" + badge(index)
                    + Markup.escape(group.name)
            )
        }
        return Markup.element(
            "fieldset",
            ["class": "picks"],
            "<legend>Show one group</legend>" + all + names.joined()
        )
    }

    private func runs(_ pieces: ArraySlice<MacrostateReading.Piece>) -> [Run] {
        var runs: [Run] = []
        for (index, piece) in zip(pieces.indices, pieces) {
            let group = group(piece)
            if let last = runs.last, last.group == group {
                runs[runs.count - 1].text += piece.text
                runs[runs.count - 1].count += 1
            } else {
                runs.append(Run(group: group, start: index, text: piece.text, count: 1))
            }
        }
        return runs
    }

    /// Stretches of pieces that were given, or that were not.
    private func parts(
        _ pieces: [MacrostateReading.Piece]
    ) -> [(isGiven: Bool, pieces: ArraySlice<MacrostateReading.Piece>)] {
        var parts: [(isGiven: Bool, pieces: ArraySlice<MacrostateReading.Piece>)] = []
        var start = 0
        while start < pieces.count {
            let isGiven = pieces[start].isGiven
            let end = pieces[start...].firstIndex { $0.isGiven != isGiven } ?? pieces.count
            parts.append((isGiven, pieces[start..<end]))
            start = end
        }
        return parts
    }

    private func passage(_ passage: MacrostateReading.Passage, number: Int) -> String {
        let parts = parts(passage.pieces)
        let hasGiven = parts.contains { $0.isGiven }
        let paragraphs = parts.map { part in
            let label =
                hasGiven
                ? Markup.text(
                    "span",
                    ["class": "part"],
                    part.isGiven ? "given to the model" : "written by it"
                )
                : ""
            return Markup.element(
                "p",
                ["class": part.isGiven ? "annotated given" : "annotated"],
                label + runs(part.pieces).map(marked).joined()
            )
        }
        return "<figure class=\"wide passage\"><figcaption>" + Markup.text("h3", [:], passage.title)
            + (passage.note.isEmpty ? "" : Markup.text("p", [:], passage.note)) + "</figcaption>"
            + score(passage, parts.filter { $0.isGiven }.map(\.pieces), number: number)
            + paragraphs.joined(separator: "\n") + "</figure>"
    }

    private func marked(_ run: Run) -> String {
        run.group.map { marked(run.text, $0) } ?? Markup.escape(run.text)
    }

    /// A text of a group with the group's number in front of each paragraph; spaces and line ends around a paragraph
    /// stay outside, or an empty line would be a stroke of colour.
    func marked(_ text: String, _ group: Int) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { markedLine(String($0), group) }.joined(separator: "\n")
    }

    private func markedLine(_ text: String, _ group: Int) -> String {
        guard let first = text.firstIndex(where: { !$0.isWhitespace }),
            let last = text.lastIndex(where: { !$0.isWhitespace })
        else { return Markup.escape(text) }
        let end = text.index(after: last)
        return Markup.escape(String(text[..<first]))
            + Markup.element(
                "mark",
                [
                    "class": "\(MacrostateStyle.className(group)) group-\(group)", "title": name(group),
                ],
                MacrostatePage.numbered(text[first..<end], group)
            ) + Markup.escape(String(text[end...]))
    }

    /// A text with a group's number in front, which a line's end does not part from the first word.
    private static func numbered(_ text: Substring, _ group: Int) -> String {
        let word = text.prefix { !$0.isWhitespace }
        let number = Markup.text("b", [:], "\(group)")
        guard word.count <= 20 else { return number + Markup.escape(String(text)) }
        return Markup.element("span", ["class": "lead"], number + Markup.escape(String(word)))
            + Markup.escape(String(text[word.endIndex...]))
    }

    /// The timeline: a row for each group, from the first piece to the last.
    private func score(
        _ passage: MacrostateReading.Passage,
        _ given: [ArraySlice<MacrostateReading.Piece>],
        number: Int
    ) -> String {
        let names = reading.groups.enumerated().map { index, group in
            "<li><b>\(index)</b>" + Markup.text("span", [:], group.name) + "</li>"
        }
        let shade = given.map { part in
            Markup.element(
                "i",
                ["class": "given-part", "style": "--at:\(part.startIndex);--n:\(part.count)"]
            )
        }
        let runs = runs(passage.pieces[...])
        let blocks = runs.compactMap { run in
            run.group.map { group in
                Markup.element(
                    "i",
                    [
                        "class": "\(MacrostateStyle.className(group)) group-\(group)",
                        "style": "--at:\(run.start);--n:\(run.count);--lane:\(group)",
                        "title": "\(name(group)): pieces \(run.start + 1) to \(run.start + run.count)",
                    ]
                )
            }
        }
        let changes = max(0, runs.count { $0.group != nil } - 1)
        let givenCount = given.reduce(0) { $0 + $1.count }
        return Markup.element(
            "div",
            ["class": reading.groups.count > 8 ? "score many" : "score"],
            Markup.element("ol", ["aria-hidden": "true"], names.joined())
                + Markup.element(
                    "div",
                    [
                        "class": "lanes", "role": "img",
                        "aria-label": "Timeline of text \(number): \(changes) changes of group over "
                            + "\(passage.pieces.count) pieces.",
                        "style": "--lanes:\(reading.groups.count);--pieces:\(passage.pieces.count)",
                    ],
                    (shade + blocks).joined()
                )
                + Markup.element(
                    "div",
                    ["class": "ends"],
                    Markup.text(
                        "span",
                        [:],
                        givenCount > 0 ? "shaded: given, \(givenCount) pieces" : "first piece"
                    )
                        + Markup.text("span", [:], "\(passage.pieces.count) pieces")
                )
        )
    }
}
