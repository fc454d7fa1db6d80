internal import Contract

/// What a round's updates say about each other, measured on the weights that they move.
///
/// A low-rank pair counts as its product `W_i = B_i A_i` (without the constant alpha/r), any other array
/// as itself; norms are Frobenius norms over all of them together. Means over clients are weighted.
/// Counts are not among them: ``Aggregate`` leaves summed arrays out.
/// The products are never formed: everything follows from Gram matrices of the factors (``PairGrams``) or, where these
/// would take longer than the merge itself, from sketches (``MovementSketches``).
package struct AggregationDiagnostics: Sendable, Equatable {
    /// `‖Σ w_i B_i A_i − B̄ Ā‖` relative to ``meanUpdateNorm``: what averaging A and B separately gets
    /// wrong (notes on PubSwap's aggregation, FedIT). 0 where the clients agree on A or on B.
    package var factorGap: Double
    /// `‖Σ w_i W_i − W‖`: how far the exact mean moves from the broadcast.
    package var meanUpdateNorm: Double
    /// The plain mean over clients of `‖W_i − Σ w_j W_j‖`.
    package var clientDrift: Double
    /// The mean over pairs of clients of the cosine between their updates; 1 for a single client.
    package var meanCosine: Double
    /// The lowest of these cosines.
    package var lowestCosine: Double
    /// Each client's share, in ascending order of name.
    package var clients: [ClientDiagnostics]

    /// One client's part of a round.
    package struct ClientDiagnostics: Sendable, Equatable {
        /// The client's name.
        package var client: String
        /// `‖W_i − W‖`: how far the client moved from the broadcast.
        package var updateNorm: Double
        /// `‖W_i − Σ w_j W_j‖`: how far it is from the mean.
        package var drift: Double
    }

    /// Whether all of this was estimated from sketches, with a standard error of a few hundredths, because the Gram
    /// matrices of so many factors would take longer than the merge.
    package let isEstimated: Bool

    /// Measures the contributions of a round.
    init(of weighted: WeightedContributions, broadcast: AdapterWeights) throws(AggregationError) {
        let pairs = try broadcast.pairs()
        let count = weighted.weights.count
        let dense = broadcast.layout.indices(of: .averaged).reduce(0.0) { sum, index in
            sum + Double(count * count) * Double(broadcast.arrays[index].values.count)
        }
        let isExact = PairGrams.operations(of: pairs, clients: count) + dense <= Self.operationsMax
        try self.init(of: weighted, broadcast: broadcast, exact: isExact)
    }

    /// What Gram matrices may take, in multiplications: about a second.
    static let operationsMax = 2e10

    /// Measures exactly, or estimates.
    init(of weighted: WeightedContributions, broadcast: AdapterWeights, exact: Bool) throws(AggregationError)
    {
        let weights = weighted.weights.map { $0 / weighted.totalWeight }
        let pairs = try broadcast.pairs()
        let names = weighted.contributions.map(\.client)
        guard exact else {
            let sketches = MovementSketches(of: weighted, pairs: pairs, broadcast: broadcast)
            self.init(
                inner: SquareMatrix.gram(ofRows: sketches.clients),
                gapSquare: sketches.gap.reduce(0) { $0 + Double($1) * Double($1) },
                weights: weights,
                names: names,
                isEstimated: true
            )
            return
        }
        var inner = SquareMatrix(size: weights.count)
        var gapSquare = 0.0
        for pair in pairs {
            let grams = PairGrams(pair, weighted, broadcast)
            grams.addInnerProducts(to: &inner)
            gapSquare += grams.gapSquare(weights: weights)
        }
        for index in broadcast.layout.indices(of: .averaged) {
            let gram = SquareMatrix.gram(ofRows: weighted.contributions.map { $0.delta.arrays[index].values })
            for cell in inner.values.indices { inner.values[cell] += gram.values[cell] }
        }
        self.init(inner: inner, gapSquare: gapSquare, weights: weights, names: names, isEstimated: false)
    }

    /// Derives everything from the inner products of the clients' updates.
    private init(
        inner: SquareMatrix,
        gapSquare: Double,
        weights: [Double],
        names: [String],
        isEstimated: Bool
    ) {
        self.isEstimated = isEstimated
        let count = weights.count
        // Row i of `toMean` is ⟨D_i, Σ_j w_j D_j⟩.
        let toMean = (0..<count).map { i in (0..<count).reduce(0.0) { $0 + weights[$1] * inner[i, $1] } }
        let meanSquare = zip(weights, toMean).reduce(0.0) { $0 + $1.0 * $1.1 }
        meanUpdateNorm = max(0, meanSquare).squareRoot()
        factorGap = meanSquare > 0 ? (max(0, gapSquare) / meanSquare).squareRoot() : 0
        clients = names.enumerated().map { i, name in
            ClientDiagnostics(
                client: name,
                updateNorm: max(0, inner[i, i]).squareRoot(),
                drift: max(0, inner[i, i] - 2 * toMean[i] + meanSquare).squareRoot()
            )
        }
        clientDrift = clients.reduce(0) { $0 + $1.drift } / Double(count)
        var cosines: [Double] = []
        for i in 0..<count {
            for j in (i + 1)..<max(i + 1, count) {
                let norms = clients[i].updateNorm * clients[j].updateNorm
                cosines.append(norms > 0 ? inner[i, j] / norms : 0)
            }
        }
        meanCosine = cosines.isEmpty ? 1 : cosines.reduce(0, +) / Double(cosines.count)
        lowestCosine = cosines.min() ?? 1
    }
}
