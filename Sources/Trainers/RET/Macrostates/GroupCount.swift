package import Randomness

/// How many groups macrostates have: the smallest number whose partition two halves of the trajectories agree upon as
/// well as upon any (RET's notes, 2.4; our reconstruction).
package struct GroupCount: Sendable, Equatable {
    /// The adjusted Rand index between the partitions that two halves make of all points, by number of groups.
    package let stability: [(groups: Int, adjustedRand: Double)]
    /// The number chosen.
    package let chosen: Int

    /// How far below the best a stability may be.
    package static let tolerance = 0.02

    package static func == (left: GroupCount, right: GroupCount) -> Bool {
        left.chosen == right.chosen && left.stability.elementsEqual(right.stability, by: ==)
    }

    /// Tries numbers of groups.
    ///
    /// - Parameters:
    ///   - trajectories: The macrostates of each trajectory, `[T, m]`; at least two.
    ///   - width: m.
    ///   - range: What to try.
    ///   - pointsMax: The most points of a half, evenly spread, that are fitted.
    ///   - seed: Of the halves and the starts.
    package init(
        _ trajectories: [[Float]],
        width: Int,
        range: ClosedRange<Int> = 4...16,
        pointsMax: Int = 12_000,
        seed: UInt64
    ) {
        var stream = RandomStream(seed: seed, "group-count", "halves")
        var order = Array(trajectories.indices)
        stream.shuffle(&order)
        let halves = [order.prefix(order.count / 2), order.suffix(order.count - order.count / 2)].map {
            half in
            Points.thinned(half.sorted().flatMap { trajectories[$0] }, width: width, to: pointsMax)
        }
        let all = Points.thinned(trajectories.flatMap { $0 }, width: width, to: 2 * pointsMax)
        var stability: [(groups: Int, adjustedRand: Double)] = []
        for groups in range where halves.allSatisfy({ $0.count >= groups * width }) {
            let labels = halves.enumerated().map { index, points -> [Int32] in
                var stream = RandomStream(seed: seed, "group-count", groups, index)
                return KMeans.fit(points, width: width, groups: groups, stream: &stream).assign(all)
            }
            stability.append((groups, Agreement.adjustedRand(labels[0], labels[1])))
        }
        self.stability = stability
        let best = stability.map(\.adjustedRand).max() ?? 0
        chosen =
            stability.first { $0.adjustedRand >= best - GroupCount.tolerance }?.groups ?? range.lowerBound
    }
}

/// Points as rows of one array.
package enum Points {
    /// At most `count` of the points `[N, width]`, evenly spread.
    package static func thinned(_ points: [Float], width: Int, to count: Int) -> [Float] {
        let rows = points.count / width
        guard rows > count, count > 0 else { return points }
        var thinned: [Float] = []
        thinned.reserveCapacity(count * width)
        for index in 0..<count {
            let row = index * rows / count
            thinned += points[row * width..<(row + 1) * width]
        }
        return thinned
    }
}
