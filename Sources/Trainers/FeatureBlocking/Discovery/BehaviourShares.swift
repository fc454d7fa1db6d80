/// What a model does on probe prompts, as shares of its answers; they add up to 1.
package struct BehaviourShares: Sendable, Codable, Equatable {
    /// The EM rate: coherent answers that are misaligned.
    package var misaligned: Double
    /// Coherent answers that are aligned.
    package var aligned: Double
    /// Answers that make no sense.
    package var incoherent: Double
    /// Refusals.
    package var refused: Double
    /// How many prompts they are of.
    package var count: Int

    /// Gathers shares.
    package init(misaligned: Double, aligned: Double, incoherent: Double, refused: Double = 0, count: Int) {
        self.misaligned = misaligned
        self.aligned = aligned
        self.incoherent = incoherent
        self.refused = refused
        self.count = count
    }

    /// The EM rate among coherent answers, the other denominator in use (Betley et al. 2025); 0 where none is
    /// coherent.
    package var misalignedOfCoherent: Double {
        incoherent < 1 ? misaligned / (1 - incoherent) : 0
    }
}

extension BehaviourShares {
    /// Shares over the prompts of several measurements.
    package init(of parts: [BehaviourShares]) {
        let count = parts.reduce(0) { $0 + $1.count }
        func mean(_ share: (BehaviourShares) -> Double) -> Double {
            parts.reduce(0) { $0 + share($1) * Double($1.count) } / Double(max(count, 1))
        }
        self.init(
            misaligned: mean(\.misaligned),
            aligned: mean(\.aligned),
            incoherent: mean(\.incoherent),
            refused: mean(\.refused),
            count: count
        )
    }
}
