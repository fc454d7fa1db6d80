public import Exchange

/// The coordinate-wise median of the deltas (Yin et al., ICML 2018): fewer than half of the clients
/// cannot move a coordinate beyond what honest ones sent.
///
/// It ignores the weights, and it bends the result for clients that honestly differ. For an even
/// number of clients it is the mean of the two middle values.
public struct MedianRule: DeltaRule {
    /// `median`
    public static let name = "median"
    /// One sentence for people who choose.
    public static let summary = "takes the median of each value; bounds what a poisoned minority can do"

    /// Makes the rule.
    public init() {}

    /// The broadcast adapter plus the median of the deltas, value by value.
    public func merge(
        _ contributions: WeightedContributions,
        broadcast: AdapterWeights
    ) throws(AggregationError) -> AdapterWeights {
        let clients = contributions.contributions
        let middle = clients.count / 2
        return AdapterWeights(
            broadcast.arrays.enumerated().map { index, array in
                var column = [Float](repeating: 0, count: clients.count)
                var values = array.values
                for element in values.indices {
                    for client in clients.indices {
                        column[client] = clients[client].delta.arrays[index].values[element]
                    }
                    column.sort()
                    let median =
                        clients.count % 2 == 1
                        ? Double(column[middle]) : (Double(column[middle - 1]) + Double(column[middle])) / 2
                    values[element] = Float(Double(array.values[element]) + median)
                }
                return NamedArray(name: array.name, shape: array.shape, values: values)
            }
        )
    }
}
