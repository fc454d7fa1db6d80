package import Models
internal import Tensors

/// A term that changes the residual stream while training and adds nothing to the loss: rivals of feature blocking.
package struct TrainingEditTerm: ObjectiveTerm {
    /// What is done.
    package let edit: LayerBoundary?

    /// Preventative steering: pushes every state along the latents' directions, each by its sign, while training, so that
    /// fine-tuning need not; nothing is added when the model is used.
    ///
    /// - Parameters:
    ///   - rows: The latents.
    ///   - length: How far in all, in the units of a state; the directions share it evenly.
    package init(steeringAlong rows: LatentRows, length: Double) {
        edit = Boundaries.adding(
            Tensor(shape: [rows.width], values: rows.signedMean(length: length)),
            at: rows.layer
        )
    }

    /// Hard projection, as in concept ablation fine-tuning (CAFT; Casademunt et al., arXiv:2507.16795): while training,
    /// states have no part in the span of the latents' directions.
    package init(projectingOut rows: LatentRows) {
        edit = Boundaries.projectingOut(
            Boundaries.orthonormal(rows.decoder, width: rows.width),
            at: rows.layer
        )
    }

    /// Zero.
    package mutating func evaluate(_ pass: ForwardPass) -> ObjectiveValue {
        .zero(count: pass.logProbs.count)
    }
}

extension LatentRows {
    /// The sum of the directions, each by its sign, scaled to a length `[C]`.
    package func signedMean(length: Double) -> [Float] {
        var sum = [Double](repeating: 0, count: width)
        for index in decoder.indices {
            sum[index % width] += Double(signs[index / width]) * Double(decoder[index])
        }
        let norm = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return sum.map { norm > 0 ? Float(length * $0 / norm) : 0 }
    }
}
