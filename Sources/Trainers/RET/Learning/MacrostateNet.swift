package import Contract
internal import Randomness
package import Tensors

/// RET's three networks: the online encoder f, its slowly moving copy (the target) and the predictor g, with the statistics
/// that states are standardised by.
///
///     z_t = f(x_t) [m],   p = g(z_t) [m],   y = f_target(x_{t+k}) [m]
///
/// Multilayer perceptrons with ReLU (our reconstruction; see README.md). One compute thread.
package final class MacrostateNet {
    /// The shape.
    package let shape: MacrostateShape
    /// d, the values of one state.
    package var width: Int { statistics.mean.count }
    /// How states are standardised; not trained.
    package private(set) var statistics: StateStatistics
    /// f.
    let encoder: [Layer]
    /// g.
    let predictor: [Layer]
    /// The target encoder, into which no gradient flows.
    let target: [Layer]
    private(set) var input: WindowInput
    /// The buffers that all passes reuse.
    package let workspace = Workspace()

    /// y = x Wᵀ + b.
    struct Layer {
        /// W `[out, in]`.
        let weight: Tensor
        /// b `[out]`.
        let bias: Tensor

        init(inputs: Int, outputs: Int, trainable: Bool, values: () -> Float) {
            weight = Tensor(
                shape: [outputs, inputs],
                values: (0..<outputs * inputs).map { _ in values() },
                trainable: trainable
            )
            bias = Tensor(shape: [outputs], values: (0..<outputs).map { _ in values() }, trainable: trainable)
        }
    }

    /// A fresh net: weights and biases uniform in ±1/√fan-in, as PyTorch's `Linear` has them; the target equals the encoder.
    ///
    /// - Parameters:
    ///   - shape: The shape.
    ///   - statistics: Of the states' coordinates, `[d]`.
    ///   - seed: The federation's seed.
    package init(shape: MacrostateShape, statistics: StateStatistics, seed: UInt64) {
        self.shape = shape
        self.statistics = statistics
        input = WindowInput(shape: shape, statistics: statistics)
        func layers(_ widths: [Int], _ name: String, trainable: Bool) -> [Layer] {
            (1..<widths.count).map { index in
                var stream = RandomStream(seed: seed, "macrostate-net", name, index)
                let bound = 1 / Double(widths[index - 1]).squareRoot()
                return Layer(inputs: widths[index - 1], outputs: widths[index], trainable: trainable) {
                    Float((2 * stream.uniform() - 1) * bound)
                }
            }
        }
        let widths = shape.encoderWidths(width: statistics.mean.count)
        encoder = layers(widths, "encoder", trainable: true)
        target = layers(widths, "encoder", trainable: false)
        predictor = layers(shape.predictorWidths, "predictor", trainable: true)
    }

    /// A net that is to take over others' weights: states of `width` values as they are.
    convenience init(shape: MacrostateShape, width: Int) {
        let asTheyAre = StateStatistics(
            mean: [Float](repeating: 0, count: width),
            deviation: [Float](repeating: 1, count: width)
        )
        self.init(shape: shape, statistics: asTheyAre, seed: 0)
    }

    /// What an optimiser moves: encoder and predictor.
    package var parameters: [Tensor] { (encoder + predictor).flatMap { [$0.weight, $0.bias] } }

    /// The values of x after one of the networks, `[N, out]`.
    func apply(_ layers: [Layer], to x: Tensor, tape: Tape) -> Tensor {
        var x = x
        for (index, layer) in layers.enumerated() {
            x = tape.addVector(tape.linear(x, layer.weight), layer.bias)
            if index < layers.count - 1 { x = tape.rectify(x) }
        }
        return x
    }

    /// Moves the target towards the encoder: τ target + (1 − τ) encoder.
    func moveTarget(decay: Double) {
        let (keep, take) = (Float(decay), Float(1 - decay))
        for (slow, fast) in zip(target, encoder) {
            for (old, new) in [(slow.weight, fast.weight), (slow.bias, fast.bias)] {
                let (to, from) = (old.values, new.values)
                for index in to.indices { to[index] = keep * to[index] + take * from[index] }
            }
        }
    }
}

// MARK: - Macrostates

extension MacrostateNet {
    /// Which of the two encoders.
    package enum Encoder: Sendable {
        /// The one that is trained.
        case online
        /// The one that moves slowly behind.
        case target
    }

