internal import Contract

/// The coordinate-wise median of the deltas (Yin et al., ICML 2018): fewer than half of the clients
/// cannot move a coordinate beyond what honest ones sent.
///
/// It ignores the weights, and it bends the result for clients that honestly differ. For an even
/// number of clients it is the mean of the two middle values.
package struct MedianRule: DeltaRule {
    /// `median`
    package static let name = "median"
    /// One sentence for people who choose.
    package static let summary = "takes the median of each value; bounds what a poisoned minority can do"
    /// Merges any adapter.
    package static let needsLowRank = false

    /// The most deltas that are held at once, 8 MiB of them.
    private let heldMax: Int

    /// Makes the rule.
    package init() { self.init(heldMax: 1 << 21) }

    init(heldMax: Int) { self.heldMax = heldMax }

    /// The broadcast arrays plus the median of the deltas, value by value.
    ///
    /// Holds every client's delta of as many values as `heldMax` allows, and reads the updates again for the next ones.
    package func merge(_ unit: MergeUnit) throws -> [[Float]] {
        let clients = unit.clients
        var merged = unit.arrays.map(\.values)
        let ends = merged.indices.map { merged[...$0].reduce(0) { $0 + $1.count } }
        let window = max(1, heldMax / clients)
        // All arrays of the unit count as one here; column c of `held` has the clients' deltas of value first + c.
        var held: [Float] = []
        for first in stride(from: 0, to: ends.last ?? 0, by: window) {
            let values = first..<min(first + window, ends.last ?? 0)
            held = [Float](repeating: 0, count: values.count * clients)
            try unit.forEachClient { client, deltas in
                for (array, delta) in deltas.enumerated() {
                    let start = ends[array] - delta.count
                    for value in values.clamped(to: start..<ends[array]) {
                        held[(value - first) * clients + client] = delta[value - start]
                    }
                }
            }
            for array in merged.indices {
                let start = ends[array] - merged[array].count
                for value in values.clamped(to: start..<ends[array]) {
                    let column = (value - first) * clients
                    let median = Self.median(of: &held, in: column..<column + clients)
                    merged[array][value - start] = Float(Double(merged[array][value - start]) + median)
                }
            }
        }
        return merged
    }

    private static func median(of held: inout [Float], in column: Range<Int>) -> Double {
        held[column].sort()
        let middle = column.lowerBound + column.count / 2
        return column.count % 2 == 1
            ? Double(held[middle]) : (Double(held[middle - 1]) + Double(held[middle])) / 2
    }
}
