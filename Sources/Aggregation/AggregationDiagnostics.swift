internal import Contract

/// What a round's updates say about each other, measured on the weights that they move.
///
/// A low-rank pair counts as its product `W_i = B_i A_i` (without the constant alpha/r), any other array
/// as itself; norms are Frobenius norms over all of them together. Means over clients are weighted.
/// Counts are not among them: ``Aggregate`` leaves summed arrays out.
/// The products are never formed: everything follows from Gram matrices of the factors.
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

    /// Measures the contributions of a round.
    init(of weighted: WeightedContributions, broadcast: AdapterWeights) throws(AggregationError) {
        let weights = weighted.weights.map { $0 / weighted.totalWeight }
        let pairs = try broadcast.pairs()
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
        self.init(
            inner: inner,
            gapSquare: gapSquare,
            weights: weights,
            names: weighted.contributions.map(\.client)
        )
    }

    /// Derives everything from the inner products of the clients' updates.
    private init(inner: SquareMatrix, gapSquare: Double, weights: [Double], names: [String]) {
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

/// Gram matrices of one low-rank pair's deltas and broadcast factors.
///
/// With blocks 0 ..< N for the clients' deltas and N for the broadcast,
/// `D_i = B_i A_i − B A = δB_i δA_i + δB_i A + B δA_i`, and `⟨X Y, X′ Y′⟩ = Σ (Xᵀ X′) ∘ (Y Y′ᵀ)`.
private struct PairGrams {
    let rank: Int
    let clients: Int
    /// `[(N + 1) r, (N + 1) r]`: Xᵀ X′ of all B blocks.
    let b: SquareMatrix
    /// `[(N + 1) r, (N + 1) r]`: Y Y′ᵀ of all A blocks.
    let a: SquareMatrix

    init(_ pair: AdapterLayout.Pair, _ weighted: WeightedContributions, _ broadcast: AdapterWeights) {
        rank = pair.rank
        clients = weighted.contributions.count
        let adapters = weighted.contributions.map(\.delta) + [broadcast]
        var rowsA: [[Float]] = []
        var rowsB: [[Float]] = []
        for adapter in adapters {
            let valuesA = adapter.arrays[pair.a].values
            let valuesB = adapter.arrays[pair.b].values
            for k in 0..<pair.rank {
                rowsA.append(Array(valuesA[(k * pair.input)..<((k + 1) * pair.input)]))
                rowsB.append(stride(from: k, to: valuesB.count, by: pair.rank).map { valuesB[$0] })
            }
        }
        a = SquareMatrix.gram(ofRows: rowsA)
        b = SquareMatrix.gram(ofRows: rowsB)
    }

    /// `⟨X_p Y_q, X_s Y_t⟩` for B blocks p, s and A blocks q, t.
    private func inner(_ p: Int, _ q: Int, _ s: Int, _ t: Int) -> Double {
        var sum = 0.0
        for i in 0..<rank {
            for j in 0..<rank {
                sum += b[p * rank + i, s * rank + j] * a[q * rank + i, t * rank + j]
            }
        }
        return sum
    }

    /// Adds `⟨D_i, D_j⟩` for all clients.
    func addInnerProducts(to total: inout SquareMatrix) {
        for i in 0..<clients {
            for j in i..<clients {
                var sum = 0.0
                for (p, q) in [(i, i), (i, clients), (clients, i)] {
                    for (s, t) in [(j, j), (j, clients), (clients, j)] { sum += inner(p, q, s, t) }
                }
                total[i, j] += sum
                if i != j { total[j, i] += sum }
            }
        }
    }

    /// `‖Σ w_i (B_i − B̄)(A_i − Ā)‖²`, which equals `‖Σ w_i B_i A_i − B̄ Ā‖²` and does not cancel.
    func gapSquare(weights: [Double]) -> Double {
        let centredA = a.centred(blocks: clients, of: rank, weights: weights)
        let centredB = b.centred(blocks: clients, of: rank, weights: weights)
        var sum = 0.0
        for i in 0..<clients {
            for j in 0..<clients {
                var block = 0.0
                for k in 0..<rank {
                    for l in 0..<rank {
                        block += centredB[i * rank + k, j * rank + l] * centredA[i * rank + k, j * rank + l]
                    }
                }
                sum += weights[i] * weights[j] * block
            }
        }
        return sum
    }
}