    /// The macrostates of one trajectory, `[T, m]`.
    ///
    /// - Throws: Where the trajectory's file can no longer be read.
    package func encode(
        _ trajectory: Trajectory,
        of set: TrajectorySet,
        with encoder: Encoder = .online
    ) throws(TrajectoryFault) -> [Float] {
        try encode(rows: trajectory.rows, start: trajectory.rows.lowerBound, of: set, with: encoder)
    }

    /// The macrostates of some rows of one trajectory, `[rows, m]`.
    package func encode(
        rows: Range<Int>,
        start: Int,
        of set: TrajectorySet,
        with encoder: Encoder = .online
    ) throws(TrajectoryFault) -> [Float] {
        precondition(set.width == width, "MacrostateNet: states of \(set.width) values for a net of \(width)")
        var result: [Float] = []
        result.reserveCapacity(rows.count * shape.outputs)
        let layers = encoder == .online ? self.encoder : target
        var first = rows.lowerBound
        while first < rows.upperBound {
            let part = first..<min(first + 1024, rows.upperBound)
            let tape = Tape(recording: false, workspace: workspace)
            let x = workspace.tensor([part.count, input.width])
            if let base = x.values.baseAddress {
                try input.fill(from: set, rows: part, start: start, into: base)
            }
            result += apply(layers, to: x, tape: tape).toArray()
            first = part.upperBound
        }
        return result
    }

    /// The macrostates of all of a subset's trajectories, one after the other, `[N, m]`.
    ///
    /// - Parameter rows: Which rows of a trajectory; all if not given.
    package func encode(
        _ subset: TrajectorySubset,
        rows: (Trajectory) -> Range<Int> = { $0.rows }
    ) throws(TrajectoryFault) -> [Float] {
        var result: [Float] = []
        for trajectory in subset.trajectories {
            let start = trajectory.rows.lowerBound
            result += try encode(rows: rows(trajectory), start: start, of: subset.set)
        }
        return result
    }

    /// What the predictor makes of macrostates, `[N, m]`.
    package func predict(_ z: [Float]) -> [Float] {
        guard !z.isEmpty else { return [] }
        let x = Tensor(shape: [z.count / shape.outputs, shape.outputs], values: z)
        return apply(predictor, to: x, tape: Tape(recording: false, workspace: workspace)).toArray()
    }
}

// MARK: - As an adapter

extension MacrostateNet {
    /// Encoder, predictor, target and statistics as named arrays, all of them averaged in a merge: the target too, or merged
    /// members would chase different ones (RET's notes, section 7).
    package var weights: AdapterWeights {
        var arrays: [NamedArray] = []
        for (name, layers) in networks {
            for (index, layer) in layers.enumerated() {
                for (part, tensor) in [("weight", layer.weight), ("bias", layer.bias)] {
                    let path = "\(name).\(index).\(part)"
                    arrays.append(NamedArray(name: path, shape: tensor.shape, values: tensor.toArray()))
                }
            }
        }
        arrays.append(NamedArray(name: "states.mean", shape: [width], values: statistics.mean))
        arrays.append(NamedArray(name: "states.deviation", shape: [width], values: statistics.deviation))
        return AdapterWeights(arrays)
    }

    private var networks: [(String, [Layer])] {
        [("encoder", encoder), ("predictor", predictor), ("target", target)]
    }

    /// Takes over named arrays.
    ///
    /// - Throws: `AdapterFault` if names or shapes differ, or a deviation is not positive.
    package func load(_ adapter: AdapterWeights) throws(AdapterFault) {
        try weights.layout.check(adapter.layout)
        let deviation = adapter["states.deviation"]?.values ?? []
        if let index = deviation.firstIndex(where: { !($0 > 0) }) {
            throw .badValue("states.deviation", index: index, reason: "is not positive")
        }
        for (name, layers) in networks {
            for (index, layer) in layers.enumerated() {
                for (part, tensor) in [("weight", layer.weight), ("bias", layer.bias)] {
                    guard let array = adapter["\(name).\(index).\(part)"] else { continue }
                    _ = tensor.values.update(fromContentsOf: array.values)
                }
            }
        }
        statistics = StateStatistics(mean: adapter["states.mean"]?.values ?? [], deviation: deviation)
        input = WindowInput(shape: shape, statistics: statistics)
    }
}
