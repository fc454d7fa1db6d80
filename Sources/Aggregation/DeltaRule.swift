public import Exchange

/// How the clients' deltas become the next adapter.
///
/// An open set: a rule is one file in `DeltaRules/` and one line in ``DeltaRules/all``.
public protocol DeltaRule: Sendable {
    /// The word used in topology files.
    static var name: String { get }
    /// One sentence for people who choose.
    static var summary: String { get }
    /// Makes the rule; it keeps no state from round to round.
    init()

    /// The next adapter, in the broadcast's layout.
    ///
    /// - Parameters:
    ///   - contributions: The accepted deltas relative to `broadcast`, by client name, with weights.
    ///   - broadcast: The adapter that the round started from.
    func merge(
        _ contributions: WeightedContributions,
        broadcast: AdapterWeights
    ) throws(AggregationError) -> AdapterWeights
}

/// All delta rules.
public enum DeltaRules {
    /// The rules, in the order in which help texts list them.
    public static let all: [any DeltaRule.Type] = [
        FactorsRule.self,
        ProductRule.self,
        FrozenARule.self,
        MedianRule.self,
    ]

    /// The names of all rules.
    public static var names: [String] { all.map { $0.name } }

    /// The rule of a name, or nil.
    public static func named(_ name: String) -> (any DeltaRule)? {
        all.first { $0.name == name }.map { $0.init() }
    }
}

/// What aggregation gives: the next adapter and what to log of the round.
public struct Aggregate: Sendable {
    /// The next adapter.
    public var adapter: AdapterWeights
    /// How far the clients moved, and how far apart.
    public var diagnostics: AggregationDiagnostics

    /// Merges a round's contributions.
    ///
    /// The result depends on the set of contributions and not on their order.
    ///
    /// - Parameters:
    ///   - contributions: The accepted updates, in any order.
    ///   - broadcast: The adapter that the round started from.
    ///   - rule: How to merge.
    ///   - weighting: How much each client counts.
    /// - Throws: ``AggregationError``, also when the merged adapter is not finite.
    public init(
        of contributions: [Contribution],
        broadcast: AdapterWeights,
        rule: any DeltaRule,
        weighting: Weighting
    ) throws(AggregationError) {
        let weighted = try WeightedContributions(contributions, weighting: weighting, broadcast: broadcast)
        let merged = try rule.merge(weighted, broadcast: broadcast)
        precondition(merged.hasSameLayout(as: broadcast), "a delta rule changed the adapter's layout")
        for array in merged.arrays where !array.values.allSatisfy(\.isFinite) {
            throw .notFinite(array: array.name)
        }
        adapter = merged
        diagnostics = try AggregationDiagnostics(of: weighted, broadcast: broadcast)
    }
}
