package import Randomness

/// PubSwap's rule (arXiv:2604.12160): wrong responses give way to other clients' correct ones until
/// half of the group is correct.
///
/// A group with at least ⌊K/2⌋ correct responses stays as it is, and so does one that nobody else has
/// solved. Which wrong ones go and which correct ones come is drawn uniformly without replacement.
package struct BalancedRule: PoolRule {
    /// `balanced`
    package static let name = "balanced"
    /// One sentence for people who choose.
    package static let summary = "replaces wrong responses by others' correct ones up to half of the group"

    /// Makes the rule.
    package init() {}

    /// `n = min(⌊K/2⌋ − c, |Q₋ᵢ|)` swaps, if positive.
    package func swaps(for item: ItemPool, client: Int, stream: inout RandomStream) -> [Swap] {
        let wrong = item.wrongIndices(of: client)
        let correct = item.responsesPerItem - wrong.count
        let candidates = item.correctElsewhere(than: client)
        let count = min(item.responsesPerItem / 2 - correct, candidates.count)
        guard count > 0 else { return [] }
        let dropped = stream.choose(count, from: wrong)
        let taken = stream.choose(count, from: candidates)
        return zip(dropped, taken).map { Swap(index: $0, source: $1) }
    }
}
