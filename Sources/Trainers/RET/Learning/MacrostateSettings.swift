package import Contract

/// The shape of encoder and predictor. The paper's own (its appendix C) is not known to us: all of it is our
/// reconstruction, with the defaults of the calibrated recipe.
package struct MacrostateShape: Sendable, Codable, Equatable {
    /// The windows w: the input is x_t = [h_t, mean of the last w states for each w], strictly causal and standardised.
    package var windows: [Int] = [8]
    /// The widths of the encoder's hidden layers, each followed by a ReLU.
    package var hidden: [Int] = [64]
    /// m, the width of a macrostate.
    package var outputs = 16
    /// The widths of the predictor's hidden layers.
    package var predictorHidden: [Int] = [64]

    /// The recipe's shape.
    package init() {}

    /// Makes a shape.
    package init(windows: [Int], hidden: [Int], outputs: Int, predictorHidden: [Int]) {
        self.windows = windows
        self.hidden = hidden
        self.outputs = outputs
        self.predictorHidden = predictorHidden
    }

    /// How many values the encoder takes for states of `width` values.
    package func inputs(width: Int) -> Int { width * (1 + windows.count) }

    /// The widths of the encoder from its input on.
    package func encoderWidths(width: Int) -> [Int] { [inputs(width: width)] + hidden + [outputs] }

    /// The widths of the predictor from its input on.
    package var predictorWidths: [Int] { [outputs] + predictorHidden + [outputs] }

    func validate(_ key: String) throws(SettingsFault) {
        try SettingsFault.require(
            windows.count <= 8 && windows.allSatisfy((2...4096).contains)
                && Set(windows).count == windows.count,
            "\(key).windows",
            "found \(windows), expected at most 8 different ones of 2 … 4096"
        )
        for (name, widths) in [("hidden", hidden), ("predictorHidden", predictorHidden)] {
            try SettingsFault.require(
                widths.count <= 4 && widths.allSatisfy((1...8192).contains),
                "\(key).\(name)",
                "found \(widths), expected at most 4 of 1 … 8192"
            )
        }
        try SettingsFault.require(
            (2...1024).contains(outputs),
            "\(key).outputs",
            "found \(outputs), expected 2 … 1024"
        )
    }
}

/// How a macrostate is learnt: RET's notes 2.3, with the recipe's two additions, a horizon drawn anew for each batch and
/// a target without its batch mean.
package struct MacrostateLearning: Sendable, Codable, Equatable {
    /// The horizons k in tokens.
    package struct Horizon: Sendable, Codable, Equatable {
        /// The shortest.
        package var from = 4
        /// The longest; the same as `from` for a fixed one.
        package var to = 12
        /// Into how many equal parts a batch is cut, each with a horizon of its own; 1 draws one for the batch.
        package var perBatch = 1

        /// The recipe's horizons.
        package init() {}

        /// Makes horizons.
        package init(from: Int, to: Int, perBatch: Int = 1) {
            self.from = from
            self.to = to
            self.perBatch = perBatch
        }
    }

    /// The horizons.
    package var horizon = Horizon()
    /// B, the pairs of states of a step.
    package var batchSize = 256
    /// Adam's step size.
    package var learningRate = 1e-3
    /// τ, what the target network keeps of itself at each step; 0 makes it the online network.
    package var targetDecay = 0.99
    /// Whether the batch's mean is taken off the targets before they are compared.
    package var centresTarget = true
    /// How many consecutive pairs of a batch come from one trajectory; 1 draws each from all of them. With more, the mean
    /// that is taken off is that of the trajectory's own targets: what stays the same through a text is then nothing to
    /// foretell, and macrostates need not hold it (ours; the study `reproduce ret` compares both).
    package var pairsPerTrajectory = 1
    /// β, the weight of the variance and covariance term; off, since it helps where rank collapses and nowhere else.
    package var varianceWeight = 0.0
    /// Whether no gradient flows into the target. Without it everything collapses: for ablations.
    package var stopsGradient = true

    /// The recipe's settings.
    package init() {}

    /// The recipe's settings with other horizons.
    package init(horizon: Horizon) { self.horizon = horizon }

    /// Within how many rows of a batch targets are centred; nil for all.
    var centredRows: Int? { pairsPerTrajectory > 1 ? pairsPerTrajectory : nil }

    func validate(_ key: String) throws(SettingsFault) {
        try SettingsFault.require(
            horizon.from >= 1 && horizon.from <= horizon.to && horizon.to <= 4096,
            "\(key).horizon",
            "found \(horizon.from) to \(horizon.to), expected 1 ≤ from ≤ to ≤ 4096"
        )
        try SettingsFault.require(
            (2...65_536).contains(batchSize),
            "\(key).batchSize",
            "found \(batchSize), expected 2 … 65536"
        )
        try SettingsFault.require(
            horizon.perBatch >= 1 && batchSize % max(horizon.perBatch, 1) == 0,
            "\(key).horizon.perBatch",
            "found \(horizon.perBatch), expected a divisor of batchSize = \(batchSize)"
        )
        let part = batchSize / max(horizon.perBatch, 1)
        try SettingsFault.require(
            pairsPerTrajectory >= 1 && part % max(pairsPerTrajectory, 1) == 0,
            "\(key).pairsPerTrajectory",
            "found \(pairsPerTrajectory), expected a divisor of batchSize / horizon.perBatch = \(part)"
        )
        try SettingsFault.require(
            learningRate > 0 && learningRate <= 1,
            "\(key).learningRate",
            "found \(learningRate), expected more than 0 and at most 1"
        )
        try SettingsFault.require(
            (0..<1).contains(targetDecay),
            "\(key).targetDecay",
            "found \(targetDecay), expected 0 ≤ … < 1"
        )
        try SettingsFault.require(
            varianceWeight >= 0 && varianceWeight <= 100,
            "\(key).varianceWeight",
            "found \(varianceWeight), expected 0 … 100"
        )
    }
}
