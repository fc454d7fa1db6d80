package import Contract

/// How the clients' deltas become the next adapter.
///
/// An open set: a rule is one file in `DeltaRules/` and one line in ``DeltaRules/all``.
package protocol DeltaRule: Sendable {
    /// The word used in topology files.
    static var name: String { get }
    /// One sentence for people who choose.
    static var summary: String { get }
    /// Whether the rule says something about low-rank pairs alone, so that an adapter must have one.
    static var needsLowRank: Bool { get }
    /// Makes the rule; it keeps no state from round to round.
    init()

    /// The next adapter, in the broadcast's layout.
    ///
    /// A rule sees averaged and low-rank arrays only: counts are added up by ``Aggregate``, and local
    /// arrays never arrive.
    ///
    /// - Parameters:
    ///   - contributions: The accepted deltas relative to `broadcast`, by client name, with weights.
    ///   - broadcast: The adapter that the round started from, with the part of each array.
    func merge(
        _ contributions: WeightedContributions,
        broadcast: AdapterWeights
    ) throws(AggregationError) -> AdapterWeights
}

/// All delta rules.
package enum DeltaRules {
    /// The rules, in the order in which help texts list them.
    package static let all: [any DeltaRule.Type] = [
        FactorsRule.self,
        ProductRule.self,
        FrozenARule.self,
        MedianRule.self,
    ]

    /// The names of all rules.
    package static var names: [String] { all.map { $0.name } }

    /// The rule of a name, or nil.
    package static func named(_ name: String) -> (any DeltaRule)? {
        all.first { $0.name == name }.map { $0.init() }
    }

    /// The rule of a name, if it can merge adapters of a layout.
    ///
    /// - Throws: ``DeltaRuleFault``; `AdapterFault` for a low-rank pair that is none.
    package static func rule(
        named name: String,
        for layout: AdapterLayout
    ) throws -> any DeltaRule {
        guard let rule = named(name) else { throw DeltaRuleFault.unknown(name) }
        let pairs = try layout.pairs()
        if pairs.isEmpty, type(of: rule).needsLowRank { throw DeltaRuleFault.needsLowRank(name) }
        return rule
    }
}

/// Why a name gives no delta rule.
package enum DeltaRuleFault: GivenFault, Equatable, CustomStringConvertible {
    /// There is no rule of this name.
    case unknown(String)
    /// The rule merges low-rank pairs, and the adapter has none.
    case needsLowRank(String)

    /// What is wrong, with the rule's name and what there is instead.
    package var description: String {
        switch self {
        case .unknown(let name):
            "found '\(name)', expected a delta rule: one of \(DeltaRules.names.joined(separator: ", "))"
        case .needsLowRank(let name):
            "'\(name)' merges low-rank pairs; this trainer's adapter has none"
        }
    }

    /// The configuration.
    package var faultKind: FaultKind { .configuration }
}

/// What aggregation gives: the next adapter and what to log of the round.
package struct Aggregate: Sendable {
    /// The next adapter.
    package var adapter: AdapterWeights
    /// How far the clients moved, and how far apart; counts are left out.
    package var diagnostics: AggregationDiagnostics
    /// By client, how much it counted, before division by the total.
    package var weights: [String: Double]

    /// Merges a round's contributions.
    ///
    /// The result depends on the set of contributions and not on their order. What becomes of an array is
    /// said by its part in the broadcast adapter: the rule merges averaged and low-rank arrays, and
    /// counts are added up whatever the rule and the weighting.
    ///
    /// - Parameters:
    ///   - contributions: The accepted updates, in any order.
    ///   - broadcast: The adapter that the round started from; traps if it has local arrays.
    ///   - rule: How to merge.
    ///   - weighting: How much each client counts.
    ///   - examplesMax: The most examples that a client may count for; nil for a multiple of the median.
    /// - Throws: ``AggregationError``, also when the merged adapter is not finite or a count is none.
    package init(
        of contributions: [Contribution],
        broadcast: AdapterWeights,
        rule: any DeltaRule,
        weighting: Weighting,
        examplesMax: Int? = nil
    ) throws(AggregationError) {
        for array in broadcast.arrays {
            precondition(array.part != .local, "\(array.name) is local and must not leave its client")
        }
        let weighted = try WeightedContributions(
            contributions,
            weighting: weighting,
            examplesMax: examplesMax,
            broadcast: broadcast
        )
        let counted = broadcast.layout.indices(of: .summed)
        var counts: [NamedArray] = []
        for index in counted {
            counts.append(try Aggregate.sum(weighted.contributions, to: broadcast.arrays[index], at: index))
        }
        let averaged = weighted.leavingOut(counted)
        let start = broadcast.leavingOut(counted)
        let merged = try rule.merge(averaged, broadcast: start)
        precondition(merged.layout == start.layout, "a delta rule changed the adapter's layout")
        for array in merged.arrays where !array.values.allSatisfy(\.isFinite) {
            throw .notFinite(array: array.name)
        }
        adapter = AdapterWeights(merged.arrays + counts)
        diagnostics = try AggregationDiagnostics(of: averaged, broadcast: start)
        weights = Dictionary(
            uniqueKeysWithValues: zip(weighted.contributions, weighted.weights).map { ($0.client, $1) }
        )
    }

    /// The broadcast counts plus what every client counted, `c[j] + Σ_i δ_i[j]`, in Double.
    private static func sum(
        _ contributions: [Contribution],
        to array: NamedArray,
        at index: Int
    ) throws(AggregationError) -> NamedArray {
        var total = array.values.map(Double.init)
        for contribution in contributions {
            let values = contribution.delta.arrays[index].values
            if let place = Counts.firstFault(in: values) {
                throw .notWhole(array: array.name, index: place, value: Double(values[place]))
            }
            for element in total.indices { total[element] += Double(values[element]) }
        }
        if let place = total.firstIndex(where: { !Counts.isCount($0) }) {
            throw .notWhole(array: array.name, index: place, value: total[place])
        }
        var result = array
        result.values = total.map { Float($0) }
        return result
    }
}
