package import Contract

/// FFA-LoRA (arXiv:2403.12313): A stays as broadcast, only B and dense arrays are averaged.
///
/// With A common to all clients the mean of the products is the product of the means. That holds for
/// what the clients trained only if they too kept A frozen; a delta of A is ignored here.
package struct FrozenARule: DeltaRule {
    /// `frozenA`
    package static let name = "frozenA"
    /// One sentence for people who choose.
    package static let summary = "averages B only and keeps the broadcast A (FFA-LoRA)"
    /// Without pairs it would be `factors` under another name.
    package static let needsLowRank = true

    /// Makes the rule.
    package init() {}

    /// The broadcast adapter with every array but the A factors averaged.
    package func merge(
        _ contributions: WeightedContributions,
        broadcast: AdapterWeights
    ) throws(AggregationError) -> AdapterWeights {
        let frozen = Set(try broadcast.pairs().map(\.a))
        let moving = broadcast.arrays.indices.filter { !frozen.contains($0) }
        return AdapterWeights(
            frozen.map { broadcast.arrays[$0] } + contributions.averaged(broadcast, at: moving)
        )
    }
}
