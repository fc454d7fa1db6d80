package import Randomness

// What `balanced` is compared with.

/// The control: public items are trained on, and nothing is exchanged.
package struct NoPoolRule: PoolRule {
    /// `none`
    package static let name = "none"
    /// One sentence for people who choose.
    package static let summary = "exchanges nothing: each client learns from its own responses"

    /// Makes the rule.
    package init() {}

    /// No swaps.
    package func swaps(for item: ItemPool, client: Int, stream: inout RandomStream) -> [Swap] { [] }
}

/// The baseline that ignores correctness: K responses drawn uniformly without replacement from the
/// N·K of all clients.
///
/// Own responses that are drawn stay where they are; foreign ones take the places of those that are
/// not, in ascending order of index.
package struct RandomRule: PoolRule {
    /// `random`
    package static let name = "random"
    /// One sentence for people who choose.
    package static let summary = "gives each client K responses drawn from all, right or wrong"

    /// Makes the rule.
    package init() {}

    /// As many swaps as foreign responses are drawn.
    package func swaps(for item: ItemPool, client: Int, stream: inout RandomStream) -> [Swap] {
        let drawn = stream.choose(item.responsesPerItem, from: item.origins)
        let kept = Set(drawn.filter { $0.client == client }.map(\.index))
        let free = item.scores[client].indices.filter { !kept.contains($0) }
        return zip(free, drawn.filter { $0.client != client }).map { Swap(index: $0, source: $1) }
    }
}

/// The contrast to ``BalancedRule``: every wrong response is replaced while others' correct ones last.
package struct ReplaceAllRule: PoolRule {
    /// `replaceAll`
    package static let name = "replaceAll"
    /// One sentence for people who choose.
    package static let summary = "replaces every wrong response by others' correct ones while they last"

    /// Makes the rule.
    package init() {}

    /// `min(K − c, |Q₋ᵢ|)` swaps.
    package func swaps(for item: ItemPool, client: Int, stream: inout RandomStream) -> [Swap] {
        let wrong = item.wrongIndices(of: client)
        let candidates = item.correctElsewhere(than: client)
        let count = min(wrong.count, candidates.count)
        let dropped = stream.choose(count, from: wrong)
        let taken = stream.choose(count, from: candidates)
        return zip(dropped, taken).map { Swap(index: $0, source: $1) }
    }
}
