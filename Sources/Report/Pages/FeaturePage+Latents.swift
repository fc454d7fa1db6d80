/// The chosen latents, a card each.
extension FeaturePage {
    /// How many cards stand open; the others are behind a fold.
    private static let openMax = 8

    /// The section with all cards; nothing where no latent was chosen.
    var cards: String {
        let drawn = reading.chosen.enumerated().map { card($1, rank: $0 + 1) }
        guard !drawn.isEmpty else { return "" }
        let rest = drawn.dropFirst(Self.openMax)
        let folded =
            rest.isEmpty
            ? ""
            : "<details><summary>\(rest.count) more latent\(rest.count == 1 ? "" : "s")</summary>"
                + Markup.element("div", ["class": "latents"], rest.joined(separator: "\n")) + "</details>"
        return "<section>" + Markup.text("h2", [:], "The chosen latents")
            + Markup.text(
                "p",
                [:],
                "What steering does by strength: first the base model pushed along the latent's sign, then the "
                    + "misaligned model pushed against it. A ring marks the strength with the best effect within "
                    + "the budget; shaded strengths are over it. Below, the texts that activate the latent most, "
                    + "each piece shaded by its activation."
            )
            + Markup.element(
                "div",
                ["class": "latents"],
                drawn.prefix(Self.openMax).joined(separator: "\n")
            ) + folded + "</section>\n"
    }

    private func card(_ latent: FeatureReading.Latent, rank: Int) -> String {
        let sign = latent.isRaised ? "raised" : "lowered"
        let shift = NumberText.signed(NumberText.significant(latent.shift))
        let heading =
            Markup.text("span", ["class": "sign", "aria-hidden": "true"], Self.arrow(latent))
            + Markup.text("span", [:], "Latent \(latent.index)")
            + Markup.text("small", [:], "\(rank) of \(reading.chosen.count)")
        let note =
            "\(sign) by fine-tuning: mean activation \(shift)"
            + (latent.calibration?.isValid ?? false ? "" : " · \(reading.verdict(latent))")
        return "<figure class=\"wide latent \(sign)\"><figcaption>" + Markup.element("h3", [:], heading)
            + Markup.text("p", [:], note) + "</figcaption>" + scores(latent) + effects(latent)
            + texts(latent) + numbers(latent) + "</figure>"
    }

    /// The scores in a row.
    private func scores(_ latent: FeatureReading.Latent) -> String {
        var items: [(name: String, value: String)] = []
        if let calibration = latent.calibration {
            items = [
                ("induces, points", text(calibration.induce)),
                ("repairs, points", text(calibration.repair)),
                ("score", Self.points(calibration.score)),
            ]
        }
        if let screen = latent.screen {
            let search = reading.search
            items += [
                ("screen score", Self.points(screen.score)),
                (
                    "screen: induced",
                    "\(NumberText.percent(screen.induced.misaligned)) at "
                        + NumberText.short(search.screenInduce)
                ),
                (
                    "screen: repaired",
                    "\(NumberText.percent(screen.repaired.misaligned)) at "
                        + NumberText.short(search.screenRepair)
                ),
            ]
        }
        guard !items.isEmpty else { return "" }
        let cells = items.map {
            "<div>" + Markup.text("dt", [:], $0.name) + Markup.text("dd", [:], $0.value) + "</div>"
        }
        return Markup.element("dl", ["class": "scores"], cells.joined())
    }

    private func text(_ best: FeatureReading.Best) -> String {
        guard let strength = best.strength else { return "nothing within the budget" }
        return "\(Self.points(best.gain)) at \(NumberText.short(strength))"
    }

