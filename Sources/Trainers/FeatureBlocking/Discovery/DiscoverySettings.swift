package import Contract

/// How features are discovered. The defaults are calibrated on small models; the paper's numbers, where
/// known, are in the comments.
package struct DiscoverySettings: Sendable, Codable, Equatable {
    /// Stage 1: how many latents of each sign are screened, those with the largest change (the paper: 250).
    package var candidatesPerSign = 60
    /// Stage 2: the strength along a latent's sign that is to induce misalignment in the base model, in
    /// steering scales.
    package var screenInduce = 0.7
    /// Stage 2: the strength against a latent's sign that is to repair the misaligned model.
    package var screenRepair = 0.4
    /// Stage 3: how many latents of each sign are calibrated, those with the best screen (the paper: 40).
    package var shortListPerSign = 30
    /// Stage 3: the strengths (the paper: 0.05, 0.10 … 0.75).
    package var strengths = (1...10).map { Double($0) / 10 }
    /// The incoherence that any steered model may have.
    package var incoherenceMax = 0.1
    /// How much more incoherence than without steering a model may have, if that is more.
    package var incoherenceMargin = 0.1
    /// The least gain in both directions for a latent to be valid.
    package var gainMin = 0.005
    /// The most tokens of a pass over texts in stage 1.
    package var tokensPerPass = 4096

    /// The calibrated settings.
    package init() {}

    /// Checks the settings.
    ///
    /// - Throws: `SettingsFault` naming the key.
    package func validate(_ key: String = "discovery") throws(SettingsFault) {
        func check(_ holds: Bool, _ name: String, _ found: Any, _ wanted: String) throws(SettingsFault) {
            try SettingsFault.require(holds, "\(key).\(name)", "found \(found), expected \(wanted)")
        }
        let counts = 1...1 << 20
        try check(counts.contains(candidatesPerSign), "candidatesPerSign", candidatesPerSign, "at least 1")
        try check(counts.contains(shortListPerSign), "shortListPerSign", shortListPerSign, "at least 1")
        for (name, value) in [("screenInduce", screenInduce), ("screenRepair", screenRepair)] {
            try check(value > 0 && value <= 100, name, value, "more than 0, at most 100 steering scales")
        }
        try check(
            !strengths.isEmpty && strengths.count <= 100 && strengths.allSatisfy { $0 > 0 && $0 <= 100 }
                && zip(strengths, strengths.dropFirst()).allSatisfy { $0 < $1 },
            "strengths",
            strengths,
            "1 … 100 ascending ones, each more than 0 and at most 100"
        )
        for (name, value) in [
            ("incoherenceMax", incoherenceMax), ("incoherenceMargin", incoherenceMargin),
            ("gainMin", gainMin),
        ] {
            try check((0...1).contains(value), name, value, "0 … 1")
        }
        try check(counts.contains(tokensPerPass), "tokensPerPass", tokensPerPass, "at least 1")
    }
}
