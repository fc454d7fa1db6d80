internal import CKernels
internal import Glibc

/// Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101), as `torch.optim.AdamW` computes it:
/// bias-corrected moments, epsilon outside of the square root, decay of the parameter before the step.
package struct AdamW {
    /// The step size; a schedule may change it between steps.
    package var learningRate: Double
    /// The decay of the mean of gradients.
    package let beta1: Double
    /// The decay of the mean of squared gradients.
    package let beta2: Double
    /// Added to the root of the mean square.
    package let epsilon: Double
    /// The weight decay per unit of learning rate.
    package let weightDecay: Double
    /// Everything that steps change, for snapshots.
    package var state = State()

    /// What an optimiser remembers: restore it, and training goes on to the same bits.
    package struct State: Sendable, Codable, Equatable {
        /// How many steps were taken.
        package var stepCount = 0
        /// The mean gradients of all parameters in order, then the mean squares; empty before the first step.
        package var moments: [Float] = []

        /// A fresh state.
        package init() {}

        /// A state from a snapshot.
        package init(stepCount: Int, moments: [Float]) {
            self.stepCount = stepCount
            self.moments = moments
        }
    }

    /// An optimiser; defaults as in PyTorch, but without decay.
    package init(
        learningRate: Double,
        beta1: Double = 0.9,
        beta2: Double = 0.999,
        epsilon: Double = 1e-8,
        weightDecay: Double = 0
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    /// Moves the parameters against their gradients, which are left as they are.
    ///
    /// - Parameter parameters: The same trainable tensors in the same order at every step.
    package mutating func step(parameters: [Tensor]) {
        let total = parameters.reduce(0) { $0 + $1.count }
        if state.moments.isEmpty { state.moments = [Float](repeating: 0, count: 2 * total) }
        precondition(
            state.moments.count == 2 * total,
            "AdamW: \(total) parameters, but the state is for \(state.moments.count / 2)"
        )
        state.stepCount += 1
        let time = Double(state.stepCount)
        let step = kernel_adamw_step(
            keep: Float(1 - learningRate * weightDecay),
            size: Float(learningRate / (1 - pow(beta1, time))),
            complement1: Float(1 - beta1),
            beta2: Float(beta2),
            complement2: Float(1 - beta2),
            correction2_root: Float((1 - pow(beta2, time)).squareRoot()),
            epsilon: Float(epsilon)
        )
        let pieces = Pieces(parameters)
        state.moments.withUnsafeMutableBufferPointer { moments in
            guard let base = moments.baseAddress else { return }
            withUnsafePointer(to: step) { step in
                Compute.parallel(pieces.count) { part in
                    let piece = pieces[part]
                    let (first, place) = (piece.range.lowerBound, base + piece.place)
                    kernel_adamw(
                        step,
                        piece.gradient + first,
                        piece.values + first,
                        place,
                        place + total,
                        piece.range.count
                    )
                }
            }
        }
    }
}
