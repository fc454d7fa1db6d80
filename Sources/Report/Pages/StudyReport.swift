internal import Contract

/// A study as a page, as JSON and as text for a terminal.
package struct StudyReport {
    let study: StudyRecord

    /// Takes a study.
    package init(_ study: StudyRecord) { self.study = study }

    /// The content of the JSON file.
    ///
    /// - Throws: `EncodingError` if a number of a figure is not finite.
    package func json() throws -> [UInt8] { try JSONText.bytes(study) }

    // MARK: - Text

    /// All tables and verdicts in columns.
    package func text() -> String {
        let sections = study.sections.map(StudyReport.text)
        return (sections + [verdictLine + "\n"]).joined(separator: "\n")
    }

    /// One section's tables and verdicts in columns.
    package static func text(_ section: StudySection) -> String {
        var parts = ["\(section.title) (\(NumberText.seconds(section.seconds)))\n"]
        for table in section.tables {
            parts.append(table.title + "\n" + TextTable(header: table.header, rows: table.shownRows).text)
        }
        if !section.checks.isEmpty {
            let rows = section.checks.map { [$0.what, $0.expected.shown, shown($0), $0.verdict] }
            parts.append(TextTable(header: ["check", "expected", "found", "verdict"], rows: rows).text)
        }
        parts += section.remarks.map { "Note: \($0)\n" }
        return parts.joined(separator: "\n")
    }

    private static func shown(_ check: StudyCheck) -> String { NumberText.short(check.found) }

    /// How many checks hold.
    package var verdictLine: String {
        let checks = study.checks
        return
            "\(checks.count { $0.holds }) of \(checks.count) checks hold; "
            + "\(NumberText.seconds(study.seconds))."
    }

    // MARK: - Page

    /// The page: no scripts, nothing loaded from anywhere.
    package func html() -> String {
        let seeds = study.seeds.map { "\($0)" }.joined(separator: ", ")
        return Page.html(
            title: study.title,
            body: Page.header(
                eyebrow: "Tributary reproduction",
                title: study.title,
                subtitle: "\(study.paper) · seed\(study.seeds.count == 1 ? "" : "s") \(seeds)"
            ) + tiles + study.sections.enumerated().map { html($1, number: $0 + 1) }.joined() + facts
        )
    }

    private var tiles: String {
        let checks = study.checks
        let failed = study.sections.filter { $0.checks.contains { !$0.holds } }.map(\.name)
        return Page.tiles([
            Page.tile(
                "Checks that hold",
                "\(checks.count { $0.holds }) of \(checks.count)",
                note: failed.isEmpty ? "every one" : "not all of: \(failed.joined(separator: ", "))"
            ),
            Page.tile(
                "Experiments",
                "\(study.sections.count)",
                note: study.sections.map(\.name).joined(separator: ", ")
            ),
            Page.tile("Took", NumberText.seconds(study.seconds), note: "all experiments, one after another"),
        ])
    }

    private func html(_ section: StudySection, number: Int) -> String {
        let claims = section.claims.map { claim in
            Markup.element(
                "li",
                [:],
                Markup.text("strong", [:], StudyReport.name(claim.source)) + " " + Markup.escape(claim.text)
            )
        }
        let tables = section.tables.map(StudyReport.html).joined(separator: "\n")
        let figures = section.figures.enumerated().compactMap { index, figure in
            figure.html(id: "\(section.name)-\(index + 1)")
        }
        return "<section>" + Markup.text("h2", [:], "\(number). \(section.title)")
            + (claims.isEmpty ? "" : Markup.element("ul", ["class": "claims"], claims.joined()))
            + StudyReport.verdicts(section.checks)
            + Markup.element("div", ["class": "stack"], tables)
            + (figures.isEmpty
                ? "" : Markup.element("div", ["class": "figures"], figures.joined(separator: "\n")))
            + section.remarks.map { Markup.text("p", ["class": "remark"], $0) }.joined()
            + StudyReport.settings(section) + "</section>\n"
    }

    private static func html(_ table: StudyTable) -> String {
        "<figure><figcaption>" + Markup.text("h3", [:], table.title)
            + (table.caption.isEmpty ? "" : Markup.text("p", [:], table.caption)) + "</figcaption>"
            + HTMLTable(header: table.header, rows: table.shownRows).html + "</figure>"
    }

    private static func verdicts(_ checks: [StudyCheck]) -> String {
        guard !checks.isEmpty else { return "" }
        let items = checks.map { check in
            Markup.element(
                "li",
                ["class": check.holds ? "holds" : "fails"],
                Markup.text("strong", [:], check.verdict) + "<div>" + Markup.escape(check.what)
                    + Markup.text(
                        "span",
                        [:],
                        "expected \(check.expected.shown) (\(name(check.source))), found \(shown(check))"
                    ) + "</div>"
            )
        }
        return Markup.element("ul", ["class": "verdicts"], items.joined())
    }

    private static func settings(_ section: StudySection) -> String {
        let rows =
            section.settings.map { [$0.name, $0.value] } + [
                ["took", NumberText.seconds(section.seconds)]
            ]
        return "<details><summary>Settings of this experiment</summary>"
            + HTMLTable(header: [], rows: rows, className: "plain").html + "</details>"
    }

    private static func name(_ source: StudyClaim.Source) -> String {
        switch source {
        case .paper: "paper"
        case .notes: "our notes"
        case .ours: "our expectation"
        }
    }

    private var facts: String {
        Page.section(
            "Machine and program",
            "",
            table: HTMLTable(
                header: [],
                rows: study.facts.map { [$0.name, $0.value] },
                className: "plain"
            )
        )
    }
}
