internal import COpenBLAS
internal import Contract

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

    /// The rank-r pair nearest to the weighted mean of the clients' products, or an averaged array.
    package func merge(_ unit: MergeUnit) throws -> [[Float]] {
        guard let pair = unit.pair else { return try unit.averaged() }
        let a = unit.arrays[0]
        let b = unit.arrays[1]
        // The factors side by side, or with more columns than help, their products added up.
        let columns = unit.clients * pair.rank
        let isThin = columns <= 2 * min(pair.input, pair.output)
        let factored = try isThin ? factor(stacked: unit, pair) : factor(summed: unit, pair)
        return pack(factored, pair: pair, a: a, b: b)
    }

    /// `B = Q_L U` `[out, r]`, `A = Vᵀ Q_Rᵀ` `[r, in]` of the factors of all clients side by side.
    private func factor(stacked unit: MergeUnit, _ pair: AdapterLayout.Pair) throws -> LowRank.Factors {
        let columns = unit.clients * pair.rank
        // left [out, N r] holds w_i B_i side by side, right [in, N r] the transposed A_i.
        var left = ColumnMatrix(rows: pair.output, columns: columns)
        var right = ColumnMatrix(rows: pair.input, columns: columns)
        try forEachClient(of: unit, pair) { client, weight, a, b in
            for k in 0..<pair.rank {
                let column = client * pair.rank + k
                for row in 0..<pair.output { left[row, column] = weight * b[row * pair.rank + k] }
                for row in 0..<pair.input { right[row, column] = a[k * pair.input + row] }
            }
        }
        return LowRank.truncate(left: left, right: right, rank: pair.rank)
    }

    /// The same of `Σ w_i B_i A_i` `[out, in]`, whose memory does not depend on the number of clients.
    private func factor(summed unit: MergeUnit, _ pair: AdapterLayout.Pair) throws -> LowRank.Factors {
        var sum = ColumnMatrix(rows: pair.output, columns: pair.input)
        try forEachClient(of: unit, pair) { _, weight, a, b in
            // Row-major [r, in] and [out, r] are column-major [in, r] and [r, out].
            cblas_dgemm(
                CblasColMajor,
                CblasTrans,
                CblasTrans,
                Int32(pair.output),
                Int32(pair.input),
                Int32(pair.rank),
                weight,
                b,
                Int32(pair.rank),
                a,
                Int32(pair.input),
                1,
                &sum.values,
                Int32(pair.output)
            )
        }
        let isTall = pair.output >= pair.input
        return LowRank.truncate(
            left: isTall ? sum : .identity(rows: pair.output, columns: pair.output),
            right: isTall ? .identity(rows: pair.input, columns: pair.input) : sum.transposed,
            rank: pair.rank
        )
    }

    /// Whole factors: the broadcast's plus each client's delta.
    private func forEachClient(
        of unit: MergeUnit,
        _ pair: AdapterLayout.Pair,
        _ body: (_ client: Int, _ weight: Double, _ a: [Double], _ b: [Double]) -> Void
    ) throws {
        let broadcast = unit.arrays.map { $0.values.map(Double.init) }
        try unit.forEachClient { client, deltas in
            let whole = zip(broadcast, deltas).map { start, delta in
                zip(start, delta).map { $0 + Double($1) }
            }
            body(client, unit.weight(of: client), whole[0], whole[1])
        }
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
    ) -> [[Float]] {
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
        return [valuesA, valuesB]
    }

    private func meanRowNorm(_ a: NamedArray) -> Double {
        let square = a.values.reduce(0.0) { $0 + Double($1) * Double($1) }
        return (square / Double(max(1, a.shape[0]))).squareRoot()
    }
}
