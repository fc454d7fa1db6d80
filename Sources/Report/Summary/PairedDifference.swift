/// How much one method is better than another at the same seeds.
public struct PairedDifference: Codable, Sendable, Equatable {
    /// The pair.
    public let comparison: Reproduction.Comparison
    /// The differences in overall pass@1, in order of the seeds that both were run with.
    public let differences: [Double]
    /// Their mean and standard error.
    public let statistics: Statistics
    /// In how many of them the method was better.
    public let wins: Int

    init(_ comparison: Reproduction.Comparison, differences: [Double]) {
        self.comparison = comparison
        self.differences = differences
        statistics = Statistics(differences)
        wins = differences.count { $0 > 0 }
    }
}

extension Reproduction {
    /// The comparisons that have at least one seed in common.
    public var pairedDifferences: [PairedDifference] {
        comparisons.compactMap { comparison in
            guard let better = methods.first(where: { $0.name == comparison.method }),
                let worse = methods.first(where: { $0.name == comparison.against })
            else { return nil }
            let differences = seeds.compactMap { seed -> Double? in
                guard let left = better.run(seed: seed), let right = worse.run(seed: seed) else { return nil }
                return left.passAt1.overall - right.passAt1.overall
            }
            return differences.isEmpty ? nil : PairedDifference(comparison, differences: differences)
        }
    }

    /// The topics of all runs, sorted.
    var topics: [String] {
        Set(methods.flatMap { $0.runs.flatMap { $0.passAt1.byTopic.keys } }).sorted()
    }

    /// The names of the metrics of all runs, sorted.
    var metricNames: [String] {
        Set(methods.flatMap { $0.runs.flatMap { $0.metrics.keys } }).sorted()
    }
}
