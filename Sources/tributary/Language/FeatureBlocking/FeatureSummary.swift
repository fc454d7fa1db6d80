internal import Report
internal import Trainers

/// A set of features in a few lines.
enum FeatureSummary {
    /// How many latents are listed.
    static let listedMax = 20

    /// Behaviour without steering, how many latents passed each stage, and the best of them.
    static func text(of set: FeatureSet) -> String {
        let short = set.latents.filter { $0.calibration != nil }
        var text = TextTable(
            header: ["model", "misaligned", "aligned", "incoherent", "refused"],
            rows: [
                ("base", set.baselines.base), ("with the adapter", set.baselines.misaligned),
            ].map { name, shares in
                [name]
                    + [shares.misaligned, shares.aligned, shares.incoherent, shares.refused].map(percent)
            }
        ).text
        text +=
            "\n\(set.latentCount) latents, \(set.latents.count) candidates, \(short.count) short-listed, "
            + "\(set.validCount) valid\n"
        if set.baselines.misaligned.misaligned <= set.baselines.base.misaligned + set.settings.gainMin {
            text += "The adapter does not misalign the model on these questions: nothing can be repaired.\n"
        }
        let rows = short.prefix(listedMax).compactMap { latent in
            latent.calibration.map { row(latent, $0) }
        }
        text +=
            TextTable(
                header: ["latent", "shift", "induces", "at", "repairs", "at", "score", ""],
                rows: rows
            ).text
        if short.count > listedMax { text += "and \(short.count - listedMax) more\n" }
        if let calibrator = set.calibrator {
            text +=
                "The adapter's training took \(ProgressDisplay.fixed(calibrator.lossDrop, 3)) off the loss and "
                + "would pay a penalty of \(ProgressDisplay.fixed(calibrator.penalty, 3)) for "
                + "\(calibrator.count) latents"
            if calibrator.lossDrop > 0, let weight = calibrator.weight(ratio: 1) {
                text += ": ratio 1 is weight \(ProgressDisplay.fixed(weight, 4))"
            }
            text += "\n"
        }
        return text
    }

    private static func row(_ latent: FeatureSet.Latent, _ found: FeatureSet.Calibration) -> [String] {
        func strength(_ value: Double?) -> String { value.map { ProgressDisplay.fixed($0, 2) } ?? "-" }
        return [
            "\(latent.sign > 0 ? "+" : "-")\(latent.index)", ProgressDisplay.fixed(latent.shift, 3),
            percent(found.induceGain), strength(found.induceStrength), percent(found.repairGain),
            strength(found.repairStrength), ProgressDisplay.fixed(found.score, 3),
            found.isValid ? "" : "not valid",
        ]
    }

    private static func percent(_ share: Double) -> String {
        // Rounded first, and a negative zero is none.
        ProgressDisplay.fixed((1000 * share).rounded() / 10 + 0, 1) + " %"
    }
}
