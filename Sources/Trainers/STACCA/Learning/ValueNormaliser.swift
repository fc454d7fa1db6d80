/// What a critic's outputs are in units of: v = mean + deviation · output. It follows the returns; the critic's last map is
/// changed with it, so that no value changes (as in PopArt, van Hasselt et al., 2016).
package struct ValueNormaliser: Sendable, Equatable {
    /// The mean of the returns.
    package var mean: Double
    /// Their standard deviation.
    package var deviation: Double
    /// Whether any returns were seen.
    package var isFresh: Bool

    /// Outputs are values.
    package static let identity = ValueNormaliser(mean: 0, deviation: 1, isFresh: true)

    /// Makes a normaliser.
    package init(mean: Double, deviation: Double, isFresh: Bool) {
        self.mean = mean
        self.deviation = deviation
        self.isFresh = isFresh
    }

    /// The normaliser after some more returns: a moving average, except for the first ones.
    package func following(_ returns: [Float], keep: Double = 0.9) -> ValueNormaliser {
        guard !returns.isEmpty else { return self }
        let count = Double(returns.count)
        let mean = returns.reduce(0.0) { $0 + Double($1) } / count
        let square = returns.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
        let deviation = max(square.squareRoot(), 1e-3)
        if isFresh { return ValueNormaliser(mean: mean, deviation: deviation, isFresh: false) }
        return ValueNormaliser(
            mean: keep * self.mean + (1 - keep) * mean,
            deviation: keep * self.deviation + (1 - keep) * deviation,
            isFresh: false
        )
    }

    /// A return in the critic's units.
    package func normalised(_ value: Float) -> Float { Float((Double(value) - mean) / deviation) }

    /// The critic's output as a value.
    package func value(of output: Float) -> Float { Float(mean + deviation * Double(output)) }
}
