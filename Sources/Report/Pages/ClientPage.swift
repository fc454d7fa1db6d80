/// The report of a run as one client knows it, as a single HTML page: nothing of other clients, nothing of what the
/// coordinator alone measures.
package struct ClientPage {
    let summary: ClientSummary
    let curves: TrainingCurves

    /// Takes what the run amounts to and what was measured step by step.
    package init(_ summary: ClientSummary, curves: TrainingCurves) {
        self.summary = summary
        self.curves = curves
    }

    /// The page: no scripts, nothing loaded from anywhere, light or dark as the reader's system is.
    package func html() -> String {
        Page.html(
            title: "\(summary.client) in \(summary.federation): run report",
            body: header + tiles + TrainingSection(curves: curves).html + rounds
                + Page.settings(summary.settings)
                + footer
        )
    }

    private var header: String {
        Page.header(
            eyebrow: "Tributary client report",
            title: "\(summary.client) in \(summary.federation)",
            subtitle:
                "trainer \(summary.trainer) · seed \(summary.seed) · private data of this client, seen from here"
        )
    }

    private var tiles: String {
        var tiles = [
            Page.tile(
                "Steps taken",
                NumberText.grouped(Int64(summary.stepsTaken)),
                note: "of \(summary.steps) in \(summary.rounds) round\(summary.rounds == 1 ? "" : "s")"
            )
        ]
        if let figure = curves.figures(isPublic: false).first,
            let last = curves.value(figure, of: summary.client, atEnd: true)
        {
            let first = curves.value(figure, of: summary.client, atEnd: false)
            tiles.append(
                Page.tile(
                    figure,
                    NumberText.significant(last),
                    note: "at the end, \(first.map(NumberText.significant) ?? "–") at the beginning"
                )
            )
        }
        for (part, note) in [
            ("sampling", "drawing answers"), ("training", "learning from them"),
            ("waiting", "for the coordinator and the others"),
        ] {
            guard let seconds = summary.seconds[part] else { continue }
            let name = part.prefix(1).uppercased() + part.dropFirst()
            tiles.append(Page.tile(name, NumberText.seconds(seconds), note: note))
        }
        return Page.tiles(tiles)
    }

    private var rounds: String {
        let names = Set(summary.history.flatMap(\.metrics.keys)).sorted()
        let all = summary.history
        let shown = all.count <= 8 ? all : (0..<8).map { all[$0 * (all.count - 1) / 7] }
        return Page.section(
            "Round by round",
            "Means over steps on private data; seconds are sums over all steps"
                + (shown.count < all.count ? ". Eight of \(all.count) rounds; summary.json has all." : "."),
            table: HTMLTable(
                header: ["figure"] + shown.map { "round \($0.round)" },
                rows: shown.isEmpty
                    ? []
                    : names.map { name in
                        [name] + shown.map { $0.metrics[name].map(NumberText.significant) ?? "–" }
                    },
                className: "narrow"
            )
        )
    }

    private var footer: String {
        guard let digest = summary.adapterDigest else {
            return Markup.text("footer", [:], "The run is not over: there is no final adapter yet.")
        }
        return "<footer>adapter digest " + Markup.text("code", [:], digest) + "</footer>"
    }
}
