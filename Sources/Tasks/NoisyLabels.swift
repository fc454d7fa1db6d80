package import Randomness

/// Labels that are only sometimes right, drawn anew each time a problem is seen.
///
/// A model warmed up on them knows the right procedure in part, in competition with wrong ones, as a
/// real base model does: reinforcement has something to start from and something to do.
package struct NoisyLabels: Sendable, Codable, Equatable {
    /// How often each kind of label is drawn; the rest is random digits of the right length.
    package struct Odds: Sendable, Codable, Equatable {
        /// The probability of the right answer.
        package var right: Double
        /// The probability of one of the misconceptions, each equally likely.
        package var misconception: Double

        /// Makes odds.
        package init(right: Double, misconception: Double) {
            precondition(
                right >= 0 && misconception >= 0 && right + misconception <= 1,
                "NoisyLabels.Odds: \(right) and \(misconception) are no probabilities"
            )
            self.right = right
            self.misconception = misconception
        }
    }

    /// The odds of all families but `cnt`.
    package var usual: Odds
    /// The odds of `cnt`, whose misconceptions are too easily right by chance.
    package var counting: Odds

    /// Leaves the base model right in about a fifth of its samples.
    package static let standard = NoisyLabels(
        usual: Odds(right: 0.35, misconception: 0.45),
        counting: Odds(right: 0.35, misconception: 0.25)
    )
    /// Leaves the base model right in about a twentieth of its samples.
    package static let hard = NoisyLabels(
        usual: Odds(right: 0.08, misconception: 0.60),
        counting: Odds(right: 0.08, misconception: 0.35)
    )

    /// Makes label odds.
    package init(usual: Odds, counting: Odds) {
        self.usual = usual
        self.counting = counting
    }

    /// One label for a problem.
    package func label(for problem: SyntheticProblem, from stream: inout RandomStream) -> String {
        let odds = problem.family == .cnt ? counting : usual
        let u = stream.uniform()
        if u < odds.right { return problem.answer }
        if u < odds.right + odds.misconception, !problem.misconceptions.isEmpty {
            return problem.misconceptions[stream.below(problem.misconceptions.count)]
        }
        return String(problem.answer.map { _ in Character("\(stream.below(10))") })
    }
}
