internal import Contract

/// How much one method is better than another at the same seeds.
package struct PairedDifference: Codable, Sendable, Equatable {
    /// The pair.
    package let comparison: Reproduction.Comparison
    /// The differences of the overall scores, in order of the seeds that both were run with.
    package let differences: [Double]
    /// Their mean and standard error.
    package let statistics: Statistics
    /// In how many of them the method was better.
    package let wins: Int

    init(_ comparison: Reproduction.Comparison, differences: [Double], measure: Measure) {
        self.comparison = comparison
        self.differences = differences
        statistics = Statistics(differences)
        wins = differences.count { measure.isBetter($0, than: 0) }
    }
}

extension Reproduction {
    /// The comparisons that have at least one seed in common.
    package var pairedDifferences: [PairedDifference] {
        comparisons.compactMap { comparison in
            guard let better = methods.first(where: { $0.name == comparison.method }),
                let worse = methods.first(where: { $0.name == comparison.against })
            else { return nil }
            let differences = seeds.compactMap { seed -> Double? in
                guard let left = better.run(seed: seed), let right = worse.run(seed: seed) else { return nil }
                return left.score.overall - right.score.overall
            }
            guard !differences.isEmpty else { return nil }
            return PairedDifference(comparison, differences: differences, measure: measure)
        }
    }

    /// The slices of all runs, sorted.
    var slices: [String] {
        Set(methods.flatMap { $0.runs.flatMap { $0.score.bySlice.keys } }).sorted()
    }

    /// The names of the metrics of all runs, sorted.
    var metricNames: [String] {
        Set(methods.flatMap { $0.runs.flatMap { $0.metrics.keys } }).sorted()
    }
}

/// The mean of some values and how well it is known.
package struct Statistics: Codable, Sendable, Equatable {
    /// How many values there were.
    package let count: Int
    /// Their mean; 0 if there were none.
    package let mean: Double
    /// The standard error of the mean (with n − 1); 0 for fewer than two values.
    package let standardError: Double

    /// Takes values in any order; sums in the order given.
    package init(_ values: [Double]) {
        count = values.count
        let sum = values.reduce(0, +)
        let mean = values.isEmpty ? 0 : sum / Double(values.count)
        self.mean = mean
        guard values.count > 1 else {
            standardError = 0
            return
        }
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        standardError = (squares / Double(values.count - 1) / Double(values.count)).squareRoot()
    }
}
