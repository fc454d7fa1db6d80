internal import CKernels
package import Contract

/// What a delta rule merges at once: a low-rank pair or a single array, with every client's part in it.
///
/// The clients' parts are read one after the other, so that memory does not grow with their number.
package struct MergeUnit {
    /// The pair, or nil for a single array.
    package let pair: AdapterLayout.Pair?
    /// The broadcast's array, or its A and its B.
    package let arrays: [NamedArray]
    private let reader: ContributionReader

    init(_ pair: AdapterLayout.Pair?, _ arrays: [NamedArray], _ reader: ContributionReader) {
        self.pair = pair
        self.arrays = arrays
        self.reader = reader
    }

    /// How many clients there are.
    package var clients: Int { reader.weighted.weights.count }

    /// How much a client counts; all weights have the sum 1.
    package func weight(of client: Int) -> Double {
        reader.weighted.weights[client] / reader.weighted.totalWeight
    }

    /// Reads what each client's update does to `arrays`, in ascending order of client name. Every call decodes all
    /// of it again.
    ///
    /// - Parameter body: Takes a client's place and the values of its deltas, one array for each of `arrays`.
    /// - Throws: What the body throws, and what reading a stored update throws.
    package func forEachClient(_ body: (_ client: Int, _ deltas: [[Float]]) throws -> Void) throws {
        try reader.forEachClient(body)
    }

    /// The values of `arrays` plus the weighted mean of the clients' deltas,
    /// `values[j] = b[j] + Σ_i w_i δ_i[j] / Σ_i w_i`, summed in Double in order of client name.
    package func averaged() throws -> [[Float]] {
        let total = reader.weighted.totalWeight
        return zip(arrays, try reader.sums()).map { array, sum in
            [Float](unsafeUninitializedCapacity: sum.count) { values, initialized in
                array.values.withUnsafeBufferPointer { start in
                    for element in sum.indices {
                        values.initializeElement(
                            at: element,
                            to: Float(Double(start[element]) + sum[element] / total)
                        )
                    }
                }
                initialized = sum.count
            }
        }
    }
}

/// Reads a round's contributions unit by unit. The first reading of a unit also sums the deltas and measures the
/// movements; units are taken one after the other.
final class ContributionReader {
    let weighted: WeightedContributions
    /// Measures how far the clients move.
    private(set) var meter: any MovementMeter
    private var unit: (pair: AdapterLayout.Pair?, indices: [Int], arrays: [NamedArray])
    private var deltas: [[Float]] = []
    /// Of the unit, once it was read.
    private var unitSums: [[Double]]?

    init(_ weighted: WeightedContributions, _ meter: any MovementMeter) {
        self.weighted = weighted
        self.meter = meter
        unit = (nil, [], [])
    }

    /// Has a unit of the broadcast merged.
    func merge(
        _ place: MergePlace,
        of broadcast: AdapterWeights,
        by rule: any DeltaRule
    ) throws -> [[Float]] {
        unit = (place.pair, place.indices, place.indices.map { broadcast.arrays[$0] })
        unitSums = nil
        if deltas.count != unit.indices.count { deltas = unit.indices.map { _ in [] } }
        let merged = try rule.merge(MergeUnit(place.pair, unit.arrays, self))
        precondition(
            merged.map(\.count) == unit.arrays.map(\.values.count),
            "a delta rule changed the adapter's layout"
        )
        _ = try sums()
        return merged
    }

    /// `Σ_i w_i δ_i` of each array of the unit.
    func sums() throws -> [[Double]] {
        if unitSums == nil { try forEachClient { _, _ in } }
        return unitSums ?? []
    }

    func forEachClient(_ body: (_ client: Int, _ deltas: [[Float]]) throws -> Void) throws {
        let isFirst = unitSums == nil
        var sums: [[Double]] = []
        if isFirst {
            sums = unit.arrays.map { [Double](repeating: 0, count: $0.values.count) }
            meter.begin(unit.pair, unit.arrays, at: unit.indices[0])
        }
        for (client, contribution) in weighted.contributions.enumerated() {
            for (place, index) in unit.indices.enumerated() {
                try contribution.delta.read(index, into: &deltas[place])
                precondition(
                    deltas[place].count == unit.arrays[place].values.count,
                    "an update has another number of values than its layout"
                )
                guard isFirst else { continue }
                kernel_add_weighted(
                    deltas[place],
                    weighted.weights[client],
                    &sums[place],
                    deltas[place].count
                )
            }
            if isFirst { meter.add(deltas, of: client) }
            try body(client, deltas)
        }
        guard isFirst else { return }
        meter.end(mean: sums, total: weighted.totalWeight)
        unitSums = sums
    }
}

/// Where a unit is in an adapter.
struct MergePlace: Sendable {
    /// The pair, or nil for a single array.
    let pair: AdapterLayout.Pair?
    /// The index of the array, or of A and of B.
    let indices: [Int]

    /// The pairs and averaged arrays of a layout.
    static func all(of layout: AdapterLayout) throws(AdapterFault) -> [MergePlace] {
        try layout.pairs().map { MergePlace(pair: $0, indices: [$0.a, $0.b]) }
            + layout.indices(of: .averaged).map { MergePlace(pair: nil, indices: [$0]) }
    }
}
