public import Randomness

/// The control: public items are trained on, and nothing is exchanged.
public struct NoPoolRule: PoolRule {
    /// `none`
    public static let name = "none"
    /// One sentence for people who choose.
    public static let summary = "exchanges nothing: each client learns from its own responses"

    /// Makes the rule.
    public init() {}

    /// No swaps.
    public func swaps(for item: ItemPool, client: Int, stream: inout RandomStream) -> [Swap] { [] }
}
