internal import Randomness
package import Tensors

/// Learns a sparse autoencoder, with gradients by hand.
///
///     z = act(x W_encᵀ + b_enc)              [B, m]
///     e = z W_dec + b − x                    [B, C]
///     loss = mean over the batch of Σ e² + sparsity Σ z     (without the second term for TopK)
///
///     dW_dec = 2/B zᵀ e        db = 2/B Σ e
///     dz = (2/B e W_decᵀ + sparsity/B) where z > 0
///     dW_enc = dzᵀ x           db_enc = Σ dz
///
/// As in Bricken et al., "Towards Monosemanticity" (2023): the part of dW_dec along a row of W_dec is taken
/// off, the rows are brought back to unit length after each step of Adam, the encoder starts as the decoder,
/// and latents that were not active for a while are set anew on states that are reconstructed badly, drawn
/// with probability in proportion to the squared loss; their moments start from zero. Ours: they are drawn
/// from the last batch, and a TopK latent starts with the mean length of the others' encoder rows and not a
/// fifth of it, as it would not get among the largest.
package struct AutoencoderLearner {
    /// How it is learnt.
    package let settings: AutoencoderSettings
    /// How many steps were taken.
    package internal(set) var stepCount = 0
    /// W_enc `[m, C]`, b_enc `[m]`, W_dec `[m, C]`, b `[C]`.
    let parameters: [Tensor]
    var optimiser: AdamW
    /// For each latent, how many steps it was not active.
    var idleSteps: [Int]
    /// The centre of the states `[C]`.
    let centre: [Float]
    /// √C over the rms length of a centred state.
    let scale: Float
    let seed: UInt64
    private let workspace = Workspace()

    /// What one step did.
    package struct Step: Sendable, Equatable {
        /// The loss.
        package var loss: Double
        /// The share of the batch's squared length that was reconstructed.
        package var explainedVariance: Double
        /// The active latents of a state, on the mean.
        package var l0: Double
        /// How many latents were set anew.
        package var resampled: Int
    }

    /// A fresh autoencoder: random directions, encoder and decoder the same.
    ///
    /// - Parameters:
    ///   - settings: How it is learnt.
    ///   - centre: The mean of the states `[C]`.
    ///   - rmsNorm: The rms length of a state without it.
    ///   - seed: What is drawn is drawn from it.
    /// - Throws: `FeatureFault` where all states are the same or not finite.
    package init(
        settings: AutoencoderSettings,
        centre: [Float],
        rmsNorm: Double,
        seed: UInt64
    ) throws(FeatureFault) {
        let (count, width) = (settings.latents, centre.count)
        guard rmsNorm.isFinite, rmsNorm > 0 else {
            throw FeatureFault(
                "",
                "the states' rms length about their mean is \(rmsNorm), expected more than 0"
            )
        }
        self.settings = settings
        self.centre = centre
        self.seed = seed
        scale = Float(Double(width).squareRoot() / rmsNorm)
        var stream = RandomStream(seed: seed, "autoencoder", "directions")
        // Sums of uniform numbers are close enough to normal ones for directions of no preferred axis.
        var directions = (0..<count * width).map { _ in
            Float((0..<6).reduce(-3.0) { sum, _ in sum + stream.uniform() })
        }
        Self.normaliseRows(&directions, width: width)
        parameters = [
            Tensor(shape: [count, width], values: directions, trainable: true),
            Tensor(zeros: [count], trainable: true),
            Tensor(shape: [count, width], values: directions, trainable: true),
            Tensor(zeros: [width], trainable: true),
        ]
        optimiser = AdamW(learningRate: settings.learningRate)
        idleSteps = [Int](repeating: 0, count: count)
    }

    /// C.
    package var width: Int { centre.count }

    /// Takes one step.
    ///
    /// - Parameter states: `[B, C]`, in the model's units.
    /// - Throws: `FeatureFault` where the loss is not finite.
    package mutating func step(_ states: Tensor) throws(FeatureFault) -> Step {
        let x = workspace.tensor([states.rows, width])
        StateMath.normalise(states.values, centre: centre, scale: scale, into: x.values)
        let (pass, error) = gradients(x)
        guard pass.loss.isFinite else {
            throw FeatureFault("", "step \(stepCount): the loss is \(pass.loss)")
        }
        removeParallel()
        optimiser.learningRate = settings.rate(step: stepCount)
        optimiser.step(parameters: parameters)
        var decoder = parameters[2].values
        Self.normaliseRows(&decoder, width: width)
        stepCount += 1
        for latent in idleSteps.indices {
            idleSteps[latent] = pass.active[latent] > 0 ? 0 : idleSteps[latent] + 1
        }
        let squared = x.values.reduce(0.0) { $0 + Double($1) * Double($1) }
        var step = Step(
            loss: pass.loss,
            explainedVariance: 1 - pass.squaredError / max(squared, .leastNormalMagnitude),
            l0: pass.active.reduce(0.0) { $0 + Double($1) } / Double(states.rows),
            resampled: 0
        )
        if settings.resampleEvery > 0, stepCount % settings.resampleEvery == 0,
            stepCount < settings.lateStart
        {
            step.resampled = resample(x: x, error: error)
        }
        return step
    }

    /// What a pass found.
    struct Pass {
        var loss: Double
        /// Σ e² over the batch.
        var squaredError: Double
        /// How many states each latent is active in.
        var active: [Float]
    }

    /// The loss of normalised states x `[B, C]` and its gradients, which replace those of the parameters.
    func gradients(_ x: Tensor) -> (pass: Pass, error: Tensor) {
        let (rows, count, width) = (x.rows, settings.latents, width)
        let (encoder, encoderBias, decoder, bias) =
            (parameters[0], parameters[1], parameters[2], parameters[3])
        let z = workspace.tensor([rows, count])
        Products.abT(x.base, encoder.base, z.base, m: rows, n: count, k: width)
        StateMath.rectify(z.values, bias: encoderBias.toArray())
        if let k = settings.topK { StateMath.keepLargest(k, of: z.values, columns: count) }
        let (active, sums) = columnCounts(z)

        let error = workspace.tensor([rows, width])
        Products.ab(z.base, decoder.base, error.base, m: rows, n: width, k: count)
        var squaredError = 0.0
        let (e, target, b) = (error.values, x.values, bias.values)
        for first in stride(from: 0, to: e.count, by: width) {
            var sum: Float = 0
            for column in 0..<width {
                let value = e[first + column] + b[column] - target[first + column]
                e[first + column] = value
                sum += value * value
            }
            squaredError += Double(sum)
        }
        let sparsity = settings.topK == nil ? settings.sparsity : 0
        let total = sums.reduce(0.0) { $0 + Double($1) }
        let loss = (squaredError + sparsity * total) / Double(rows)

        let alpha = 2 / Float(rows)
        guard let dEncoder = encoder.gradient?.baseAddress, let dDecoder = decoder.gradient?.baseAddress,
            let dEncoderBias = encoderBias.gradient, let dBias = bias.gradient
        else { preconditionFailure("AutoencoderLearner: a parameter is not trainable") }
        Products.aTb(z.base, error.base, dDecoder, m: count, n: width, k: rows, alpha: alpha)
        dBias.update(repeating: 0)
        for first in stride(from: 0, to: e.count, by: width) {
            for column in 0..<width { dBias[column] += alpha * e[first + column] }
        }
        let dz = workspace.tensor([rows, count])
        Products.abT(error.base, decoder.base, dz.base, m: rows, n: count, k: width, alpha: alpha)
        maskGradient(dz, where: z, adding: Float(sparsity) / Float(rows), columnSums: dEncoderBias)
        Products.aTb(dz.base, x.base, dEncoder, m: count, n: width, k: rows)
        return (Pass(loss: loss, squaredError: squaredError, active: active), error)
    }

    /// The autoencoder as it is now: the learnt bias of the output is made part of the centre.
    ///
    /// - Parameters:
    ///   - model: The SHA-256 of the model's weights.
    ///   - layer: The layer boundary of the states.
    package func autoencoder(model: String, layer: Int) -> SparseAutoencoder {
        let (encoder, bias) = (parameters[0].toArray(), parameters[3].toArray())
        var encoderBias = parameters[1].toArray()
        for latent in encoderBias.indices {
            let moved = (0..<width).reduce(0.0) {
                $0 + Double(encoder[latent * width + $1]) * Double(bias[$1])
            }
            encoderBias[latent] = Float(Double(encoderBias[latent]) + moved)
        }
        return SparseAutoencoder(
            model: model,
            layer: layer,
            width: width,
            activation: settings.topK.map { .topK($0) } ?? .relu,
            encoder: encoder,
            encoderBias: encoderBias,
            decoder: parameters[2].toArray(),
            decoderBias: zip(centre, bias).map { $0 + $1 / scale },
            activationScale: scale
        )
    }
}

