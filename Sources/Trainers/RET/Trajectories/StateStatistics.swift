internal import Tensors

/// Mean and deviation of each coordinate of the states, by which they are standardised: residual streams have
/// coordinates of huge variance. Members share those of the public texts, or "the same" encoder would see different inputs.
package struct StateStatistics: Sendable, Equatable {
    /// The mean of each coordinate, `[d]`.
    package var mean: [Float]
    /// The standard deviation of each coordinate, `[d]`, positive; 1 where a coordinate never changes.
    package var deviation: [Float]

    /// Gathers statistics.
    package init(mean: [Float], deviation: [Float]) {
        precondition(
            mean.count == deviation.count,
            "StateStatistics: \(mean.count) and \(deviation.count) values"
        )
        self.mean = mean
        self.deviation = deviation
    }

    /// The statistics of a subset's states, summed in Double.
    ///
    /// - Parameter skipsPrompt: Whether only generated tokens count, in trajectories that have some.
    /// - Throws: Where there is no state, or a file can no longer be read.
    package init(of subset: TrajectorySubset, skipsPrompt: Bool = false) throws(TrajectoryFault) {
        let width = subset.set.width
        var (sums, squares) = ([Double](repeating: 0, count: width), [Double](repeating: 0, count: width))
        var count = 0
        for trajectory in subset.trajectories {
            let rows = skipsPrompt ? trajectory.learnableRows : trajectory.rows
            let states = try subset.set.states(rows)
            for row in 0..<rows.count {
                for column in 0..<width {
                    let value = Double(states[row * width + column])
                    sums[column] += value
                    squares[column] += value * value
                }
            }
            count += rows.count
        }
        guard count > 0 else { throw TrajectoryFault("", "found no states, expected at least one") }
        mean = sums.map { Float($0 / Double(count)) }
        deviation = zip(sums, squares).map { sum, square in
            let mean = sum / Double(count)
            let variance = square / Double(count) - mean * mean
            return variance > 1e-12 * max(mean * mean, 1e-12) ? Float(variance.squareRoot()) : 1
        }
    }
}

extension Trajectory {
    /// The rows that are learnt from: those behind the tokens that were given; none where nothing follows them.
    package var learnableRows: Range<Int> { rows.lowerBound + promptCount..<rows.upperBound }
}
