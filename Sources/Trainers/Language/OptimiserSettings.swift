internal import Contract

/// AdamW's hyper-parameters, as the settings of every language trainer have them under `optimiser`.
///
/// The defaults are those of RLVR/README.md's table: the paper's are not known, except that resetting
/// at synchronisation matters.
package struct OptimiserSettings: Codable, Sendable, Equatable {
    /// The constant learning rate.
    package var learningRate: Double = 1e-5
    /// The decay of the first moment.
    package var beta1: Double = 0.9
    /// The decay of the second moment.
    package var beta2: Double = 0.95
    /// What is added to the root of the second moment.
    package var epsilon: Double = 1e-8
    /// Decoupled weight decay, multiplied by the learning rate.
    package var weightDecay: Double = 0
    /// The gradient's largest norm; above it the gradient is scaled down. 0 means no limit.
    package var clipNorm: Double = 1
    /// Whether moments and step count start anew when a round's adapter arrives.
    package var resetAtSync: Bool = true

    /// The defaults.
    package init() {}

    /// Checks the ranges.
    func validate() throws(SettingsFault) {
        let key = "optimiser."
        try SettingsFault.require(
            learningRate >= 1e-12 && learningRate < 10,
            key + "learningRate",
            "is \(learningRate), expected 1e-12 ≤ … < 10"
        )
        // In the precision they are used in: closer to 1 they are 1, and an epsilon below is 0.
        for (name, beta) in [("beta1", beta1), ("beta2", beta2)] {
            try SettingsFault.require(
                beta >= 0 && Float(beta) < 1,
                key + name,
                "is \(beta), expected 0 ≤ … < 1 in float32"
            )
        }
        try SettingsFault.require(
            epsilon >= 1e-30 && epsilon < 1,
            key + "epsilon",
            "is \(epsilon), expected 1e-30 ≤ … < 1"
        )
        try SettingsFault.require(
            weightDecay >= 0 && weightDecay <= 10,
            key + "weightDecay",
            "is \(weightDecay), expected 0 … 10"
        )
        try SettingsFault.require(
            clipNorm == 0 || (1e-12...1e12).contains(clipNorm),
            key + "clipNorm",
            "is \(clipNorm), expected 0 or 1e-12 … 1e12"
        )
    }
}
