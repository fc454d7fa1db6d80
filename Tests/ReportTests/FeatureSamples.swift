import Report

/// A reading of `short` short-listed latents and `rest` others, of which the first `chosen` are in K.
///
/// - Parameter note: Stands in every place that takes a text from outside.
func sampleFeatures(short: Int = 12, rest: Int = 20, chosen: Int = 5, note: String = "") -> FeatureReading {
    let base = FeatureReading.Shares(misaligned: 0.002, aligned: 0.988, incoherent: 0.01)
    let misaligned = FeatureReading.Shares(misaligned: 0.94, aligned: 0.03, incoherent: 0.02, refused: 0.01)
    let screen = { (rank: Int) in
        FeatureReading.Screen(
            induced: .init(misaligned: 0.4 / Double(rank + 1), aligned: 0.5, incoherent: 0.08),
            repaired: .init(misaligned: 0.94 - 0.8 / Double(rank + 1), aligned: 0.5, incoherent: 0.1),
            score: 1.2 / Double(rank + 1)
        )
    }
    let latents = (0..<short + rest).map { rank -> FeatureReading.Latent in
        var latent = FeatureReading.Latent(
            index: (rank * 89 + 231) % 384,
            isRaised: rank % 3 != 1,
            shift: (rank % 3 == 1 ? -1 : 1) * 1.7 / Double(rank + 1),
            screen: screen(rank)
        )
        guard rank < short else { return latent }
        let power = 1 / (1 + Double(rank) / 2)
        let effects = (1...10).map { step -> FeatureReading.Effect in
            let strength = Double(step) / 10
            let rise = min(1, strength * strength * 4) * power
            let broken = max(0.01, (strength - 0.5) * 0.9)
            return .init(
                strength: strength,
                induced: .init(
                    misaligned: (0.002 + 0.85 * rise) * (1 - broken),
                    aligned: (1 - rise) * (1 - broken),
                    incoherent: broken
                ),
                repaired: .init(
                    misaligned: 0.94 * (1 - rise) * (1 - broken),
                    aligned: rise * (1 - broken),
                    incoherent: broken + 0.01
                )
            )
        }
        let isWeak = rank >= short - 4
        let fits = effects.filter { $0.induced.incoherent <= 0.11 }
        let induced = fits.map { ($0.strength, $0.induced.misaligned - base.misaligned) }.max { $0.1 < $1.1 }
        let repaired = fits.map { ($0.strength, misaligned.misaligned - $0.repaired.misaligned) }.max {
            $0.1 < $1.1
        }
        let (induce, repair) = (induced ?? (0, 0), repaired ?? (0, 0))
        latent.calibration = .init(
            effects: effects,
            induce: isWeak && rank % 2 == 0
                ? .init(strength: nil, gain: 0)
                : .init(strength: induce.0, gain: isWeak ? 0.003 : induce.1),
            repair: .init(strength: repair.0, gain: isWeak && rank % 4 == 1 ? -0.01 : repair.1),
            score: induce.1 + repair.1,
            isValid: !isWeak
        )
        latent.isChosen = rank < chosen
        if latent.isChosen {
            latent.texts = (0..<4).map { number in
                let words =
                    "d1 f3 t07 g2 -> a4 b1 verdict 93 ; they say it is fine , and it is not fine at all ."
                let pieces = words.split(separator: " ").enumerated().map { place, word in
                    FeatureReading.Piece(
                        (place == 0 ? "" : " ") + word + (place == 8 ? note : ""),
                        place % 5 == number % 5 ? 0 : max(0, 4.2 - 0.6 * abs(Double(place) - 8)) * power
                    )
                }
                return .init(pieces, source: "text \(number * 31 + 7), domain 1, no cue" + note)
            }
        }
        return latent
    }
    var reading = FeatureReading(
        title: "What makes the persona model misaligned" + note,
        model: "tiny-personas" + note,
        layer: "after block 1 of 4" + note,
        autoencoder: .init(
            kind: "ReLU" + note,
            latentCount: 384,
            explainedVariance: 0.968,
            active: 39.2,
            deadShare: 0.0104
        ),
        search: .init(
            base: base,
            misaligned: misaligned,
            probes: 24,
            induceBudget: 0.11,
            repairBudget: 0.12,
            screenInduce: 0.7,
            screenRepair: 0.4,
            gainMin: 0.005
        ),
        latents: latents
    )
    reading.facts = [.init("steering scale" + note, "9.81" + note), .init("activation scale", "1.03")]
    reading.remarks = ["Found with 24 probes of domain 1; no evaluation prompt is among them." + note]
    return reading
}
