public import Randomness

/// The baseline that ignores correctness: K responses drawn uniformly without replacement from the
/// N·K of all clients.
///
/// Own responses that are drawn stay where they are; foreign ones take the places of those that are
/// not, in ascending order of index.
public struct RandomRule: PoolRule {
    /// `random`
    public static let name = "random"
    /// One sentence for people who choose.
    public static let summary = "gives each client K responses drawn from all, right or wrong"

    /// Makes the rule.
    public init() {}

    /// As many swaps as foreign responses are drawn.
    public func swaps(for item: ItemPool, client: Int, stream: inout RandomStream) -> [Swap] {
        let drawn = stream.choose(item.responsesPerItem, from: item.origins)
        let kept = Set(drawn.filter { $0.client == client }.map(\.index))
        let free = item.groups[client].indices.filter { !kept.contains($0) }
        return zip(free, drawn.filter { $0.client != client }).map { Swap(index: $0, source: $1) }
    }
}