// MARK: - Parts of a step

extension AutoencoderLearner {
    /// In how many rows each latent is active, and the sum of its activations.
    private func columnCounts(_ z: Tensor) -> (active: [Float], sums: [Float]) {
        let count = z.columns
        var active = [Float](repeating: 0, count: count)
        var sums = active
        let values = z.values
        active.withUnsafeMutableBufferPointer { active in
            sums.withUnsafeMutableBufferPointer { sums in
                for first in stride(from: 0, to: values.count, by: count) {
                    for column in 0..<count {
                        let value = values[first + column]
                        active[column] += value > 0 ? 1 : 0
                        sums[column] += value
                    }
                }
            }
        }
        return (active, sums)
    }

    /// dz + `adding` where z is positive, zero elsewhere; the sums of its columns replace those given.
    private func maskGradient(
        _ dz: Tensor,
        where z: Tensor,
        adding: Float,
        columnSums: UnsafeMutableBufferPointer<Float>
    ) {
        let (count, gradient, values) = (z.columns, dz.values, z.values)
        columnSums.update(repeating: 0)
        for first in stride(from: 0, to: values.count, by: count) {
            for column in 0..<count {
                let value = values[first + column] > 0 ? gradient[first + column] + adding : 0
                gradient[first + column] = value
                columnSums[column] += value
            }
        }
    }

