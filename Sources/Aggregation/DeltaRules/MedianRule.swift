package import Contract

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

    /// Makes the rule.
    package init() {}

    /// The broadcast adapter plus the median of the deltas, value by value.
    package func merge(
        _ contributions: WeightedContributions,
        broadcast: AdapterWeights
    ) throws(AggregationError) -> AdapterWeights {
        let clients = contributions.contributions
        let middle = clients.count / 2
        return AdapterWeights(
            broadcast.arrays.enumerated().map { index, array in
                var column = [Float](repeating: 0, count: clients.count)
                var result = array
                for element in array.values.indices {
                    for client in clients.indices {
                        column[client] = clients[client].delta.arrays[index].values[element]
                    }
                    column.sort()
                    let median =
                        clients.count % 2 == 1
                        ? Double(column[middle]) : (Double(column[middle - 1]) + Double(column[middle])) / 2
                    result.values[element] = Float(Double(array.values[element]) + median)
                }
                return result
            }
        )
    }
}