    /// Both curves side by side.
    private func effects(_ latent: FeatureReading.Latent) -> String {
        guard let calibration = latent.calibration else { return "" }
        let search = reading.search
        let charts = [
            effect(
                "Induces in the base model",
                id: "induce-\(latent.index)",
                from: search.base,
                effects: calibration.effects.map { ($0.strength, $0.induced) },
                budget: search.induceBudget,
                chosen: calibration.induce.strength
            ),
            effect(
                "Repairs the misaligned model",
                id: "repair-\(latent.index)",
                from: search.misaligned,
                effects: calibration.effects.map { ($0.strength, $0.repaired) },
                budget: search.repairBudget,
                chosen: calibration.repair.strength
            ),
        ].compactMap { $0 }
        return charts.isEmpty ? "" : Markup.element("div", ["class": "effects"], charts.joined())
    }

    private func effect(
        _ title: String,
        id: String,
        from unsteered: FeatureReading.Shares,
        effects: [(strength: Double, shares: FeatureReading.Shares)],
        budget: Double,
        chosen: Double?
    ) -> String? {
        let points = [(strength: 0.0, shares: unsteered)] + effects
        let chart = EffectChart(
            frame: ChartFrame(
                id: id,
                title: title,
                description:
                    "Shares of misaligned and incoherent answers by strength. The numbers are in the table below.",
                width: 460,
                height: 250
            ),
            points: points.map {
                .init(
                    strength: $0.strength,
                    misaligned: $0.shares.misaligned,
                    incoherent: $0.shares.incoherent
                )
            },
            budget: budget,
            chosen: chosen
        )
        return chart.svg().map { "<div>" + Markup.text("h4", [:], title) + $0 + "</div>" }
    }

    private func numbers(_ latent: FeatureReading.Latent) -> String {
        guard let calibration = latent.calibration, !calibration.effects.isEmpty else { return "" }
        let unsteered = FeatureReading.Effect(
            strength: 0,
            induced: reading.search.base,
            repaired: reading.search.misaligned
        )
        let table = HTMLTable(
            header: [
                "strength", "induced: misaligned", "aligned", "incoherent", "refused", "repaired: misaligned",
                "aligned", "incoherent", "refused",
            ],
            rows: ([unsteered] + calibration.effects).map {
                [NumberText.short($0.strength)] + Self.cells($0.induced) + Self.cells($0.repaired)
            }
        )
        return "<details><summary>Numbers</summary>" + table.html + "</details>"
    }

    // MARK: - Texts

    /// The texts with their tokens shaded, all on the scale of the strongest one.
    private func texts(_ latent: FeatureReading.Latent) -> String {
        let activations = latent.texts.flatMap(\.pieces).map(\.activation).filter(\.isDrawable)
        guard let peak = activations.max(), peak > 0 else { return "" }
        let items = latent.texts.filter { !$0.pieces.isEmpty }.map { text in
            Markup.element(
                "li",
                [:],
                shaded(text.pieces, peak: peak)
                    + (text.source.isEmpty ? "" : Markup.text("small", [:], text.source))
            )
        }
        return Markup.text("h4", [:], "Texts that activate it most")
            + Markup.element(
                "p",
                ["class": "ramp"],
                "<span>0</span><i></i>"
                    + Markup.text(
                        "span",
                        [:],
                        "\(NumberText.significant(peak)); each text's strongest piece is underlined"
                    )
            ) + Markup.element("ol", ["class": "texts"], items.joined())
    }

    /// Tokens in shades of their activation; those without stand plain.
    func shaded(_ pieces: [FeatureReading.Piece], peak: Double) -> String {
        let strongest = pieces.map { $0.activation.isDrawable ? $0.activation : 0 }.max() ?? 0
        var isMarked = false
        return pieces.map { piece in
            let share = piece.activation.isDrawable ? min(1, piece.activation / peak) : 0
            guard share >= 0.005, !piece.text.isEmpty else { return Markup.escape(piece.text) }
            let isStrongest = !isMarked && piece.activation == strongest
            if isStrongest { isMarked = true }
            return Markup.text(
                "mark",
                [
                    "class": isStrongest ? "piece peak" : "piece", "style": "--a:\(Markup.number(share))",
                    "title": NumberText.significant(piece.activation),
                ],
                piece.text
            )
        }.joined()
    }
}
