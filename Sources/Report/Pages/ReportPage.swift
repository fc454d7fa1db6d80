internal import Contract

/// The report of one run as a single HTML page.
package struct ReportPage {
    let summary: RunSummary
    /// How values of the run's measure are written.
    let measureText: MeasureText

    /// What clients reported step by step.
    let curves: TrainingCurves

    /// Takes what a run amounts to, and what clients reported step by step.
    package init(_ summary: RunSummary, curves: TrainingCurves = TrainingCurves(steps: 0)) {
        self.summary = summary
        self.curves = curves
        measureText = MeasureText(summary.measure)
    }

    /// The page: no scripts, nothing loaded from anywhere, light or dark as the reader's system is.
    package func html() -> String {
        Page.html(
            title: "\(summary.federation): run report",
            body: header + tiles + heldOut + TrainingSection(curves: curves).html + metrics + trainerFigures
                + vetoes + traffic + drift + swaps
                + combined + monitors + updates + Page.settings(summary.settings) + footer
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
        let scores = summary.scores
        let final = scores.federated.overall
        let change = summary.measure.higherIsBetter ? "Gain over" : "Change from"
        var notes = ["base model \(measureText.value(scores.base.overall))"]
        if let interval = scores.federated.interval { notes.append("from \(measureText.interval(interval))") }
        if !summary.measure.higherIsBetter { notes.append("lower is better") }
        var tiles = [
            Page.tile(
                "Held-out \(summary.measure.name)",
                measureText.value(final),
                note: notes.joined(separator: ", ")
            ),
            Page.tile(
                "\(change) the base",
                measureText.gain(final - scores.base.overall),
                note: "after \(summary.rounds) round\(summary.rounds == 1 ? "" : "s")"
            ),
        ]
        if let local = scores.localOnly {
            tiles.append(
                Page.tile(
                    "\(change) local only",
                    measureText.gain(final - local.overall),
                    note: "each client alone: \(measureText.value(local.overall))"
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
                note: "evaluation \(NumberText.seconds(summary.seconds.evaluation))"
                    + (summary.seconds.build > 0
                        ? ", build \(NumberText.seconds(summary.seconds.build))" : "")
            )
        )
        return Page.tiles(tiles)
    }

    private var footer: String {
        "<footer>Topology " + Markup.text("code", [:], summary.topology) + " · adapter digest "
            + Markup.text("code", [:], summary.adapterDigest) + "</footer>"
    }
}
