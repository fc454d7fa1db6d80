/// What the encoder sees of a state: the state itself beside the means of the last w states of its trajectory, for each
/// window w, all standardised. Nothing behind the state is looked at.
struct WindowInput {
    /// The values of one input, d (1 + number of windows).
    let width: Int
    private let stateWidth: Int
    private let windows: [Int]
    private let longest: Int
    private let mean: [Float]
    private let scale: [Float]

    init(shape: MacrostateShape, statistics: StateStatistics) {
        stateWidth = statistics.mean.count
        width = shape.inputs(width: stateWidth)
        windows = shape.windows
        longest = max(1, shape.windows.max() ?? 1)
        mean = statistics.mean
        scale = statistics.deviation.map { 1 / $0 }
    }

    /// The inputs of some rows of one trajectory, `[rows, width]`.
    ///
    /// - Parameters:
    ///   - set: Where the states are.
    ///   - rows: Consecutive rows of the trajectory.
    ///   - start: The trajectory's first row: windows begin there at the earliest.
    ///   - input: Where they go.
    func fill(
        from set: TrajectorySet,
        rows: Range<Int>,
        start: Int,
        into input: UnsafeMutablePointer<Float>
    ) throws(TrajectoryFault) {
        let first = max(start, rows.lowerBound - longest + 1)
        let count = (rows.upperBound - first) * stateWidth
        try withUnsafeTemporaryAllocation(of: Float.self, capacity: max(count, 1)) {
            (states) throws(TrajectoryFault) in
            guard let states = states.baseAddress else { return }
            try set.copyStates(first..<rows.upperBound, into: states)
            for row in rows {
                let values = input + (row - rows.lowerBound) * width
                let own = states + (row - first) * stateWidth
                values.update(from: own, count: stateWidth)
                standardise(values)
                for (place, window) in windows.enumerated() {
                    let sum = values + (1 + place) * stateWidth
                    let oldest = max(start, row - window + 1)
                    sum.update(from: states + (oldest - first) * stateWidth, count: stateWidth)
                    for earlier in (oldest - first + 1)..<(row - first + 1) {
                        let state = states + earlier * stateWidth
                        for column in 0..<stateWidth { sum[column] += state[column] }
                    }
                    let share = 1 / Float(row - oldest + 1)
                    for column in 0..<stateWidth { sum[column] *= share }
                    standardise(sum)
                }
            }
        }
    }

    private func standardise(_ values: UnsafeMutablePointer<Float>) {
        mean.withUnsafeBufferPointer { mean in
            scale.withUnsafeBufferPointer { scale in
                for column in 0..<stateWidth {
                    values[column] = (values[column] - mean[column]) * scale[column]
                }
            }
        }
    }
}
