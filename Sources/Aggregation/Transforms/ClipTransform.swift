package import Contract

/// Scales a whole update down to a Euclidean norm, so that no client moves the mean farther than that
/// (McMahan et al., "Learning differentially private recurrent language models", ICLR 2018, flat clipping).
package struct ClipTransform: UpdateTransform {
    /// What its mapping in the topology file says.
    package struct Settings: TrainerSettings {
        /// The largest norm that an update keeps.
        package var norm = 1.0

        /// The defaults.
        package init() {}

        /// The norm must be a positive number.
        package func validate() throws(SettingsFault) {
            try SettingsFault.require(
                (1e-12...1e12).contains(norm),
                "norm",
                "is \(norm), expected 1e-12 … 1e12"
            )
        }
    }

    /// `clip`
    package static let name = "clip"
    /// One sentence for people who choose.
    package static let summary = "scales an update down to a Euclidean norm of at most 'norm'"

    private let limit: Double

    /// Takes the largest norm.
    package init(_ settings: Settings) { limit = settings.norm }

    /// The update times `min(1, norm / ‖update‖)`, counts left as they are; `norm` (before) and `scale`.
    ///
    /// Rounding to float32 never leaves it above the limit. A short update stays the same bit for bit, and
    /// so does one that is not finite, for ``UpdateCheck`` to name.
    package func change(
        _ update: any UpdateSource,
        at place: UpdatePlace
    ) throws -> (change: ArrayChange?, metrics: [String: Double]) {
        let norm = try update.norm()
        guard norm > limit, norm.isFinite else { return (nil, ["norm": norm, "scale": 1]) }
        var scale = limit / norm
        // Rounded values may together be a little longer; doubled steps end with a scale of zero.
        var step = 0x1p-24
        while try ChangedUpdate(source: update, change: scaling(by: scale)).norm() > limit {
            scale *= 1 - step
            step *= 2
        }
        return (scaling(by: scale), ["norm": norm, "scale": scale])
    }

    private func scaling(by scale: Double) -> ArrayChange {
        { _, values in
            for element in values.indices { values[element] = Float(scale * Double(values[element])) }
        }
    }
}
