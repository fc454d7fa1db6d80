internal import Contract

/// Gram matrices of one low-rank pair's deltas and broadcast factors.
///
/// With blocks 0 ..< N for the clients' deltas and N for the broadcast,
/// `D_i = B_i A_i − B A = δB_i δA_i + δB_i A + B δA_i`, and `⟨X Y, X′ Y′⟩ = Σ (Xᵀ X′) ∘ (Y Y′ᵀ)`.
struct PairGrams {
    let rank: Int
    let clients: Int
    /// `[(N + 1) r, (N + 1) r]`: Xᵀ X′ of all B blocks.
    let b: SquareMatrix
    /// `[(N + 1) r, (N + 1) r]`: Y Y′ᵀ of all A blocks.
    let a: SquareMatrix

    /// How many multiplications the Gram matrices and inner products of all pairs take.
    static func operations(of pairs: [AdapterLayout.Pair], clients: Int) -> Double {
        pairs.reduce(0) { sum, pair in
            let rows = Double(clients + 1) * Double(pair.rank)
            return sum + rows * rows * Double(pair.input + pair.output + 5)
        }
    }

    /// Makes the matrices.
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
