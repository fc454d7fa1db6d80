/// The objective of one batch over all its updates: the clipped ratio term plus the KL term.
///
/// Where a batch gets one update, π_old is π itself, detached: ρ = 1 to the last bit whatever shape the
/// batch has. Otherwise `old` holds the log-probabilities before the first update, from the same passes.
struct PolicyStep {
    private let advantages: [Double]
    private let normaliser: Int
    private let settings: RLVRSettings
    /// log π_old of all tokens of the batch; nil where π_old is π.
    var old: [Float]?
    /// log π_ref of all tokens of the batch; nil without a KL term.
    var reference: [Float]?

    private var clippedLow = 0
    private var clippedHigh = 0
    private var klSum = 0.0
    private var tokensSeen = 0
    /// log π of all tokens at the first update.
    private var first: [Float] = []

    /// - Parameters:
    ///   - advantages: One for each response of the passes.
    ///   - normaliser: b·K, responses of silent groups included.
    init(advantages: [Double], normaliser: Int, settings: RLVRSettings) {
        self.advantages = advantages
        self.normaliser = normaliser
        self.settings = settings
    }

    /// The objective of one pass.
    mutating func evaluate(_ pass: LearningPass, _ logProbs: [Float]) -> ObjectiveValue {
        let responses = ResponseLengths(pass.lengths, normaliser: normaliser)
        let policy = PolicyRatioTerm.evaluate(
            logProbs: logProbs,
            old: old.map { Array($0[pass.tokens]) } ?? logProbs,
            advantages: Array(advantages[pass.responses]),
            responses: responses,
            clipLow: settings.clipLow,
            clipHigh: settings.clipHigh
        )
        clippedLow += policy.clippedLow
        clippedHigh += policy.clippedHigh
        tokensSeen += logProbs.count
        if first.count == pass.tokens.lowerBound { first += logProbs }
        var value = policy.value
        if let reference {
            let divergence = ReferenceKLTerm.evaluate(
                logProbs: logProbs,
                reference: Array(reference[pass.tokens]),
                responses: responses,
                weight: settings.klWeight
            )
            value += divergence.value
            klSum += divergence.meanKL * Double(logProbs.count)
        }
        return value
    }

    /// `clip_ratio` and, with a KL term, `kl`, as means over tokens and updates.
    ///
    /// - Parameter tokens: All tokens of the batch, those of silent groups included.
    func metrics(tokens: Int) -> [String: Double] {
        let all = Double(max(tokens * settings.updatesPerBatch, 1))
        var metrics = [
            "clip_ratio": Double(clippedLow + clippedHigh) / all,
            "clip_ratio/low_mean": Double(clippedLow) / all,
            "clip_ratio/high_mean": Double(clippedHigh) / all,
        ]
        if reference != nil { metrics["kl"] = klSum / Double(max(tokensSeen, 1)) }
        return metrics
    }

    /// The mean of log π at the first update over some tokens; nil if there are none.
    func meanFirstLogProb(of tokens: [Int]) -> Double? {
        guard !tokens.isEmpty else { return nil }
        return tokens.reduce(0.0) { $0 + Double(first[$1]) } / Double(tokens.count)
    }
}
