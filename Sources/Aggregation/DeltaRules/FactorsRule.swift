public import Exchange

/// FedAvg of every array by itself, so of A and B separately (FedIT, arXiv:2305.05644; PubSwap's
/// aggregation): `Ā = Σ w_i A_i`, `B̄ = Σ w_i B_i`.
///
/// `B̄ Ā` is not the mean of the products `B_i A_i`; ``AggregationDiagnostics/factorGap`` says by how
/// much. Deltas or whole factors give the same, because the weights sum to 1.
public struct FactorsRule: DeltaRule {
    /// `factors`
    public static let name = "factors"
    /// One sentence for people who choose.
    public static let summary = "averages the factors A and B separately (FedAvg, FedIT)"

    /// Makes the rule.
    public init() {}

    /// The broadcast adapter plus the weighted mean of the deltas.
    public func merge(
        _ contributions: WeightedContributions,
        broadcast: AdapterWeights
    ) throws(AggregationError) -> AdapterWeights {
        AdapterWeights(
            broadcast.arrays.enumerated().map { contributions.averaged($0.element, at: $0.offset) }
        )
    }
}
