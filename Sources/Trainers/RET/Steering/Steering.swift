package import Contract
internal import Glibc
package import Models
internal import Randomness
package import Tensors

/// How a model is pushed towards a group of macrostates while it generates.
package enum SteeringMethod: String, Sendable, CaseIterable {
    /// Along the mean difference of the group's states and others'.
    case meanDifference
    /// Along the mean difference of states that the group follows some tokens later, and others.
    case futureGroup
    /// At each token along the gradient of −‖f(x) − c_j‖² by the state, through the encoder itself.
    case encoderGradient
}

/// Pushes new tokens' states at one layer: h ← h + strength · s · v with a unit vector v and s the median length of a state
/// (RET's notes, 2.6). Prompts are left alone. To measure what it does, encode the generated text in an unsteered pass: in
/// a steered one the added vector itself moves the macrostates.
package final class Steering {
    /// The layer boundary.
    package let layer: Int
    private let push: Push

    private enum Push {
        case constant([Float])
        case gradient(EncoderGradient, length: Float)
    }

    /// Below this share found again by an independent fit, a group is no target.
    package static let recallMin = 0.5

    /// Prepares to steer towards a group.
    ///
    /// - Parameters:
    ///   - macrostates: With directions.
    ///   - group: The target, 0 ..< G.
    ///   - strength: In median state lengths; negative steers away.
    ///   - method: Which direction.
    ///   - ignoresRecall: Whether a group that an independent fit does not find again may be a target.
    /// - Throws: `TrajectoryFault` without directions, over several layers, or towards a group of low recall.
    package convenience init(
        _ macrostates: Macrostates,
        group: Int,
        strength: Double,
        method: SteeringMethod,
        ignoresRecall: Bool = false
    ) throws {
        guard let directions = macrostates.directions else {
            throw TrajectoryFault(
                "",
                "these macrostates have no directions to steer along; find them with `tributary macrostates fit`"
            )
        }
        if !ignoresRecall, let recall = macrostates.groups[group].recall, recall < Self.recallMin {
            throw TrajectoryFault(
                "",
                "\(macrostates.name(of: group)) is no target to steer to: independent fits find \(Int((100 * recall).rounded())) % of it "
                    + "again, expected at least \(Int(100 * Self.recallMin)) %"
            )
        }
        let length = Float(strength) * directions.medianNorm
        let range = group * directions.width..<(group + 1) * directions.width
        switch method {
        case .meanDifference:
            try self.init(macrostates.source, .constant(directions.meanDifference[range].map { length * $0 }))
        case .futureGroup:
            try self.init(macrostates.source, .constant(directions.futureGroup[range].map { length * $0 }))
        case .encoderGradient:
            let centre = macrostates.centroids.values[
                group * macrostates.shape.outputs..<(group + 1) * macrostates.shape.outputs
            ]
            let gradient = EncoderGradient(net: try macrostates.makeNet(), centre: Array(centre))
            try self.init(macrostates.source, .gradient(gradient, length: length))
        }
    }

    /// Prepares to steer along a random unit vector: the control.
    ///
    /// - Parameter index: Which of the random directions.
    package convenience init(
        randomDirection index: Int,
        of macrostates: Macrostates,
        strength: Double,
        seed: UInt64
    ) throws {
        var stream = RandomStream(seed: seed, "random-direction", index)
        // Sums of uniform numbers are near enough to normal for a direction without a preferred axis.
        let values = (0..<macrostates.source.stateWidth).map { _ in
            (0..<12).reduce(-6.0) { sum, _ in sum + stream.uniform() }
        }
        let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let length = strength * Double(macrostates.directions?.medianNorm ?? 1)
        try self.init(macrostates.source, .constant(values.map { Float(length * $0 / norm) }))
    }

    private init(_ source: StateSource, _ push: Push) throws(TrajectoryFault) {
        guard source.layers.count == 1 else {
            throw TrajectoryFault(
                "",
                "found macrostates of layers \(source.layers), expected one layer to steer at"
            )
        }
        layer = source.layers[0]
        self.push = push
    }

    /// What to give to `LanguageDecoder.generate`; a new one for each call, since it remembers the samples' states.
    package func hook() -> SamplingHook {
        switch push {
        case .constant(let vector):
            let vector = Tensor(shape: [vector.count], values: vector)
            return { [layer] rows in rows.areSampled ? Boundaries.adding(vector, at: layer) : nil }
        case .gradient(let gradient, let length):
            let pusher = GradientPusher(gradient: gradient, length: length)
            return { [layer] rows in
                { tape, index, residual in
                    index == layer ? pusher.push(residual, rows: rows, tape: tape) : residual
                }
            }
        }
    }
}

