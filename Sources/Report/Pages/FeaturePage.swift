/// The latents behind a behaviour as one page: how they were found, a card for each chosen one with what steering along
/// it does and which texts activate it, and every candidate with its scores.
///
/// The page loads nothing and runs nothing. Colour is never alone: a latent's sign is an arrow and a word, lines have
/// names and markers, and the strongest piece of a text is underlined.
package struct FeaturePage {
    let reading: FeatureReading

    /// Takes a reading.
    package init(_ reading: FeatureReading) { self.reading = reading }

    /// The page.
    package func html() -> String {
        let count = reading.chosen.count
        return Page.html(
            title: reading.title,
            style: FeatureStyle.css,
            body: Page.header(
                eyebrow: "Tributary features",
                title: reading.title,
                subtitle:
                    "\(reading.model) · \(reading.layer) · \(count) latent\(count == 1 ? "" : "s") chosen"
            ) + tiles + warnings + remarks + search + cards + shortList + others + facts
        )
    }

    /// A latent's name with the arrow of its sign.
    static func name(_ latent: FeatureReading.Latent) -> String { "\(arrow(latent)) \(latent.index)" }

    /// ▲ for a latent that fine-tuning raised, ▼ for one that it lowered.
    static func arrow(_ latent: FeatureReading.Latent) -> String { latent.isRaised ? "▲" : "▼" }

    /// A difference in EM rates.
    static func points(_ value: Double) -> String { NumberText.points(value) }

    // MARK: - Overview

    private var tiles: String {
        let (search, chosen) = (reading.search, reading.chosen)
        let raised = chosen.count(where: \.isRaised)
        var tiles = [
            Page.tile(
                "Chosen latents",
                "\(chosen.count)",
                note: "\(raised) raised by fine-tuning, \(chosen.count - raised) lowered"
            ),
            Page.tile(
                "Misaligned answers",
                NumberText.percent(search.misaligned.misaligned),
                note: "of the misaligned model; base model \(NumberText.percent(search.base.misaligned))"
            ),
        ]
        let calibrations = chosen.compactMap(\.calibration)
        if let induced = calibrations.map(\.induce.gain).max(),
            let repaired = calibrations.map(\.repair.gain).max()
        {
            tiles.append(
                Page.tile(
                    "Best single latent",
                    Self.points(induced) + NumberText.space + "points",
                    note: "induced in the base model; the best repair takes away "
                        + "\(NumberText.fixed(repaired * 100, 1)) points"
                )
            )
        }
        let autoencoder = reading.autoencoder
        if let explained = autoencoder.explainedVariance {
            let parts = [
                autoencoder.active.map {
                    "\(NumberText.short(($0 * 10).rounded() / 10)) of \(autoencoder.latentCount) latents active"
                },
                autoencoder.deadShare.map { "\(NumberText.percent($0)) dead" },
            ].compactMap { $0 }
            tiles.append(
                Page.tile(
                    "Explained variance",
                    NumberText.percent(explained),
                    note: "by the autoencoder" + (parts.isEmpty ? "" : "; " + parts.joined(separator: ", "))
                )
            )
        }
        return Page.tiles(tiles)
    }

    private var warnings: String {
        reading.warnings.map { Markup.text("p", ["class": "remark warning"], $0) }.joined(separator: "\n")
    }

    private var remarks: String {
        reading.remarks.map { Markup.text("p", ["class": "remark"], $0) }.joined(separator: "\n")
    }

    // MARK: - The search

    private var search: String {
        let search = reading.search
        let short = reading.shortListed
        let steps = [
            ("\(reading.autoencoder.latentCount)", "latents"), ("\(reading.latents.count)", "candidates"),
            ("\(short.count)", "short-listed"),
            ("\(short.count { $0.calibration?.isValid ?? false })", "valid"),
            ("\(reading.chosen.count)", "chosen"),
        ].map { number, name in
            Markup.element("li", [:], Markup.text("strong", [:], number) + Markup.text("span", [:], name))
        }
        let row = { (name: String, shares: FeatureReading.Shares, budget: Double) in
            [name] + Self.cells(shares)
                + [NumberText.percent(shares.misalignedOfCoherent), NumberText.percent(budget)]
        }
        let table = HTMLTable(
            header: [
                "without steering", "misaligned", "aligned", "incoherent", "refused", "of coherent", "budget",
            ],
            rows: [
                row("base model", search.base, search.induceBudget),
                row("misaligned model", search.misaligned, search.repairBudget),
            ]
        )
        let text =
            "Candidates are the latents whose mean activation fine-tuning changed most. Each was screened by "
            + "steering: along its sign in the base model (strength \(NumberText.short(search.screenInduce))), which "
            + "is to induce misalignment, and against it in the misaligned model "
            + "(\(NumberText.short(search.screenRepair))), which is to repair it. The best were calibrated over all "
            + "strengths. A latent is valid if both directions move the share of misaligned answers by more than "
            + "\(NumberText.fixed(search.gainMin * 100, 1)) points within the budget of incoherent answers; without "
            + "that budget a broken model would count as cured."
        return "<section>" + Markup.text("h2", [:], "How they were found") + Markup.text("p", [:], text)
            + Markup.element("ol", ["class": "funnel"], steps.joined()) + "<figure>" + table.html
            + Markup.text(
                "p",
                ["class": "note"],
                "Shares of the answers to \(search.probes) probes. Of coherent: the misaligned share of coherent "
                    + "answers. Budget: how many incoherent answers a steered model may give."
            ) + "</figure></section>\n"
    }

    /// Misaligned, aligned, incoherent, refused.
    static func cells(_ shares: FeatureReading.Shares) -> [String] {
        [shares.misaligned, shares.aligned, shares.incoherent, shares.refused].map { NumberText.percent($0) }
    }

    // MARK: - Tables

    private var shortList: String {
        let rows = reading.shortListed.enumerated().map { index, latent in
            ["\(index + 1)", Self.name(latent), reading.verdict(latent), shift(latent)]
                + calibrationCells(latent) + screenCells(latent)
        }
        return Page.section(
            "All short-listed candidates",
            "▲ was raised by fine-tuning, ▼ lowered. Gains and scores are in points of the share of misaligned "
                + "answers: induced and repaired at the best strength within the budget, with the incoherent "
                + "answers there; the screen at its fixed strengths.",
            table: HTMLTable(
                header: [
                    "", "latent", "verdict", "shift", "induces", "at", "incoh.", "repairs", "at", "incoh.",
                    "score",
                ] + Self.screenHeader,
                rows: rows,
                className: "short-list"
            )
        )
    }

    private static let screenHeader = [
        "screen: induced", "incoh.", "repaired", "incoh.", "screen score",
    ]

    private var others: String {
        let rows = reading.latents.filter { $0.calibration == nil }.map { latent in
            [Self.name(latent), shift(latent)] + screenCells(latent)
        }
        guard !rows.isEmpty else { return "" }
        let table = HTMLTable(header: ["latent", "shift"] + Self.screenHeader, rows: rows)
        return
            "<details class=\"others\"><summary>\(rows.count) candidate\(rows.count == 1 ? "" : "s") that the "
            + "screen left out</summary><figure>" + table.html + "</figure></details>\n"
    }

    private func shift(_ latent: FeatureReading.Latent) -> String {
        NumberText.signed(NumberText.significant(latent.shift))
    }

    private func screenCells(_ latent: FeatureReading.Latent) -> [String] {
        guard let screen = latent.screen else { return ["–", "–", "–", "–", "–"] }
        return [
            screen.induced.misaligned, screen.induced.incoherent, screen.repaired.misaligned,
            screen.repaired.incoherent,
        ].map { NumberText.percent($0) } + [Self.points(screen.score)]
    }

    private func calibrationCells(_ latent: FeatureReading.Latent) -> [String] {
        guard let calibration = latent.calibration else { return ["–", "–", "–", "–", "–", "–", "–"] }
        func cells(
            _ best: FeatureReading.Best,
            _ shares: (FeatureReading.Effect) -> FeatureReading.Shares
        ) -> [String] {
            guard let strength = best.strength else { return ["–", "–", "–"] }
            let effect = calibration.effects.first { $0.strength == strength }
            return [
                Self.points(best.gain), NumberText.short(strength),
                effect.map { NumberText.percent(shares($0).incoherent) } ?? "–",
            ]
        }
        return cells(calibration.induce) { $0.induced } + cells(calibration.repair) { $0.repaired }
            + [Self.points(calibration.score)]
    }

    private var facts: String {
        let autoencoder = reading.autoencoder
        return Page.section(
            "How it was made",
            "",
            table: HTMLTable(
                header: [],
                rows: [
                    ["model", reading.model], ["layer", reading.layer],
                    ["autoencoder", "\(autoencoder.kind), \(autoencoder.latentCount) latents"],
                ] + reading.facts.map { [$0.name, $0.value] },
                className: "plain"
            )
        )
    }
}
