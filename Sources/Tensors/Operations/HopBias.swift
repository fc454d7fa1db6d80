extension Tape {
    /// The biases of a graph's pairs of nodes by their distance, spread out for kinds of attention that take a
    /// pattern's bias.
    ///
    /// - Parameters:
    ///   - table: `[H, 10]`, the biases of distances 0 to 9.
    ///   - structure: A graph of n nodes with distances.
    /// - Returns: `[H, n, n]`; differentiable in table.
    package func hopBias(_ table: Tensor, _ structure: GraphStructure) -> Tensor {
        let (heads, pairs, buckets) = (table.rows, structure.hops.count, GraphStructure.buckets)
        precondition(
            table.columns == buckets && pairs == structure.nodes * structure.nodes,
            "hopBias: a table \(table.shape), and \(pairs) distances of \(structure.nodes) nodes"
        )
        let y = result([heads, structure.nodes, structure.nodes], of: table)
        for head in 0..<heads {
            for (pair, hop) in structure.hops.enumerated() {
                y.pointer[head * pairs + pair] = table.pointer[head * buckets + Int(hop)]
            }
        }
        record(y) { [workspace] dy in
            let gradient = table.gradientForAdding(workspace)
            for head in 0..<heads {
                var sums = [Double](repeating: 0, count: buckets)
                for (pair, hop) in structure.hops.enumerated() {
                    sums[Int(hop)] += Double(dy[head * pairs + pair])
                }
                for (bucket, sum) in sums.enumerated() { gradient[head * buckets + bucket] += Float(sum) }
            }
        }
        return y
    }
}
