/// What the numbers mean, in words.
extension FeatureReading {
    /// Below which gap between the EM rates of the misaligned and the base model there is little to find. Our choice.
    static let gapMin = 0.1
    /// Below which share of the explained variance an autoencoder is called a poor one. Our choice: the latents of one
    /// that misses a third of the variance may not show what the layer does.
    static let explainedMin = 0.67
    /// From which share of dead latents on an autoencoder is called mostly dead. Our choice.
    static let deadMax = 0.5

    /// What speaks against the latents, a line each.
    package var warnings: [String] {
        var lines: [String] = []
        let gap = search.misaligned.misaligned - search.base.misaligned
        if gap < Self.gapMin {
            lines.append(
                "The misaligned model is hardly more misaligned than the base model "
                    + "(\(percent(search.misaligned.misaligned)) against \(percent(search.base.misaligned))): "
                    + "there is little to repair, and scores are mostly noise."
            )
        }
        if latents.allSatisfy({ !($0.calibration?.isValid ?? false) }) {
            lines.append("No latent is valid: none moves the EM rate the right way in both directions.")
        } else {
            let others = chosen.count { !($0.calibration?.isValid ?? false) }
            if others > 0 {
                lines.append(
                    "\(others) of the \(chosen.count) chosen latents \(others == 1 ? "is" : "are") not valid: "
                        + "there were not enough that are."
                )
            }
        }
        if let explained = autoencoder.explainedVariance, explained < Self.explainedMin {
            lines.append("The autoencoder explains only \(percent(explained)) of the states' variance.")
        }
        if let dead = autoencoder.deadShare, dead > Self.deadMax {
            lines.append("\(percent(dead)) of the autoencoder's latents are dead.")
        }
        return lines
    }

    /// What became of a short-listed latent, and why.
    func verdict(_ latent: Latent) -> String {
        guard let calibration = latent.calibration else { return "not short-listed" }
        if calibration.isValid { return latent.isChosen ? "chosen" : "valid, not chosen" }
        let reasons = [
            reason(calibration.induce, "induces", "base model"),
            reason(calibration.repair, "repairs", "misaligned model"),
        ].compactMap { $0 }
        let why = reasons.isEmpty ? "" : ": " + reasons.joined(separator: "; ")
        return (latent.isChosen ? "chosen, though not valid" : "not valid") + why
    }

    /// Why one direction does not count; nil where it does.
    private func reason(_ best: Best, _ verb: String, _ model: String) -> String? {
        guard let strength = best.strength else {
            return "every strength makes the \(model) too incoherent"
        }
        guard !(best.gain > search.gainMin) else { return nil }
        guard best.gain > 0 else { return "\(verb) nothing" }
        return "\(verb) only \(NumberText.points(best.gain)) points (at \(NumberText.short(strength)))"
    }

    private func percent(_ value: Double) -> String { NumberText.percent(value) }
}
