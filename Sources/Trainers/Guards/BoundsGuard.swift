package import Contract

/// Refuses a round whose primary figure is beyond a bound: `guards: [{bounds: {minimum: 0.2}}]`.
///
/// A bound is on the side of worse values: a minimum where more is better, a maximum where less is better.
package struct BoundsGuard: RoundGuard {
    /// `bounds`.
    package static let name = "bounds"

    /// The settings behind `bounds`.
    package struct Settings: TrainerSettings {
        /// The least value of the primary figure that is taken.
        package var minimum: Double?
        /// The largest.
        package var maximum: Double?
        /// How much worse than the adapter that went on before the figure may be.
        package var fall: Double?

        /// No bound, which is refused.
        package init() {}

        /// Checks that there is a bound.
        package func validate() throws(SettingsFault) {
            try SettingsFault.require(
                minimum != nil || maximum != nil || fall != nil,
                "",
                "found no bound, expected minimum, maximum or fall"
            )
            for (key, value) in [("minimum", minimum), ("maximum", maximum), ("fall", fall)] {
                try SettingsFault.require(
                    value?.isFinite ?? true,
                    key,
                    "found \(value ?? 0), expected a number"
                )
            }
            try SettingsFault.require(
                (minimum ?? -.infinity) <= (maximum ?? .infinity),
                "minimum",
                "found \(minimum ?? 0), above the maximum of \(maximum ?? 0)"
            )
            try SettingsFault.require(fall ?? 0 >= 0, "fall", "found \(fall ?? 0), expected 0 or more")
        }
    }

    private let settings: Settings

    /// Takes the bounds.
    package init(settings: Settings, context: CoordinatorContext) { self.settings = settings }

    /// Which bound is broken.
    package func objection(to candidate: RoundCandidate) -> String? {
        let (value, measure) = (candidate.evaluation.value, candidate.evaluation.measure)
        if let minimum = settings.minimum, value < minimum {
            return "\(measure.name) is \(short(value)), below the minimum of \(minimum)"
        }
        if let maximum = settings.maximum, value > maximum {
            return "\(measure.name) is \(short(value)), above the maximum of \(maximum)"
        }
        if let fall = settings.fall, let previous = candidate.previous?.value {
            let loss = measure.higherIsBetter ? previous - value : value - previous
            if loss > fall {
                return
                    "\(measure.name) went from \(short(previous)) to \(short(value)), worse by more than \(fall)"
            }
        }
        return nil
    }

    /// Four decimals: enough for a reader.
    private func short(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
}
