internal import Contract

/// The macrostates of a model as one page: texts coloured by group with a timeline, how groups follow one
/// another, examples, and the measures that say how far the groups can be trusted.
///
/// The page loads nothing and runs nothing. Colour is never alone: groups have numbers and, from the ninth
/// on, stripes.
package struct MacrostatePage {
    let reading: MacrostateReading

    /// Takes a reading.
    package init(_ reading: MacrostateReading) { self.reading = reading }

    /// The page.
    package func html() -> String {
        Page.html(
            title: reading.title,
            style: MacrostateStyle.css(groups: reading.groups.count),
            body: Page.header(
                eyebrow: "Tributary macrostates",
                title: reading.title,
                subtitle: "\(reading.model) · \(reading.layer) · \(reading.groups.count) groups"
            ) + tiles + warnings + remarks + passages + trust + groups + transitions + theory + facts
        )
    }

    /// A group's number and name, which differ even where two names are the same.
    func name(_ group: Int) -> String { "\(group) \(reading.groups[group].name)" }

    /// The number of a group in its colour.
    func badge(_ group: Int) -> String {
        Markup.text("span", ["class": "badge \(MacrostateStyle.className(group))"], "\(group)")
    }

    /// A piece's group; nil where it has none that exists.
    func group(_ piece: MacrostateReading.Piece) -> Int? {
        piece.group.flatMap { reading.groups.indices.contains($0) ? $0 : nil }
    }

    // MARK: - Overview

    private var tiles: String {
        let trust = reading.trust
        var tiles = [
            Page.tile(
                "Groups",
                "\(reading.groups.count)",
                note: reading.choice == nil ? "a number that was given" : "found by how stable they are"
            ),
            Page.tile(
                "Stays in its group",
                NumberText.percent(trust.consistency, digits: 0),
                note: "of pieces; by chance \(NumberText.percent(trust.chance, digits: 0))"
            ),
            Page.tile(
                "Shared with words",
                MacrostatePage.share(trust.withPieces),
                note: "of 1 (NMI); with positions \(MacrostatePage.share(trust.withPositions))"
            ),
        ]
        if let rank = trust.rank {
            tiles.append(
                Page.tile(
                    "Effective rank",
                    NumberText.fixed(rank.effective, 1),
                    note: "of \(rank.of) numbers in a macrostate"
                )
            )
        }
        return Page.tiles(tiles)
    }

    /// A measure between 0 and 1.
    static func share(_ value: Double) -> String { NumberText.fixed(value, 2) }

    /// What a measure says against the groups, before anything is seen of them.
    private var warnings: String {
        reading.trust.unsound.map { judgement in
            Markup.element(
                "p",
                ["class": "remark warning"],
                Markup.text("strong", [:], judgement.sentence) + " " + Markup.escape(judgement.why)
            )
        }.joined(separator: "\n")
    }

    private var remarks: String {
        reading.remarks.map { Markup.text("p", ["class": "remark"], $0) }.joined(separator: "\n")
    }

    private var facts: String {
        Page.section(
            "How it was made",
            "",
            table: HTMLTable(
                header: [],
                rows: [["model", reading.model], ["layer", reading.layer]]
                    + reading.facts.map { [$0.name, $0.value] },
                className: "plain"
            )
        )
    }

    // MARK: - Trust

    private var trust: String {
        let items = reading.trust.judgements.map { judgement in
            let mark = judgement.mark.map {
                Markup.element("b", ["style": "--mark:\(MacrostatePage.part($0))"])
            }
            return Markup.element(
                "li",
                ["class": judgement.level.rawValue],
                "<div>" + Markup.text("h3", [:], judgement.name)
                    + Markup.text("p", ["class": "verdict"], judgement.verdict) + "</div><div>"
                    + Markup.element(
                        "div",
                        ["class": "gauge"],
                        Markup.element("i", ["style": "--value:\(MacrostatePage.part(judgement.value))"])
                            + (mark ?? "")
                    ) + "<div class=\"values\">" + Markup.text("strong", [:], judgement.found)
                    + Markup.text("span", [:], judgement.compared) + "</div></div>"
                    + Markup.text("p", ["class": "why"], judgement.why)
            )
        }
        return "<section>" + Markup.text("h2", [:], "Are these thoughts, words or places?")
            + Markup.text(
                "p",
                [:],
                "Groups that last look like states of mind even when they only count how far a text has "
                    + "come, or repeat which word stands there. These measures tell. Where the verdicts change "
                    + "is our choice, not a law."
            ) + Markup.element("ul", ["class": "measures"], items.joined(separator: "\n")) + "</section>\n"
    }

    /// A share for a style: between 0 and 1.
    static func part(_ value: Double) -> String {
        Markup.number(value.isFinite ? min(1, max(0, value)) : 0)
    }

    // MARK: - The theory

    private var theory: String {
        let rows = reading.closure.filter { $0.fromMacrostate.isDrawable && $0.fromBoth.isDrawable }
        var figures: [String?] = []
        if !rows.isEmpty {
            let horizons = rows.map { Double($0.horizon) }
            let gaps = rows.map { "\(MacrostatePage.share($0.gap)) at \($0.horizon)" }
            let overfit =
                rows.contains { $0.gap < -0.005 }
                ? " Below 0: the fit with the hidden state has too many inputs for so few texts, and what it could "
                    + "add is not known." : ""
            figures.append(
                Figure(
                    "What the macrostate does not tell about its future",
                    caption:
                        "Share of a later macrostate's variance that is explained (R²), by how many pieces "
                        + "later. The hidden state adds \(gaps.joined(separator: ", ")). A small gap means "
                        + "something only where the lower line is well above 0." + overfit,
                    .lines(
                        .init(
                            xName: "pieces later",
                            yName: "explained variance (R²)",
                            series: [
                                .init("macrostate", x: horizons, y: rows.map(\.fromMacrostate)),
                                .init("with hidden state", x: horizons, y: rows.map(\.fromBoth)),
                            ]
                        )
                    )
                ).html(id: "closure")
            )
        }
        if let choice = reading.choice {
            figures.append(
                Figure(
                    "How many groups",
                    caption: choice.rule + " Chosen: \(reading.groups.count).",
                    .lines(
                        .init(
                            xName: "number of groups",
                            yName: "agreement of two halves (adjusted Rand index)",
                            series: [
                                .init(
                                    "agreement",
                                    x: choice.counts.map { Double($0) },
                                    y: choice.agreements
                                )
                            ]
                        )
                    )
                ).html(id: "choice")
            )
        }
        figures += reading.figures.enumerated().map { $1.html(id: "further-\($0 + 1)") }
        return Page.section(
            "How good a theory they are",
            "A macroscopic theory is useful where few numbers predict what comes next nearly as well as all "
                + "of them.",
            figures: figures
        )
    }
}
