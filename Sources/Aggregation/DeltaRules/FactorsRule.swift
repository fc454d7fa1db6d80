/// FedAvg of every array by itself, so of A and B separately (FedIT, arXiv:2305.05644; PubSwap's
/// aggregation): `Ā = Σ w_i A_i`, `B̄ = Σ w_i B_i`.
///
/// `B̄ Ā` is not the mean of the products `B_i A_i`; ``AggregationDiagnostics/factorGap`` says by how
/// much. Deltas or whole factors give the same, because the weights sum to 1.
package struct FactorsRule: DeltaRule {
    /// `factors`
    package static let name = "factors"
    /// One sentence for people who choose.
    package static let summary = "averages the factors A and B separately (FedAvg, FedIT)"
    /// Merges any adapter.
    package static let needsLowRank = false

    /// Makes the rule.
    package init() {}

    /// The broadcast arrays plus the weighted mean of the deltas.
    package func merge(_ unit: MergeUnit) throws -> [[Float]] { try unit.averaged() }
}