    /// Takes the part of the decoder's gradient along its own rows off: it would only change their length.
    private func removeParallel() {
        let decoder = parameters[2]
        guard let gradient = decoder.gradient else { return }
        let values = decoder.values
        for first in stride(from: 0, to: values.count, by: width) {
            var dot: Float = 0
            for column in first..<first + width { dot += gradient[column] * values[column] }
            for column in first..<first + width { gradient[column] -= dot * values[column] }
        }
    }

    /// Brings rows to unit length; a row of zeros stays.
    static func normaliseRows(_ rows: inout some MutableCollection<Float>, width: Int) {
        var start = rows.startIndex
        while start != rows.endIndex {
            let end = rows.index(start, offsetBy: width)
            let norm = rows[start..<end].reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            if norm > 0 {
                let factor = Float(1 / norm)
                var place = start
                while place != end {
                    rows[place] *= factor
                    rows.formIndex(after: &place)
                }
            }
            start = end
        }
    }

    /// Sets latents anew that were not active for `resampleEvery` steps; says how many.
    private mutating func resample(x: Tensor, error: Tensor) -> Int {
        let dead = idleSteps.indices.filter { idleSteps[$0] >= settings.resampleEvery }
        guard !dead.isEmpty else { return 0 }
        let (encoder, bias, decoder) = (parameters[0].values, parameters[1].values, parameters[2].values)
        let alive = idleSteps.indices.filter { idleSteps[$0] < settings.resampleEvery }
        let length = alive.reduce(0.0) { sum, latent in
            let row = encoder[latent * width..<(latent + 1) * width]
            return sum + row.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        }
        let mean = alive.isEmpty ? 1 : length / Double(alive.count)
        let target = settings.topK == nil ? 0.2 * mean : mean
        var weights = (0..<x.rows).map { row in
            let loss = error.values[row * width..<(row + 1) * width].reduce(0.0) {
                $0 + Double($1) * Double($1)
            }
            return loss * loss
        }
        var stream = RandomStream(seed: seed, "autoencoder-resample", stepCount)
        let total = parameters.reduce(0) { $0 + $1.count }
        let decoderStart = parameters[0].count + parameters[1].count
        var count = 0
        for latent in dead {
            let all = weights.reduce(0, +)
            guard all > 0, all.isFinite else { break }
            var left = stream.uniform() * all
            let row = weights.firstIndex { weight in
                left -= weight
                return left < 0 && weight > 0
            }
            guard let row else { break }
            weights[row] = 0
            var state = Array(x.values[row * width..<(row + 1) * width])
            Self.normaliseRows(&state, width: width)
            for column in 0..<width {
                encoder[latent * width + column] = Float(target) * state[column]
                decoder[latent * width + column] = state[column]
                for start in [0, total] {
                    optimiser.state.moments[start + latent * width + column] = 0
                    optimiser.state.moments[start + decoderStart + latent * width + column] = 0
                }
            }
            bias[latent] = 0
            for start in [0, total] {
                optimiser.state.moments[start + parameters[0].count + latent] = 0
            }
            idleSteps[latent] = 0
            count += 1
        }
        return count
    }
}
