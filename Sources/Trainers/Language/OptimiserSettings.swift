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
            learningRate > 0 && learningRate < 10,
            key + "learningRate",
            "is \(learningRate), expected 0 < … < 10"
        )
        try SettingsFault.require((0..<1).contains(beta1), key + "beta1", "is \(beta1), expected 0 ≤ … < 1")
        try SettingsFault.require((0..<1).contains(beta2), key + "beta2", "is \(beta2), expected 0 ≤ … < 1")
        try SettingsFault.require(
            epsilon > 0 && epsilon < 1,
            key + "epsilon",
            "is \(epsilon), expected 0 < … < 1"
        )
        try SettingsFault.require(
            weightDecay >= 0 && weightDecay <= 10,
            key + "weightDecay",
            "is \(weightDecay), expected 0 … 10"
        )
        try SettingsFault.require(
            clipNorm >= 0 && clipNorm.isFinite,
            key + "clipNorm",
            "is \(clipNorm), expected 0 or more"
        )
    }
}
