internal import Contract
internal import Models

/// Directions in a model's residual stream that lead towards groups of macrostates, found on recorded trajectories without
/// gradients (RET's notes, 2.6, and the recipe's section 7; our reconstruction).
package struct SteeringDirections: Sendable, Equatable {
    static let prefix = "directions."

    /// mean(h | group j) − mean(h | other groups), of unit length, `[G, d]`; zero for a group without states.
    package let meanDifference: [Float]
    /// mean(h_t | group j at t + lag) − mean(h_t | another group then), of unit length, `[G, d]`.
    package let futureGroup: [Float]
    /// How many tokens ahead a future group is.
    package let lag: Int
    /// The median length of a state: strengths are in units of it.
    package let medianNorm: Float
    /// d.
    package let width: Int

    /// Finds directions.
    ///
    /// - Parameters:
    ///   - subset: Trajectories.
    ///   - labels: The groups of each trajectory's learnable rows.
    ///   - groups: G.
    ///   - lag: How many tokens ahead a future group is.
    package init(
        _ subset: TrajectorySubset,
        labels: [[Int32]],
        groups: Int,
        lag: Int
    ) throws(TrajectoryFault) {
        let width = subset.set.width
        var present = GroupMeans(groups: groups, width: width)
        var future = GroupMeans(groups: groups, width: width)
        var norms: [Float] = []
        for (trajectory, labels) in zip(subset.trajectories, labels) {
            let states = try subset.set.states(trajectory.learnableRows)
            for row in labels.indices {
                let state = states[row * width..<(row + 1) * width]
                present.add(state, group: labels[row])
                if row + lag < labels.count { future.add(state, group: labels[row + lag]) }
                norms.append(state.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot())
            }
        }
        norms.sort()
        self.width = width
        self.lag = lag
        medianNorm = norms.isEmpty ? 0 : norms[norms.count / 2]
        meanDifference = present.differences
        futureGroup = future.differences
    }

    /// Reads directions from a folder's arrays.
    init(_ file: SafetensorsFile, groups: Int, width: Int, lag: Int) throws {
        meanDifference = try file.values(of: Self.prefix + "meanDifference", shape: [groups, width])
        futureGroup = try file.values(of: Self.prefix + "futureGroup", shape: [groups, width])
        medianNorm = try file.values(of: Self.prefix + "medianNorm", shape: [1])[0]
        self.width = width
        self.lag = lag
    }

    var arrays: [NamedArray] {
        let shape = [meanDifference.count / width, width]
        return [
            NamedArray(name: Self.prefix + "meanDifference", shape: shape, values: meanDifference),
            NamedArray(name: Self.prefix + "futureGroup", shape: shape, values: futureGroup),
            NamedArray(name: Self.prefix + "medianNorm", shape: [1], values: [medianNorm]),
        ]
    }
}

/// Sums of states by group.
private struct GroupMeans {
    let width: Int
    var sums: [Double]
    var counts: [Int]

    init(groups: Int, width: Int) {
        self.width = width
        sums = [Double](repeating: 0, count: groups * width)
        counts = [Int](repeating: 0, count: groups)
    }

    mutating func add(_ state: ArraySlice<Float>, group: Int32) {
        counts[Int(group)] += 1
        var place = Int(group) * width
        for value in state {
            sums[place] += Double(value)
            place += 1
        }
    }

    /// The unit vector from the mean of all other groups' states to the mean of each group's own, `[G, width]`.
    var differences: [Float] {
        let groups = counts.count
        let all = counts.reduce(0, +)
        var totals = [Double](repeating: 0, count: width)
        for index in sums.indices { totals[index % width] += sums[index] }
        var result: [Float] = []
        for group in 0..<groups {
            let (own, others) = (counts[group], all - counts[group])
            guard own > 0, others > 0 else {
                result += [Float](repeating: 0, count: width)
                continue
            }
            let difference = (0..<width).map { column in
                let sum = sums[group * width + column]
                return sum / Double(own) - (totals[column] - sum) / Double(others)
            }
            let norm = difference.reduce(0) { $0 + $1 * $1 }.squareRoot()
            result += difference.map { norm > 0 ? Float($0 / norm) : 0 }
        }
        return result
    }
}
