/// The report of one run as a single HTML page.
public struct ReportPage {
    let summary: RunSummary

    /// Takes what a run amounts to.
    public init(_ summary: RunSummary) { self.summary = summary }

    /// The page: no scripts, nothing loaded from anywhere, light or dark as the reader's system is.
    public func html() -> String {
        Page.html(
            title: "\(summary.federation): run report",
            body: header + tiles + accuracy + traffic + drift + swaps + settings + footer
        )
    }

    private var header: String {
        let clients = "\(summary.clients) client\(summary.clients == 1 ? "" : "s")"
        let rounds = "\(summary.rounds) round\(summary.rounds == 1 ? "" : "s")"
        return Page.header(
            eyebrow: "Tributary run report",
            title: summary.federation,
            subtitle: [clients, rounds, "trainer \(summary.trainer)", "seed \(summary.seed)"].joined(
                separator: " · "
            )
        )
    }

    private var tiles: String {
        let scores = summary.passAt1
        let final = scores.federated.overall
        var tiles = [
            Page.tile(
                "Held-out pass@1",
                NumberText.percent(final),
                note: "base model \(NumberText.percent(scores.base.overall))"
            ),
            Page.tile(
                "Gain over the base",
                NumberText.points(final - scores.base.overall) + NumberText.space + "points",
                note: "after \(summary.rounds) round\(summary.rounds == 1 ? "" : "s")"
            ),
        ]
        if let local = scores.localOnly {
            tiles.append(
                Page.tile(
                    "Gain over local only",
                    NumberText.points(final - local.overall) + NumberText.space + "points",
                    note: "each client alone: \(NumberText.percent(local.overall))"
                )
            )
        }
        tiles.append(
            Page.tile(
                "Sent in all",
                NumberText.bytes(summary.bytes.total),
                note: "\(NumberText.bytes(summary.bytes.up)) up, \(NumberText.bytes(summary.bytes.down)) down"
            )
        )
        tiles.append(
            Page.tile(
                "Training took",
                NumberText.seconds(summary.seconds.training),
                note: "evaluation \(NumberText.seconds(summary.seconds.evaluation)), "
                    + "build \(NumberText.seconds(summary.seconds.build))"
            )
        )
        return Page.tiles(tiles)
    }

    private var settings: String {
        guard !summary.settings.isEmpty else { return "" }
        let table = HTMLTable(
            header: [],
            rows: summary.settings.map { [$0.name, $0.value] },
            className: "plain"
        )
        return "<section>" + Markup.text("h2", [:], "Settings") + "<figure>" + table.html
            + "</figure></section>\n"
    }

    private var footer: String {
        "<footer>Topology " + Markup.text("code", [:], summary.topology) + " · adapter SHA-256 "
            + Markup.text("code", [:], summary.adapterSHA256) + "</footer>"
    }
}
