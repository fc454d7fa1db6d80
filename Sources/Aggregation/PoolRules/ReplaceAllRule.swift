public import Randomness

/// The contrast to ``BalancedRule``: every wrong response is replaced while others' correct ones last.
public struct ReplaceAllRule: PoolRule {
    /// `replaceAll`
    public static let name = "replaceAll"
    /// One sentence for people who choose.
    public static let summary = "replaces every wrong response by others' correct ones while they last"

    /// Makes the rule.
    public init() {}

    /// `min(K − c, |Q₋ᵢ|)` swaps.
    public func swaps(for item: ItemPool, client: Int, stream: inout RandomStream) -> [Swap] {
        let wrong = item.wrongIndices(of: client)
        let candidates = item.correctElsewhere(than: client)
        let count = min(wrong.count, candidates.count)
        let dropped = stream.choose(count, from: wrong)
        let taken = stream.choose(count, from: candidates)
        return zip(dropped, taken).map { Swap(index: $0, source: $1) }
    }
}
