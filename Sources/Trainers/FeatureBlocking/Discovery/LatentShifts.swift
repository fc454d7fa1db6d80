package import Models
internal import Randomness
internal import Tensors

/// A text whose states count in stage 1.
package struct ActivationText: Sendable, Equatable {
    /// Its tokens.
    package var tokens: [Int32]
    /// The rows whose states count: not those of a system prompt.
    package var rows: Range<Int>

    /// Names a text; all rows count if none are given.
    package init(tokens: [Int32], rows: Range<Int>? = nil) {
        self.tokens = tokens
        self.rows = rows ?? 0..<tokens.count
    }
}

/// Stage 1: how far fine-tuning moved each latent's mean activation, Δ = mean over the misaligned model's
/// states − mean over the base model's (BLOCK-EM, section 2.1).
package struct LatentShifts: Sendable, Codable, Equatable {
    /// The base model's mean activations `[m]`.
    package var base: [Float]
    /// The misaligned model's `[m]`.
    package var misaligned: [Float]
    /// c: the median length of the base model's states, the unit of steering.
    package var steeringScale: Double

    /// Δ of a latent.
    package subscript(latent: Int) -> Float { misaligned[latent] - base[latent] }
    /// m.
    package var count: Int { base.count }
    /// +1 where fine-tuning raised a latent, -1 where it lowered it.
    package func sign(_ latent: Int) -> Int { self[latent] < 0 ? -1 : 1 }

    /// Gathers shifts.
    package init(base: [Float], misaligned: [Float], steeringScale: Double) {
        self.base = base
        self.misaligned = misaligned
        self.steeringScale = steeringScale
    }

    /// Reads texts with both models.
    ///
    /// - Parameters:
    ///   - base: The base model.
    ///   - misaligned: The fine-tuned model.
    ///   - autoencoder: Whose latents they are.
    ///   - texts: What both read; only public ones are needed.
    ///   - tokensPerPass: The most tokens of a pass; a longer text is a pass of its own.
    package init(
        base: ProbedModel,
        misaligned: ProbedModel,
        autoencoder: SparseAutoencoder,
        texts: [ActivationText],
        tokensPerPass: Int = 4096
    ) throws(FeatureFault) {
        let count = texts.reduce(0) { $0 + $1.rows.count }
        guard count > 0 else { throw FeatureFault("", "found no states to compare the models by") }
        var norms: [Float] = []
        let width = autoencoder.width
        self.base = Self.means(base, autoencoder, texts, tokensPerPass) { states in
            for row in 0..<states.rows {
                let square = states.values[row * width..<(row + 1) * width].reduce(Float(0)) { $0 + $1 * $1 }
                norms.append(square.squareRoot())
            }
        }
        self.misaligned = Self.means(misaligned, autoencoder, texts, tokensPerPass) { _ in }
        norms.sort()
        steeringScale = Double(norms[norms.count / 2])
    }

    /// Mean activations over the states that count.
    private static func means(
        _ model: ProbedModel,
        _ autoencoder: SparseAutoencoder,
        _ texts: [ActivationText],
        _ tokensPerPass: Int,
        see: (Tensor) -> Void
    ) -> [Float] {
        let workspace = model.decoder.workspace
        var sums = [Double](repeating: 0, count: autoencoder.latentCount)
        var (first, seen) = (0, 0)
        while first < texts.count {
            var (last, size) = (first, 0)
            repeat {
                size += texts[last].tokens.count
                last += 1
            } while last < texts.count && size + texts[last].tokens.count <= tokensPerPass
            let part = texts[first..<last]
            let batch = PackedBatch(groups: part.map { (prompt: $0.tokens, responses: []) })
            var (start, rows): (Int, [Int32]) = (0, [])
            for text in part {
                rows += text.rows.map { Int32(start + $0) }
                start += text.tokens.count
            }
            let states = Tensor(
                shape: [rows.count, autoencoder.width],
                values: model.decoder.states(
                    of: batch,
                    layer: autoencoder.layer,
                    rows: rows,
                    withAdapter: model.withAdapter
                )
            )
            see(states)
            let code = autoencoder.encode(states, workspace: workspace).values
            for (index, value) in code.enumerated() { sums[index % sums.count] += Double(value) }
            seen += rows.count
            first = last
        }
        return sums.map { Float($0 / Double(seen)) }
    }
}

// MARK: - Choosing latents without a causal test

extension LatentShifts {
    /// The latents with the largest |Δ|, largest first: the control "top Δ".
    ///
    /// - Parameters:
    ///   - count: K; fewer where there are not as many.
    ///   - excluded: Latents that are left out, such as an older K.
    package func largest(_ count: Int, excluding excluded: Set<Int> = []) -> [Int] {
        let all = (0..<self.count).filter { !excluded.contains($0) }
        return Array(all.sorted { (-abs(self[$0]), $0) < (-abs(self[$1]), $1) }.prefix(count))
    }

    /// Random latents: the control "random K".
    package func drawn(_ count: Int, excluding excluded: Set<Int> = [], seed: UInt64) -> [Int] {
        let all = (0..<self.count).filter { !excluded.contains($0) }
        var stream = RandomStream(seed: seed, "random-latents")
        return stream.choose(min(count, all.count), from: all)
    }

    /// The rows of latents with the signs of Δ.
    package func rows(_ latents: [Int], of autoencoder: SparseAutoencoder) -> LatentRows {
        autoencoder.rows(latents, signs: latents.map(sign))
    }
}
