internal import CKernels
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

    /// The next values of one low-rank pair or one array, as many for each of `unit.arrays` as it has.
    ///
    /// A rule sees averaged and low-rank arrays only: counts are added up by ``Aggregate``, and local
    /// arrays never arrive. It keeps no more of the clients' deltas than it needs at once.
    ///
    /// - Throws: What reading the deltas throws.
    func merge(_ unit: MergeUnit) throws -> [[Float]]
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
    /// - Throws: ``AggregationError``, also when the merged adapter is not finite or a count is none; what reading
    ///   an update throws.
    package init(
        of contributions: [Contribution],
        broadcast: AdapterWeights,
        rule: any DeltaRule,
        weighting: Weighting,
        examplesMax: Int? = nil
    ) throws {
        for array in broadcast.arrays {
            precondition(array.part != .local, "\(array.name) is local and must not leave its client")
        }
        let weighted = try WeightedContributions(
            contributions,
            weighting: weighting,
            examplesMax: examplesMax,
            broadcast: broadcast
        )
        let layout = broadcast.layout
        let places: [MergePlace]
        do {
            places = try MergePlace.all(of: layout)
        } catch {
            throw AggregationError.malformedPair(error)
        }
        var arrays = broadcast.arrays
        for index in layout.indices(of: .summed) {
            arrays[index].values = try Aggregate.sum(weighted.contributions, to: arrays[index], at: index)
        }
        // Two parts, whatever the number of cores, so that sums are always made in the same order.
        let parts = Parallel.map(2) { part in
            Result {
                let meter = AggregationDiagnostics.meter(for: places, of: weighted)
                let reader = ContributionReader(weighted, meter)
                var merged: [(MergePlace, [[Float]])] = []
                for (number, place) in places.enumerated() where number % 2 == part {
                    merged.append((place, try reader.merge(place, of: broadcast, by: rule)))
                }
                return (merged: merged, meter: reader.meter)
            }
        }
        var meters: [any MovementMeter] = []
        for part in parts {
            let part = try part.get()
            meters.append(part.meter)
            for (place, values) in part.merged {
                for (index, values) in zip(place.indices, values) { arrays[index].values = values }
            }
        }
        for array in arrays where kernel_all_finite(array.values, array.values.count) == 0 {
            throw AggregationError.notFinite(array: array.name)
        }
        adapter = AdapterWeights(arrays)
        diagnostics = AggregationDiagnostics(of: weighted, meters)
        weights = Dictionary(
            uniqueKeysWithValues: zip(weighted.contributions, weighted.weights).map { ($0.client, $1) }
        )
    }

    /// The broadcast counts plus what every client counted, `c[j] + Σ_i δ_i[j]`, in Double.
    private static func sum(
        _ contributions: [Contribution],
        to array: NamedArray,
        at index: Int
    ) throws -> [Float] {
        var total = array.values.map(Double.init)
        var values: [Float] = []
        for contribution in contributions {
            try contribution.delta.read(index, into: &values)
            if let place = Counts.firstFault(in: values) {
                throw AggregationError.notWhole(
                    array: array.name,
                    index: place,
                    value: Double(values[place])
                )
            }
            kernel_add_weighted(values, 1, &total, total.count)
        }
        if let place = total.firstIndex(where: { !Counts.isCount($0) }) {
            throw AggregationError.notWhole(array: array.name, index: place, value: total[place])
        }
        return total.map { Float($0) }
    }
}
