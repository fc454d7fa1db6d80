/// How groups follow each other along trajectories.
package struct GroupDynamics: Sendable, Equatable {
    /// G.
    package let groups: Int
    /// How often group b follows group a, `[G, G]`, staying included.
    package private(set) var counts: [Int]
    /// The states of each group.
    package private(set) var occupancy: [Int]
    /// The stays in each group: runs of one group within a trajectory.
    package private(set) var runs: [Int]

    /// Nothing yet.
    package init(groups: Int) {
        self.groups = groups
        counts = [Int](repeating: 0, count: groups * groups)
        occupancy = [Int](repeating: 0, count: groups)
        runs = [Int](repeating: 0, count: groups)
    }

    /// Counts trajectories.
    package init(_ trajectories: [[Int32]], groups: Int) {
        self.init(groups: groups)
        for trajectory in trajectories { add(trajectory) }
    }

    /// Counts one trajectory, T groups.
    package mutating func add(_ trajectory: some Collection<Int32>) {
        var last: Int32?
        for group in trajectory {
            occupancy[Int(group)] += 1
            if group != last { runs[Int(group)] += 1 }
            if let last { counts[Int(last) * groups + Int(group)] += 1 }
            last = group
        }
    }

    /// Adds another's counts.
    package static func += (left: inout GroupDynamics, right: GroupDynamics) {
        precondition(left.groups == right.groups, "GroupDynamics: \(left.groups) and \(right.groups) groups")
        for index in left.counts.indices { left.counts[index] += right.counts[index] }
        for index in left.occupancy.indices {
            left.occupancy[index] += right.occupancy[index]
            left.runs[index] += right.runs[index]
        }
    }

    /// The share of each group, G values.
    package var shares: [Double] {
        let total = Double(max(1, occupancy.reduce(0, +)))
        return occupancy.map { Double($0) / total }
    }

    /// P(b | a), `[G][G]`; a group that nothing follows has zeros.
    package var transitions: [[Double]] {
        (0..<groups).map { from in
            let row = counts[from * groups..<(from + 1) * groups]
            let total = row.reduce(0, +)
            return row.map { total > 0 ? Double($0) / Double(total) : 0 }
        }
    }

    /// The mean length of a stay in each group, in states; 0 for a group that never occurs.
    package var dwell: [Double] { zip(occupancy, runs).map { $1 > 0 ? Double($0) / Double($1) : 0 } }

    /// P(g_t = g_{t+1}). Worth nothing without its chance level, and a moving average has much of it.
    package var temporalConsistency: Double {
        let total = counts.reduce(0, +)
        let stays = (0..<groups).reduce(0) { $0 + counts[$1 * groups + $1] }
        return total > 0 ? Double(stays) / Double(total) : 0
    }

    /// The chance level of temporal consistency, Σ π_j².
    package var chanceConsistency: Double { shares.reduce(0) { $0 + $1 * $1 } }
}
