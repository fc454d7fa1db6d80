internal import Contract

/// All inner products of the clients' movements, from Gram matrices of their deltas and the broadcast's factors.
///
/// Of a pair, with blocks 0 ..< N for the clients' deltas and N for the broadcast,
/// `D_i = B_i A_i − B A = δB_i δA_i + δB_i A + B δA_i`, and `⟨X Y, X′ Y′⟩ = Σ (Xᵀ X′) ∘ (Y Y′ᵀ)`.
struct GramMovements: MovementMeter {
    private let weights: [Double]
    /// `⟨D_i, D_j⟩`.
    private(set) var inner: SquareMatrix
    private(set) var gapSquare = 0.0
    private var pair: AdapterLayout.Pair?
    /// Of the unit at hand: the rows of A or those of a single array, and the columns of B, one client's after the
    /// other's.
    private var rows: (a: [Double], b: [Double]) = ([], [])

    init(weights: [Double]) {
        self.weights = weights
        inner = SquareMatrix(size: weights.count)
    }

    mutating func begin(_ pair: AdapterLayout.Pair?, _ arrays: [NamedArray], at index: Int) {
        self.pair = pair
        rows.a.removeAll(keepingCapacity: true)
        rows.b.removeAll(keepingCapacity: true)
        // The broadcast is the last block, so it is put in when the clients are there.
        broadcast = pair == nil ? [] : arrays.map(\.values)
    }

    private var broadcast: [[Float]] = []

    mutating func add(_ deltas: [[Float]], of client: Int) {
        rows.a.append(contentsOf: deltas[0].lazy.map(Double.init))
        guard let pair else { return }
        for k in 0..<pair.rank {
            for row in 0..<pair.output { rows.b.append(Double(deltas[1][row * pair.rank + k])) }
        }
    }

    mutating func end(mean sums: [[Double]], total: Double) {
        guard let pair else {
            let gram = SquareMatrix.gram(of: rows.a, rows: weights.count)
            for cell in inner.values.indices { inner.values[cell] += gram.values[cell] }
            return
        }
        add(broadcast, of: weights.count)
        let grams = PairGrams(
            rank: pair.rank,
            clients: weights.count,
            a: .gram(of: rows.a, rows: (weights.count + 1) * pair.rank),
            b: .gram(of: rows.b, rows: (weights.count + 1) * pair.rank)
        )
        grams.addInnerProducts(to: &inner)
        gapSquare += grams.gapSquare(weights: weights)
    }

    mutating func add(_ other: any MovementMeter) {
        guard let other = other as? GramMovements else { preconditionFailure("meters of two kinds") }
        for cell in inner.values.indices { inner.values[cell] += other.inner.values[cell] }
        gapSquare += other.gapSquare
    }

    func summary() -> MovementSummary {
        let count = weights.count
        let toMean = (0..<count).map { i in (0..<count).reduce(0.0) { $0 + weights[$1] * inner[i, $1] } }
        let squares = (0..<count).map { inner[$0, $0] }
        let norms = squares.map { max(0, $0).squareRoot() }
        var cosines: [Double] = []
        for i in 0..<count {
            for j in (i + 1)..<max(i + 1, count) {
                cosines.append(norms[i] * norms[j] > 0 ? inner[i, j] / (norms[i] * norms[j]) : 0)
            }
        }
        return MovementSummary(
            squares: squares,
            towardsMean: toMean,
            meanSquare: zip(weights, toMean).reduce(0.0) { $0 + $1.0 * $1.1 },
            gapSquare: gapSquare,
            meanCosine: cosines.reduce(0, +) / Double(max(1, cosines.count)),
            lowestCosine: cosines.min() ?? 0
        )
    }
}

extension GramMovements {
    /// What a unit takes.
    struct Size {
        /// r, or 1 for a single array.
        var rank: Int
        /// in + out, or the values of a single array.
        var length: Int
        /// Whether the broadcast is a block beside the clients'.
        var isPair: Bool

        init(of place: MergePlace, in layout: AdapterLayout) {
            isPair = place.pair != nil
            rank = place.pair?.rank ?? 1
            length =
                place.pair.map { $0.input + $0.output }
                ?? layout.entries[place.indices[0]].shape.reduce(1, *)
        }
    }

    /// What Gram matrices may take, in multiplications: less than a second.
    static let operationsMax = 2e10
    /// What those of a unit may take, in bytes.
    static let bytesMax = 8 * 1_048_576.0

    /// Whether Gram matrices take neither long nor much memory, whatever the clients' number and the rank.
    static func isAffordable(_ units: [Size], clients: Int) -> Bool {
        var operations = 0.0
        for unit in units {
            let rows = Double(clients + (unit.isPair ? 1 : 0)) * Double(unit.rank)
            let cells = rows * rows
            operations += cells * Double(unit.length + (unit.isPair ? 5 : 0))
            // The rows in Double, the Gram matrices of both halves and these with their means taken away.
            let bytes = 8 * (rows * Double(unit.length) + 4 * cells)
            guard bytes <= bytesMax, operations <= operationsMax else { return false }
        }
        return true
    }
}

/// Gram matrices of one low-rank pair's deltas and broadcast factors.
private struct PairGrams {
    let rank: Int
    let clients: Int
    /// `[(N + 1) r, (N + 1) r]`: Y Y′ᵀ of all A blocks.
    let a: SquareMatrix
    /// `[(N + 1) r, (N + 1) r]`: Xᵀ X′ of all B blocks.
    let b: SquareMatrix

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
