internal import Contract

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

    /// The broadcast A and the averaged B of a pair, or an averaged array.
    package func merge(_ unit: MergeUnit) throws -> [[Float]] {
        var merged = try unit.averaged()
        if unit.pair != nil { merged[0] = unit.arrays[0].values }
        return merged
    }
}