/// The gradient of −‖f(x(h)) − c‖² by the current state h, with the window's earlier states fixed.
final class EncoderGradient {
    private let net: MacrostateNet
    private let centre: [Float]

    init(net: MacrostateNet, centre: [Float]) {
        self.net = net
        self.centre = centre
    }

    /// How many states a window holds.
    var windowMax: Int { net.shape.windows.max() ?? 1 }

    /// The gradients of several windows, each of unit length, `[rows, d]`.
    ///
    /// - Parameter windows: For each row the states of its window, the current one last, `[w, d]`.
    func callAsFunction(_ windows: [[Float]]) -> [Float] {
        let width = net.width
        let scale = net.statistics.deviation.map { 1 / $0 }
        let columns = net.input.width
        var inputs = [Float](repeating: 0, count: windows.count * columns)
        for (row, states) in windows.enumerated() {
            let count = states.count / width
            for (place, window) in ([1] + net.shape.windows).enumerated() {
                let length = min(window, count)
                for column in 0..<width {
                    var sum: Float = 0
                    for state in count - length..<count { sum += states[state * width + column] }
                    let mean = sum / Float(length)
                    inputs[row * columns + place * width + column] =
                        (mean - net.statistics.mean[column]) * scale[column]
                }
            }
        }
        let x = Tensor(shape: [windows.count, columns], values: inputs, trainable: true)
        let tape = Tape(recording: true, workspace: net.workspace)
        let z = net.apply(net.encoder, to: x, tape: tape)
        let seed = z.values.enumerated().map { index, value in -2 * (value - centre[index % centre.count]) }
        tape.backward(from: z, seed: seed)
        var result = [Float](repeating: 0, count: windows.count * width)
        guard let gradient = x.gradient else { return result }
        for (row, states) in windows.enumerated() {
            let count = states.count / width
            for (place, window) in ([1] + net.shape.windows).enumerated() {
                let share = 1 / Float(min(window, count))
                for column in 0..<width {
                    result[row * width + column] +=
                        gradient[row * columns + place * width + column] * scale[column] * share
                }
            }
            let range = row * width..<(row + 1) * width
            let norm = result[range].reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
            if norm > 0 { for index in range { result[index] /= norm } }
        }
        return result
    }
}

/// Adds the encoder's gradient to new tokens' states, and remembers the last states of each sample and prompt.
private final class GradientPusher {
    private let gradient: EncoderGradient
    private let length: Float
    private var prompts: [Int: [Float]] = [:]
    private var samples: [SIMD2<Int>: [Float]] = [:]

    init(gradient: EncoderGradient, length: Float) {
        self.gradient = gradient
        self.length = length
    }

    func push(_ residual: Tensor, rows: SampledRows, tape: Tape) -> Tensor {
        let width = residual.columns
        var windows: [[Float]] = []
        let most = gradient.windowMax * width
        for (row, origin) in rows.origins.enumerated() {
            let state = residual.values[row * width..<(row + 1) * width]
            switch origin {
            case .prompt(let prompt):
                prompts[prompt, default: []] = Array(((prompts[prompt] ?? []) + state).suffix(most))
            case .sample(let prompt, let index):
                let key = SIMD2(prompt, index)
                let window = Array(((samples[key] ?? prompts[prompt] ?? []) + state).suffix(most))
                samples[key] = window
                windows.append(window)
            }
        }
        guard rows.areSampled, !windows.isEmpty else { return residual }
        let pushes = gradient(windows).map { length * $0 }
        for (row, origin) in rows.origins.enumerated() {
            // What later windows see is the state that went on, pushed.
            guard case .sample(let prompt, let index) = origin, var window = samples[SIMD2(prompt, index)]
            else { continue }
            let first = window.count - width
            for column in 0..<width { window[first + column] += pushes[row * width + column] }
            samples[SIMD2(prompt, index)] = window
        }
        return tape.add(residual, Tensor(shape: residual.shape, values: pushes))
    }
}
