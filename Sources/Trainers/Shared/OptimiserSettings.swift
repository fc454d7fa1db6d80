/// AdamW's hyper-parameters, as the settings of every language trainer have them under `optimiser`.
///
/// The defaults are those of RLVR/README.md's table: the paper's are not known, except that resetting
/// at synchronisation matters.
public struct OptimiserSettings: Codable, Sendable, Equatable {
    /// The constant learning rate.
    public var learningRate: Double = 1e-5
    /// The decay of the first moment.
    public var beta1: Double = 0.9
    /// The decay of the second moment.
    public var beta2: Double = 0.95
    /// What is added to the root of the second moment.
    public var epsilon: Double = 1e-8
    /// Decoupled weight decay, multiplied by the learning rate.
    public var weightDecay: Double = 0
    /// The gradient's largest norm; above it the gradient is scaled down. 0 means no limit.
    public var clipNorm: Double = 1
    /// Whether moments and step count start anew when a round's adapter arrives.
    public var resetAtSync: Bool = true

    enum CodingKeys: String, CodingKey, CaseIterable {
        case learningRate, beta1, beta2, epsilon, weightDecay, clipNorm, resetAtSync
    }

    /// The defaults.
    public init() {}

    /// Reads what is given and takes defaults for the rest.
    public init(from decoder: any Decoder) throws {
        let keys = try StrictContainer<CodingKeys>(decoder)
        learningRate = try keys.value(.learningRate, default: learningRate)
        beta1 = try keys.value(.beta1, default: beta1)
        beta2 = try keys.value(.beta2, default: beta2)
        epsilon = try keys.value(.epsilon, default: epsilon)
        weightDecay = try keys.value(.weightDecay, default: weightDecay)
        clipNorm = try keys.value(.clipNorm, default: clipNorm)
        resetAtSync = try keys.value(.resetAtSync, default: resetAtSync)
    }

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
