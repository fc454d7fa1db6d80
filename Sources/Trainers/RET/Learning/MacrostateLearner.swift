package import Contract
internal import Randomness
package import Tensors

/// Trains a net on trajectories (RET's notes, 2.3): one Adam step on a batch of pairs (t, t + k), then the target moves.
package struct MacrostateLearner {
    /// What is trained.
    package let net: MacrostateNet
    private let learning: MacrostateLearning
    private let set: TrajectorySet
    /// The rows to learn from, by trajectory, with the trajectory's first row.
    private let spans: [(start: Int, rows: Range<Int>)]
    private let seed: UInt64
    private let path: String
    private var optimiser: AdamW
    /// For each horizon, how many pairs the trajectories up to each one have.
    private var pairs: [Int: [Int]] = [:]

    /// What one step did.
    package struct Step: Sendable, Equatable {
        /// The prediction loss, 0 … 4.
        package var loss: Double
        /// The mean cosine between prediction and target.
        package var cosine: Double
        /// The variance and covariance term, unweighted; 0 where it is off.
        package var spreadLoss: Double
        /// The gradient's norm.
        package var gradientNorm: Double
    }

    /// Prepares to learn.
    ///
    /// - Parameters:
    ///   - net: What is trained; its statistics must be the states'.
    ///   - learning: How.
    ///   - subset: The trajectories.
    ///   - seed: The federation's seed.
    ///   - path: Who learns: part of every random stream's path.
    /// - Throws: `TrajectoryFault` where no trajectory is longer than the longest horizon.
    package init(
        net: MacrostateNet,
        learning: MacrostateLearning,
        subset: TrajectorySubset,
        seed: UInt64,
        path: String
    ) throws(TrajectoryFault) {
        precondition(net.width == subset.set.width, "MacrostateLearner: states of another width")
        self.net = net
        self.learning = learning
        set = subset.set
        spans = subset.trajectories.map { ($0.rows.lowerBound, $0.learnableRows) }
        self.seed = seed
        self.path = path
        optimiser = AdamW(learningRate: learning.learningRate)
        let longest = spans.map(\.rows.count).max() ?? 0
        guard longest > learning.horizon.to else {
            throw TrajectoryFault(
                "",
                "the longest of \(spans.count) trajectories has \(longest) states to learn from, expected more than the "
                    + "longest horizon of \(learning.horizon.to)"
            )
        }
        for horizon in learning.horizon.from...learning.horizon.to {
            var total = 0
            pairs[horizon] = spans.map { span in
                total += max(0, span.rows.count - horizon)
                return total
            }
        }
    }

    /// Adam's moments, for snapshots.
    package var optimiserState: AdamW.State {
        get { optimiser.state }
        set { optimiser.state = newValue }
    }

    /// Takes one step.
    ///
    /// - Parameter index: The step since the start of all training: decides what is drawn.
    /// - Throws: `CollapseFault` where the loss or a gradient is not finite; what a file's reading throws.
    package mutating func step(_ index: Int) throws -> Step {
        var stream = RandomStream(seed: seed, path, "macrostate-batch", index)
        let (now, later) = try drawInputs(&stream)
        return try update(index, now: now) { [net, learning] tape in
            if learning.stopsGradient {
                return net.apply(
                    net.target,
                    to: later,
                    tape: Tape(recording: false, workspace: net.workspace)
                )
            }
            return net.apply(net.encoder, to: later, tape: tape)
        }
    }

    /// One Adam step on inputs `[B, d (1 + windows)]` and what is foretold of them, then the target's.
    ///
    /// - Parameter later: The targets `[B, m]`; on the tape where a gradient is to flow into them.
    mutating func update(
        _ index: Int,
        now: Tensor,
        later: (Tape) -> Tensor
    ) throws(CollapseFault) -> Step {
        let width = net.shape.outputs
        let parameters = net.parameters
        zeroGradients(parameters)
        let tape = Tape(recording: true, workspace: net.workspace)
        let z = net.apply(net.encoder, to: now, tape: tape)
        let p = net.apply(net.predictor, to: z, tape: tape)
        let y = later(tape)
        let value = MacrostateObjective.prediction(
            p.toArray(),
            y.toArray(),
            width: width,
            centres: learning.centresTarget,
            within: learning.centredRows
        )
        var seeds = [(output: p, seed: value.prediction)]
        if !learning.stopsGradient { seeds.append((y, value.target)) }
        var spreadLoss = 0.0
        if learning.varianceWeight > 0 {
            let spread = MacrostateObjective.spread(z.toArray(), width: width)
            spreadLoss = spread.loss
            seeds.append((z, spread.gradient.map { $0 * Float(learning.varianceWeight) }))
        }
        tape.backward(from: seeds)
        let norm = clipGradientNorm(parameters, max: .infinity)
        guard norm.isFinite, value.loss.isFinite else {
            throw CollapseFault("step \(index): the loss is \(value.loss), the gradient's norm \(norm)")
        }
        optimiser.step(parameters: parameters)
        net.moveTarget(decay: learning.targetDecay)
        return Step(
            loss: value.loss,
            cosine: 1 - value.loss / 2,
            spreadLoss: spreadLoss,
            gradientNorm: norm
        )
    }

    /// The macrostates of up to 512 of the states that are learnt from, evenly spread, `[N, m]`: what collapse shows in.
    package func probe() throws(TrajectoryFault) -> [Float] {
        let rows = spans.reduce(0) { $0 + $1.rows.count }
        let count = min(512, rows)
        let x = net.workspace.tensor([count, net.input.width])
        var (place, before) = (0, 0)
        for index in 0..<count {
            let wanted = index * rows / count
            while wanted - before >= spans[place].rows.count {
                before += spans[place].rows.count
                place += 1
            }
            let row = spans[place].rows.lowerBound + wanted - before
            if let base = x.values.baseAddress {
                let input = base + index * net.input.width
                try net.input.fill(from: set, rows: row..<row + 1, start: spans[place].start, into: input)
            }
        }
        return net.apply(net.encoder, to: x, tape: Tape(recording: false, workspace: net.workspace)).toArray()
    }

    /// Takes one step towards macrostates that others found for some trajectories: as `step`, with theirs as targets.
    ///
    /// - Parameters:
    ///   - lessons: For each trajectory its place in the set and the targets of all of its rows, `[T, m]`.
    ///   - set: The trajectories; not those that are learnt from otherwise.
    ///   - index: The step since the start of all training.
    /// - Returns: What the step did; nil where no trajectory is longer than the horizon drawn.
    package mutating func step(
        towards lessons: [(trajectory: Int, z: [Float])],
        of set: TrajectorySet,
        _ index: Int
    ) throws -> Step? {
        var stream = RandomStream(seed: seed, path, "lesson-batch", index)
        let horizon = learning.horizon.from + stream.below(learning.horizon.to - learning.horizon.from + 1)
        let usable = lessons.filter { set.trajectories[$0.trajectory].learnableRows.count > horizon }
        guard !usable.isEmpty else { return nil }
        let width = net.shape.outputs
        let now = net.workspace.tensor([learning.batchSize, net.input.width])
        var later: [Float] = []
        var lesson = usable[0]
        for row in 0..<learning.batchSize {
            if row % learning.pairsPerTrajectory == 0 { lesson = usable[stream.below(usable.count)] }
            let trajectory = set.trajectories[lesson.trajectory]
            let (start, rows) = (trajectory.rows.lowerBound, trajectory.learnableRows)
            let state = rows.lowerBound + stream.below(rows.count - horizon)
            if let base = now.values.baseAddress {
                let place = base + row * net.input.width
                try net.input.fill(from: set, rows: state..<state + 1, start: start, into: place)
            }
            let target = state - start + horizon
            later += lesson.z[target * width..<(target + 1) * width]
        }
        let targets = Tensor(shape: [learning.batchSize, width], values: later)
        return try update(index, now: now) { _ in targets }
    }

    /// The inputs `[B, d (1 + windows)]` of both ends of a batch of pairs.
    private func drawInputs(_ stream: inout RandomStream) throws(TrajectoryFault) -> (
        now: Tensor, later: Tensor
    ) {
        let shape = [learning.batchSize, net.input.width]
        let (now, later) = (net.workspace.tensor(shape), net.workspace.tensor(shape))
        guard let nowBase = now.values.baseAddress, let laterBase = later.values.baseAddress else {
            return (now, later)
        }
        let (part, range) = (learning.batchSize / learning.horizon.perBatch, learning.horizon)
        for first in stride(from: 0, to: learning.batchSize, by: part) {
            let horizon = range.from + stream.below(range.to - range.from + 1)
            guard let counts = pairs[horizon], let total = counts.last, total > 0 else { continue }
            var (place, before) = (0, 0)
            for row in first..<first + part {
                let drawn: Int
                if (row - first) % learning.pairsPerTrajectory == 0 {
                    drawn = stream.below(total)
                    place = counts.partitioningIndex { $0 > drawn }
                    before = place == 0 ? 0 : counts[place - 1]
                } else {
                    drawn = before + stream.below(counts[place] - before)
                }
                let span = spans[place]
                let state = span.rows.lowerBound + drawn - before
                let offset = row * net.input.width
                try net.input.fill(
                    from: set,
                    rows: state..<state + 1,
                    start: span.start,
                    into: nowBase + offset
                )
                let end = state + horizon
                try net.input.fill(
                    from: set,
                    rows: end..<end + 1,
                    start: span.start,
                    into: laterBase + offset
                )
            }
        }
        return (now, later)
    }
}

extension [Int] {
    /// The first index whose element satisfies a condition that, once true, stays true.
    fileprivate func partitioningIndex(_ condition: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if condition(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
