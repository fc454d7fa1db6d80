internal import Foundation
internal import Randomness
internal import Tensors

/// One layer of linear self-attention over a finite domain, y_i = Σ_j (x_iᵀ C x_j)(x_jᵀ w), trained through
/// what of it can be seen in its outputs: the table T[μ, ν] = (E C Eᵀ)[μ, ν] · (E w)[ν].
///
/// With orthonormal embeddings and d = N the layer depends on the entities alone, so a step costs B·L²
/// look-ups and N² parameters instead of B·L²·d products. Everything is Double, apart from the change of
/// basis.
struct InteractionLayer {
    /// N.
    let domain: Int
    /// C, `[N, N]`, in the basis of the embeddings.
    var c: [Double]
    /// w, `[N]`, in the basis of the embeddings.
    var w: [Double]
    /// The embeddings; nil for one-hot ones.
    let basis: EmbeddingBasis?

    /// Where training starts.
    enum Start {
        /// Every parameter from N(0, 1), as in the paper's experiment.
        case normal
        /// C = 0 and w = 1 in the basis of entities, for which Theorem 4.4 proves convergence.
        case zero
    }

    /// A layer before training.
    init(domain: Int, start: Start, basis: EmbeddingBasis? = nil, using stream: inout RandomStream) {
        self.domain = domain
        self.basis = basis
        switch start {
        case .normal:
            c = stream.normals(domain * domain)
            w = stream.normals(domain)
        case .zero:
            c = [Double](repeating: 0, count: domain * domain)
            let ones = [Double](repeating: 1, count: domain)
            w = basis?.coordinates(ofVector: ones) ?? ones
        }
    }

    /// A layer of given parameters.
    init(domain: Int, c: [Double], w: [Double], basis: EmbeddingBasis? = nil) {
        self.domain = domain
        self.c = c
        self.w = w
        self.basis = basis
    }

    /// T, `[N, N]`.
    var table: [Double] { Self.table(scores: scores, weights: weights) }

    /// E C Eᵀ: the scores between entities.
    private var scores: [Double] { basis?.values(ofMatrix: c) ?? c }
    /// E w: the weights of entities.
    private var weights: [Double] { basis?.values(ofVector: w) ?? w }

    private static func table(scores: [Double], weights: [Double]) -> [Double] {
        var table = scores
        let n = weights.count
        for row in stride(from: 0, to: table.count, by: n) {
            for column in 0..<n { table[row + column] *= weights[column] }
        }
        return table
    }

    // MARK: - Training

    /// How a layer is trained: Adam on the mean squared error, the rate on half a cosine.
    struct Training: Sendable {
        /// How many steps.
        var steps = 3000
        /// Tuples of one step.
        var batch = 256
        /// The rate at the start.
        var rate = 3e-2
        /// The rate at the end.
        var lastRate = 1e-5
    }

    /// Trains on tuples, drawing batches from them.
    ///
    /// - Parameter targets: `[B, L]`.
    mutating func train(
        on tuples: EntityTuples,
        targets: [Double],
        _ training: Training,
        using stream: inout RandomStream
    ) {
        let (n, length) = (domain, tuples.length)
        var (adamC, adamW) = (DoubleAdam(count: n * n), DoubleAdam(count: n))
        let schedule = LearningRateSchedule(
            warmUpSteps: 0,
            totalSteps: training.steps,
            floor: training.lastRate / training.rate
        )
        let places = Double(training.batch * length)
        var gradient = [Double](repeating: 0, count: n * n)
        for step in 0..<training.steps {
            let (scores, weights) = (scores, weights)
            let table = Self.table(scores: scores, weights: weights)
            for index in gradient.indices { gradient[index] = 0 }
            for _ in 0..<training.batch {
                let first = stream.below(tuples.count) * length
                Self.addSlopes(
                    of: tuples.entities[first..<first + length],
                    targets: targets[first..<first + length],
                    table: table,
                    factor: 2 / places,
                    to: &gradient
                )
            }
            let rate = training.rate * schedule.factor(step: step)
            descend(gradient, scores, weights, rate, &adamC, &adamW)
        }
    }

    /// Adds factor · (y_i − target_i) to d loss / d T at every pair of entities of one tuple.
    private static func addSlopes(
        of tuple: ArraySlice<Int32>,
        targets: ArraySlice<Double>,
        table: [Double],
        factor: Double,
        to gradient: inout [Double]
    ) {
        let n = Int(Double(table.count).squareRoot())
        for (entity, target) in zip(tuple, targets) {
            let row = Int(entity) * n
            var error = -target
            for other in tuple { error += table[row + Int(other)] }
            error *= factor
            for other in tuple { gradient[row + Int(other)] += error }
        }
    }

