package import Contract
internal import Glibc
internal import Tensors

/// How much of their space macrostates fill: what collapses first when a target is chased without a stop-gradient.
package struct Spread: Sendable, Equatable {
    /// exp of the entropy of the covariance's eigenvalues, normalised to sum 1: 1 for a line, m for a ball.
    package var effectiveRank: Double
    /// The smallest standard deviation of a coordinate.
    package var deviationMin: Double

    /// The spread of points.
    ///
    /// - Parameters:
    ///   - points: `[N, m]`.
    ///   - width: m.
    package init(of points: [Float], width: Int) {
        var centred = points
        MacrostateObjective.subtractMean(&centred, width: width)
        let covariance = Covariance(centred: centred, width: width).values
        let deviations = (0..<width).map { max(0, covariance[$0 * width + $0]).squareRoot() }
        deviationMin = deviations.min() ?? 0
        guard covariance.allSatisfy(\.isFinite) else {
            effectiveRank = .nan
            return
        }
        let values = SymmetricEigen(covariance, size: width).values.map { max(0, $0) }
        let sum = values.reduce(0, +)
        guard sum > 0 else {
            effectiveRank = 1
            return
        }
        effectiveRank = exp(values.reduce(0) { $1 > 0 ? $0 - $1 / sum * log($1 / sum) : $0 })
    }
}

/// When macrostates count as collapsed.
package struct CollapseLimits: Sendable, Codable, Equatable {
    /// The least effective rank.
    package var effectiveRankMin = 1.5
    /// The least standard deviation that any coordinate may have.
    package var deviationMin = 1e-4
    /// After how many steps since the start of all training it is looked at: fresh encoders are flat.
    package var graceSteps = 100

    /// The usual limits.
    package init() {}

    func validate(_ key: String) throws(SettingsFault) {
        try SettingsFault.require(
            effectiveRankMin >= 0 && effectiveRankMin <= 1024 && deviationMin >= 0 && deviationMin <= 1e6
                && (0...1_000_000).contains(graceSteps),
            key,
            "found \(effectiveRankMin), \(deviationMin) and \(graceSteps), expected limits of at least 0"
        )
    }

    /// What is wrong with a spread, in words; nil if it will do.
    package func objection(to spread: Spread) -> String? {
        if !(spread.effectiveRank >= effectiveRankMin) {
            return
                "the macrostates have collapsed: their effective rank is \(spread.effectiveRank.rounded3), below \(effectiveRankMin)"
        }
        if !(spread.deviationMin >= deviationMin) {
            return
                "the macrostates have collapsed: the least deviation of a coordinate is \(spread.deviationMin), below \(deviationMin)"
        }
        return nil
    }
}

/// Macrostates that say nothing any more.
package struct CollapseFault: GivenFault, Equatable, CustomStringConvertible {
    /// Data and settings that do not go together.
    package var faultKind: FaultKind { .data }
    /// What was found and what was expected.
    package var description: String

    /// Names a collapse.
    package init(_ description: String) { self.description = description }
}

extension Double {
    /// Rounded to three decimals, for messages.
    var rounded3: Double { (self * 1000).rounded() / 1000 }
}
