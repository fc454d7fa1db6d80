public import Exchange

/// One client's accepted update of a round: everything about it in one record.
public struct Contribution: Sendable, Equatable {
    /// The client's name.
    public var client: String
    /// The trained adapter minus the round's broadcast adapter, in the broadcast's layout.
    public var delta: AdapterWeights
    /// How many private examples the client trained on in the round.
    public var examples: Int

    /// Makes a contribution.
    public init(client: String, delta: AdapterWeights, examples: Int) {
        self.client = client
        self.delta = delta
        self.examples = examples
    }
}

/// How much each client counts in the mean.
public enum Weighting: String, Sendable, CaseIterable {
    /// Every client the same: 1/N.
    case uniform
    /// In proportion to the examples that a client reports.
    case examples

    /// The weight of a contribution before division by the total: an integer, so that the mean of
    /// N equal values is exactly that value.
    func weight(of contribution: Contribution) -> Int {
        switch self {
        case .uniform: 1
        case .examples: contribution.examples
        }
    }
}

/// The contributions of a round in ascending order of client name, with their weights.
public struct WeightedContributions: Sendable {
    /// The contributions, sorted by client name (by UTF-8 bytes).
    public let contributions: [Contribution]
    /// The weight of each contribution; never negative, with a positive sum.
    public let weights: [Double]
    /// The sum of the weights.
    public let totalWeight: Double

    /// Sorts, weighs and checks the contributions.
    ///
    /// - Throws: ``AggregationError`` for no contributions, a client named twice, a negative count of
    ///   examples, a total weight of zero, or a delta whose names or shapes are not the broadcast's.
    public init(
        _ contributions: [Contribution],
        weighting: Weighting,
        broadcast: AdapterWeights
    ) throws(AggregationError) {
        guard !contributions.isEmpty else { throw .noContributions }
        let sorted = contributions.sorted { $0.client.utf8.lexicographicallyPrecedes($1.client.utf8) }
        for (first, second) in zip(sorted, sorted.dropFirst()) where first.client == second.client {
            throw .duplicateClient(first.client)
        }
        var weights: [Double] = []
        var total = 0
        for contribution in sorted {
            let weight = weighting.weight(of: contribution)
            guard weight >= 0, weight <= Self.weightMax else {
                throw .examplesOutOfRange(
                    client: contribution.client,
                    examples: weight,
                    limit: Self.weightMax
                )
            }
            guard contribution.delta.hasSameLayout(as: broadcast) else {
                throw .layoutDiffers(client: contribution.client)
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

    /// The weighted mean over clients of one array's delta, `values[j] = Σ_i w_i δ_i[j] / Σ_i w_i`,
    /// summed in Double in order of client name.
    func meanDelta(ofArray index: Int) -> [Double] {
        var sum = [Double](repeating: 0, count: contributions[0].delta.arrays[index].values.count)
        for (contribution, weight) in zip(contributions, weights) {
            let values = contribution.delta.arrays[index].values
            for element in sum.indices { sum[element] += weight * Double(values[element]) }
        }
        for element in sum.indices { sum[element] /= totalWeight }
        return sum
    }

    /// The array of the broadcast adapter plus the weighted mean of its deltas.
    func averaged(_ array: NamedArray, at index: Int) -> NamedArray {
        let mean = meanDelta(ofArray: index)
        return NamedArray(
            name: array.name,
            shape: array.shape,
            values: zip(array.values, mean).map { Float(Double($0) + $1) }
        )
    }
}

/// Why a round's contributions cannot be merged.
public enum AggregationError: Error, Equatable, CustomStringConvertible {
    /// There is nothing to merge.
    case noContributions
    /// A client occurs twice.
    case duplicateClient(String)
    /// A client's count of examples is negative or absurd.
    case examplesOutOfRange(client: String, examples: Int, limit: Int)
    /// Weighted by examples, and no client reports any.
    case zeroTotalWeight(clients: [String])
    /// A delta has other names or shapes than the broadcast adapter.
    case layoutDiffers(client: String)
    /// A low-rank pair lacks its other half or the two do not fit.
    case malformedPair(array: String, reason: String)
    /// The merged adapter holds a value that is not finite, or too large for float32.
    case notFinite(array: String)

    /// What happened, with the client's or the array's name.
    public var description: String {
        switch self {
        case .noContributions: "no contributions to aggregate"
        case .duplicateClient(let client): "client '\(client)' contributes twice"
        case .examplesOutOfRange(let client, let examples, let limit):
            "client '\(client)' reports \(examples) examples; allowed are 0...\(limit)"
        case .zeroTotalWeight(let clients):
            "weighted by examples, but none of \(clients.joined(separator: ", ")) reports any"
        case .layoutDiffers(let client):
            "the delta of client '\(client)' differs from the broadcast adapter in names or shapes"
        case .malformedPair(let array, let reason): "'\(array)': \(reason)"
        case .notFinite(let array): "the merged '\(array)' is not finite"
        }
    }
}
