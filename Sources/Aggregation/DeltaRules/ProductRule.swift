package import Contract

/// The exact mean of the products, `Σ w_i B_i A_i`, brought back to rank r by truncated SVD.
///
/// No low-rank adapter of rank r is closer to the mean of what the clients trained (Eckart–Young);
/// what is beyond rank r is lost. The products are of whole factors (broadcast plus delta), since
/// deltas of factors do not add up to a delta of the product. Arrays that are no low-rank pair are
/// averaged.
package struct ProductRule: DeltaRule {
    /// `product`
    package static let name = "product"
    /// One sentence for people who choose.
    package static let summary = "averages the products B·A exactly and re-factors them to rank r by SVD"
    /// Without pairs it would be `factors` under another name.
    package static let needsLowRank = true

    /// Makes the rule.
    package init() {}

    /// The rank-r adapter nearest to the weighted mean of the clients' products.
    package func merge(
        _ contributions: WeightedContributions,
        broadcast: AdapterWeights
    ) throws(AggregationError) -> AdapterWeights {
        var arrays = broadcast.arrays
        let averaged = broadcast.layout.indices(of: .averaged)
        for (index, array) in zip(averaged, contributions.averaged(broadcast, at: averaged)) {
            arrays[index] = array
        }
        for pair in try broadcast.pairs() {
            (arrays[pair.a], arrays[pair.b]) = refactor(pair, contributions, broadcast)
        }
        return AdapterWeights(arrays)
    }

    /// The merged halves of one pair: `B = Q_L U √Σ` `[out, r]`, `A = √Σ Vᵀ Q_Rᵀ` `[r, in]`.
    private func refactor(
        _ pair: AdapterLayout.Pair,
        _ weighted: WeightedContributions,
        _ broadcast: AdapterWeights
    ) -> (a: NamedArray, b: NamedArray) {
        let a = broadcast.arrays[pair.a]
        let b = broadcast.arrays[pair.b]
        let stacked = weighted.contributions.count * pair.rank
        // left [out, N r] holds w_i B_i side by side, right [in, N r] the transposed A_i.
        var left = ColumnMatrix(rows: pair.output, columns: stacked)
        var right = ColumnMatrix(rows: pair.input, columns: stacked)
        for (client, contribution) in weighted.contributions.enumerated() {
            let weight = weighted.weights[client] / weighted.totalWeight
            let deltaA = contribution.delta.arrays[pair.a].values
            let deltaB = contribution.delta.arrays[pair.b].values
            for k in 0..<pair.rank {
                let column = client * pair.rank + k
                for row in 0..<pair.output {
                    let at = row * pair.rank + k
                    left[row, column] = weight * (Double(b.values[at]) + Double(deltaB[at]))
                }
                for row in 0..<pair.input {
                    let at = k * pair.input + row
                    right[row, column] = Double(a.values[at]) + Double(deltaA[at])
                }
            }
        }
        let factored = LowRank.truncate(left: left, right: right, rank: pair.rank)
        return pack(factored, pair: pair, a: a, b: b)
    }

    /// Splits each singular value evenly between the halves.
    ///
    /// A direction with no singular value gets B = 0 and an A row of the broadcast rows' mean norm,
    /// as at initialisation: with both halves zero its gradient would be zero for ever.
    private func pack(
        _ factored: LowRank.Factors,
        pair: AdapterLayout.Pair,
        a: NamedArray,
        b: NamedArray
    ) -> (a: NamedArray, b: NamedArray) {
        let rowNorm = meanRowNorm(a)
        let negligible = (factored.singularValues.first ?? 0) * 1e-7
        var valuesA = [Float](repeating: 0, count: a.values.count)
        var valuesB = [Float](repeating: 0, count: b.values.count)
        for k in 0..<min(pair.rank, factored.singularValues.count) {
            let sigma = factored.singularValues[k]
            let isLive = sigma > negligible
            let scaleA = isLive ? sigma.squareRoot() : rowNorm
            for column in 0..<pair.input {
                valuesA[k * pair.input + column] = Float(scaleA * factored.right[column, k])
            }
            guard isLive else { continue }
            for row in 0..<pair.output {
                valuesB[row * pair.rank + k] = Float(sigma.squareRoot() * factored.left[row, k])
            }
        }
        var (mergedA, mergedB) = (a, b)
        mergedA.values = valuesA
        mergedB.values = valuesB
        return (mergedA, mergedB)
    }

    private func meanRowNorm(_ a: NamedArray) -> Double {
        let square = a.values.reduce(0.0) { $0 + Double($1) * Double($1) }
        return (square / Double(max(1, a.shape[0]))).squareRoot()
    }
}
