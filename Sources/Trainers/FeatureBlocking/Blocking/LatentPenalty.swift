package import Models
internal import Tensors

/// How a latent's movement is read.
package enum LatentReading: String, Codable, Sendable, CaseIterable {
    /// z = max(encoder · h + bias, 0), the dense ReLU code, as in BLOCK-EM. A latent that is off pulls at nothing.
    case activation
    /// z = encoder · h + bias: a latent that is off is still held. Ours: with latents that fine-tuning lowers, the gradient
    /// of `activation` is zero where it is wanted most.
    case preActivation
}

/// The penalty on movement of chosen latents, with its gradient (BLOCK-EM, arXiv:2602.00767, our notes 2.2):
///
///     v_tk = relu(s_k (z_k(h_t) − z_k(h_t^base)))
///     P    = Σ_t Σ_k v_tk²
///     ∂P/∂h_t = 2 Σ_k s_k v_tk [z_k is not cut off] encoder_k
///
/// One-sided: movement in the safe direction is free.
struct LatentPenalty {
    let rows: LatentRows
    let reading: LatentReading
    /// Whether movement in either direction is penalised: an ablation.
    let isTwoSided: Bool
    private let encoder: FrozenMatrix

    init(_ rows: LatentRows, reading: LatentReading, isTwoSided: Bool = false) {
        precondition(rows.count > 0, "a penalty on no latents")
        self.rows = rows
        self.reading = reading
        self.isTwoSided = isTwoSided
        encoder = FrozenMatrix(rows: rows.count, columns: rows.width, values: rows.encoder)
    }

    /// What the latents of some tokens have come to.
    struct Result {
        /// P.
        var sum = 0.0
        /// How many v_tk are above zero.
        var moved = 0
        /// Σ_t z_k(h_t) `[K]`, of activations whatever is penalised.
        var activations: [Double]
        /// ∂P/∂h `[M, C]`; empty unless asked for.
        var gradient: [Float] = []
    }

    /// Evaluates the penalty.
    ///
    /// - Parameters:
    ///   - states: h `[M, C]`.
    ///   - base: h^base `[M, C]`.
    ///   - wantsGradient: Whether the gradient is wanted.
    func evaluate(_ states: [Float], base: [Float], wantsGradient: Bool) -> Result {
        let (count, width) = (rows.count, rows.width)
        let tokens = states.count / width
        precondition(states.count == base.count, "LatentPenalty: \(states.count) states and \(base.count)")
        var result = Result(activations: [Double](repeating: 0, count: count))
        guard tokens > 0 else { return result }
        let (now, before) = (values(states, tokens), values(base, tokens))
        var slopes = [Float](repeating: 0, count: tokens * count)
        for index in now.indices {
            let latent = index % count
            result.activations[latent] += Double(max(now[index], 0))
            let (new, old) =
                reading == .activation
                ? (max(now[index], 0), max(before[index], 0)) : (now[index], before[index])
            let sign = Float(rows.signs[latent])
            let moved = sign * (new - old)
            guard moved > 0 || isTwoSided else { continue }
            result.sum += Double(moved) * Double(moved)
            if moved != 0 { result.moved += 1 }
            if reading == .preActivation || now[index] > 0 { slopes[index] = 2 * sign * moved }
        }
        if wantsGradient {
            result.gradient = [Float](repeating: 0, count: tokens * width)
            encoder.multiplyTransposed(slopes, rows: tokens, into: &result.gradient, alpha: 1, beta: 0)
        }
        return result
    }

    /// encoder · h + bias, `[M, K]`.
    private func values(_ states: [Float], _ tokens: Int) -> [Float] {
        var values = [Float](repeating: 0, count: tokens * rows.count)
        encoder.multiply(states, rows: tokens, into: &values, alpha: 1, beta: 0)
        for index in values.indices { values[index] += rows.bias[index % rows.count] }
        return values
    }

    /// The states of some rows, in their order: `[rows.count, C]`.
    static func gather(_ states: [Float], rows: [Int32], width: Int) -> [Float] {
        var gathered: [Float] = []
        gathered.reserveCapacity(rows.count * width)
        for row in rows { gathered += states[Int(row) * width..<(Int(row) + 1) * width] }
        return gathered
    }
}

/// What the blocked latents do on given texts: no learning.
package struct BlockedLatents: Sendable, Equatable {
    /// The mean activation of each latent over the response tokens `[K]`.
    package var activations: [Double]
    /// The mean penalty over the response tokens, without λ.
    package var penalty: Double

    /// Gathers what was read.
    package init(activations: [Double], penalty: Double) {
        self.activations = activations
        self.penalty = penalty
    }

    /// Reads the states that response tokens are predicted from, with the adapter and without it.
    package init(
        _ rows: LatentRows,
        reading: LatentReading,
        batch: PackedBatch,
        decoder: LanguageDecoder
    ) {
        let states = decoder.predictorStates(of: batch, layer: rows.layer)
        let base = decoder.predictorStates(of: batch, layer: rows.layer, withAdapter: false)
        let result = LatentPenalty(rows, reading: reading).evaluate(states, base: base, wantsGradient: false)
        let tokens = Double(max(batch.targets.count, 1))
        activations = result.activations.map { $0 / tokens }
        penalty = result.sum / tokens
    }
}