    /// One step, given d loss / d T: dF[μ, ν] = dT[μ, ν] u[ν] and du[ν] = Σ_μ dT[μ, ν] F[μ, ν], with F = E C
    /// Eᵀ and u = E w.
    private mutating func descend(
        _ dTable: [Double],
        _ scores: [Double],
        _ weights: [Double],
        _ rate: Double,
        _ adamC: inout DoubleAdam,
        _ adamW: inout DoubleAdam
    ) {
        let n = domain
        var dScores = dTable
        var dWeights = [Double](repeating: 0, count: n)
        for row in stride(from: 0, to: n * n, by: n) {
            for column in 0..<n {
                dWeights[column] += dTable[row + column] * scores[row + column]
                dScores[row + column] *= weights[column]
            }
        }
        adamC.step(&c, gradient: basis?.coordinates(ofMatrix: dScores) ?? dScores, rate: rate)
        adamW.step(&w, gradient: basis?.coordinates(ofVector: dWeights) ?? dWeights, rate: rate)
    }
}

/// Orthonormal embeddings of N entities in N dimensions, for a change of basis both ways.
struct EmbeddingBasis: Sendable {
    /// N.
    let domain: Int
    /// E, `[N, N]`: row α is the embedding of entity α.
    let rows: [Double]
    /// Eᵀ.
    private let transposed: [Double]

    /// A basis of given embeddings.
    init(domain: Int, rows: [Double]) {
        self.domain = domain
        self.rows = rows
        transposed = (0..<domain * domain).map { rows[$0 % domain * domain + $0 / domain] }
    }

    /// The real discrete Fourier basis: a constant, cosines and sines, and for even N the alternating sign.
    static func sinusoidal(_ domain: Int) -> EmbeddingBasis {
        var rows = [Double](repeating: 0, count: domain * domain)
        let amplitude = (2 / Double(domain)).squareRoot()
        for entity in 0..<domain {
            for column in 0..<domain {
                let frequency = (column + 1) / 2
                // Reduced first, so that the angle is exact.
                let turn = 2 * Double.pi * Double(frequency * entity % domain) / Double(domain)
                let isSingle = frequency == 0 || 2 * frequency == domain
                let wave = column % 2 == 0 && column > 0 ? sin(turn) : cos(turn)
                rows[entity * domain + column] = wave * (isSingle ? amplitude / 2.0.squareRoot() : amplitude)
            }
        }
        return EmbeddingBasis(domain: domain, rows: rows)
    }

    /// E M Eᵀ.
    func values(ofMatrix matrix: [Double]) -> [Double] { sandwich(matrix, by: rows) }

    /// Eᵀ M E, which undoes `values(ofMatrix:)`.
    func coordinates(ofMatrix matrix: [Double]) -> [Double] { sandwich(matrix, by: transposed) }

    /// E v.
    func values(ofVector vector: [Double]) -> [Double] { product(rows, vector) }

    /// Eᵀ v, which undoes `values(ofVector:)`.
    func coordinates(ofVector vector: [Double]) -> [Double] { product(transposed, vector) }

    /// A M Aᵀ in float32: `linear` computes x Wᵀ, so A (A Mᵀ)ᵀ is two of them.
    private func sandwich(_ matrix: [Double], by a: [Double]) -> [Double] {
        let tape = Tape(recording: false)
        let tensor = { (values: [Double]) in
            Tensor(shape: [domain, domain], values: values.map(Float.init))
        }
        let a = tensor(a)
        return tape.linear(a, tape.linear(a, tensor(matrix))).values.map(Double.init)
    }

    private func product(_ matrix: [Double], _ vector: [Double]) -> [Double] {
        (0..<domain).map { row in
            var sum = 0.0
            for column in 0..<domain { sum += matrix[row * domain + column] * vector[column] }
            return sum
        }
    }
}

/// Adam in Double (Kingma and Ba, arXiv:1412.6980), for errors below what float32 resolves.
struct DoubleAdam {
    private var means: [Double]
    private var squares: [Double]
    private var steps = 0

    /// The state before the first step.
    init(count: Int) {
        means = [Double](repeating: 0, count: count)
        squares = means
    }

    /// Moves parameters against a gradient.
    mutating func step(_ parameters: inout [Double], gradient: [Double], rate: Double) {
        precondition(parameters.count == means.count && gradient.count == means.count, "DoubleAdam: sizes")
        steps += 1
        let (beta1, beta2) = (0.9, 0.999)
        let size = rate / (1 - pow(beta1, Double(steps)))
        let correction = 1 / (1 - pow(beta2, Double(steps)))
        for index in parameters.indices {
            let slope = gradient[index]
            means[index] += (1 - beta1) * (slope - means[index])
            squares[index] += (1 - beta2) * (slope * slope - squares[index])
            parameters[index] -= size * means[index] / ((squares[index] * correction).squareRoot() + 1e-8)
        }
    }
}
