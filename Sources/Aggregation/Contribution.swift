package import Contract

/// One client's accepted update of a round: everything about it in one record.
package struct Contribution: Sendable {
    /// The client's name.
    package var client: String
    /// The trained adapter minus the round's broadcast adapter, in the broadcast's layout.
    package var delta: any UpdateSource
    /// How many private examples the client trained on in the round.
    package var examples: Int

    /// Makes a contribution.
    package init(client: String, delta: any UpdateSource, examples: Int) {
        self.client = client
        self.delta = delta
        self.examples = examples
    }
}

/// How much each client counts in the mean.
package enum Weighting: String, Sendable, Hashable, Codable, CaseIterable {
    /// Every client the same: 1/N.
    case uniform
    /// In proportion to the examples that a client reports, up to a bound.
    case examples

    /// How many times the median of what a round's clients report one of them may count for, where the
    /// topology states no bound of its own.
    static let examplesPerMedian = 10

    /// The most examples that one client of a round may count for: a number that nobody can check must not
    /// let one client be the mean.
    ///
    /// - Parameters:
    ///   - reported: What the clients report; not empty.
    ///   - examplesMax: The bound that the topology states, which takes the place of the median's.
    package static func bound(of reported: [Int], examplesMax: Int?) -> Int {
        if let examplesMax { return min(examplesMax, WeightedContributions.weightMax) }
        // Of an even number of clients the lower of the middle two: of two, the one that reports less.
        let median = reported.sorted()[(reported.count - 1) / 2]
        guard median < WeightedContributions.weightMax / examplesPerMedian else {
            return WeightedContributions.weightMax
        }
        return max(1, median * examplesPerMedian)
    }

    /// The weights of contributions before division by the total: integers, so that the mean of
    /// N equal values is exactly that value.
    func weights(of contributions: [Contribution], examplesMax: Int?) -> [Int] {
        switch self {
        case .uniform: return contributions.map { _ in 1 }
        case .examples:
            let reported = contributions.map(\.examples)
            let bound = Weighting.bound(of: reported, examplesMax: examplesMax)
            return reported.map { min($0, bound) }
        }
    }
}

/// The contributions of a round in ascending order of client name, with their weights.
package struct WeightedContributions: Sendable {
    /// The contributions, sorted by client name (by UTF-8 bytes).
    package let contributions: [Contribution]
    /// The weight of each contribution; never negative, with a positive sum.
    package let weights: [Double]
    /// The sum of the weights.
    package let totalWeight: Double

    /// Sorts, weighs and checks the contributions.
    ///
    /// - Throws: ``AggregationError`` for no contributions, a client named twice, a negative count of
    ///   examples, a total weight of zero, or a delta whose names or shapes are not the broadcast's.
    package init(
        _ contributions: [Contribution],
        weighting: Weighting,
        examplesMax: Int? = nil,
        broadcast: AdapterWeights
    ) throws(AggregationError) {
        guard !contributions.isEmpty else { throw .noContributions }
        let sorted = contributions.sorted { $0.client.utf8.lexicographicallyPrecedes($1.client.utf8) }
        for (first, second) in zip(sorted, sorted.dropFirst()) where first.client == second.client {
            throw .duplicateClient(first.client)
        }
        let layout = broadcast.layout
        var weights: [Double] = []
        var total = 0
        for (contribution, weight) in zip(sorted, weighting.weights(of: sorted, examplesMax: examplesMax)) {
            guard weight >= 0, weight <= Self.weightMax else {
                throw .examplesOutOfRange(
                    client: contribution.client,
                    examples: weight,
                    limit: Self.weightMax
                )
            }
            do {
                try layout.check(contribution.delta.layout)
            } catch {
                throw .layoutDiffers(client: contribution.client, error)
            }
            total += weight
            weights.append(Double(weight))
        }
        guard total > 0 else { throw .zeroTotalWeight(clients: sorted.map(\.client)) }
        self.contributions = sorted
        self.weights = weights
        totalWeight = Double(total)
    }

    /// The most examples one client may report, so that sums of weights are exact in Double.
    static let weightMax = 1 << 40
}

/// Why a round's contributions cannot be merged.
package enum AggregationError: Error, Equatable, CustomStringConvertible {
    /// There is nothing to merge.
    case noContributions
    /// A client occurs twice.
    case duplicateClient(String)
    /// A client's count of examples is negative or absurd.
    case examplesOutOfRange(client: String, examples: Int, limit: Int)
    /// Weighted by examples, and no client reports any.
    case zeroTotalWeight(clients: [String])
    /// A delta has other names or shapes than the broadcast adapter.
    case layoutDiffers(client: String, AdapterFault)
    /// A low-rank pair lacks its other half or the two do not fit.
    case malformedPair(AdapterFault)
    /// A value of an array of counts, of a client's or of all clients' together, is not whole or too large.
    case notWhole(array: String, index: Int, value: Double)
    /// The merged adapter holds a value that is not finite, or too large for float32.
    case notFinite(array: String)

    /// What happened, with the client's or the array's name.
    package var description: String {
        switch self {
        case .noContributions: "no contributions to aggregate"
        case .duplicateClient(let client): "client '\(client)' contributes twice"
        case .examplesOutOfRange(let client, let examples, let limit):
            "client '\(client)' reports \(examples) examples; allowed are 0...\(limit)"
        case .zeroTotalWeight(let clients):
            "weighted by examples, but none of \(clients.joined(separator: ", ")) reports any"
        case .layoutDiffers(let client, let fault): "the delta of client '\(client)': \(fault)"
        case .malformedPair(let fault): "\(fault)"
        case .notWhole(let array, let index, let value):
            "the count \(value) in '\(array)' at value \(index) is not \(Counts.description)"
        case .notFinite(let array): "the merged '\(array)' is not finite"
        }
    }
}
