package import Contract
internal import Randomness

/// The macrostates of a model as a whole: the networks, the groups and what is known of them. What a run of the `ret`
/// trainer ends with, and what reading, predicting and steering start from.
package struct Macrostates: Sendable, Equatable {
    /// Which model and layers they are of.
    package var source: StateSource
    /// The networks' shape.
    package var shape: MacrostateShape
    /// The networks, as `MacrostateNet.weights`.
    package var net: AdapterWeights
    /// The groups' centres, `[G, m]`.
    package var centroids: Centroids
    /// What is known of each group, G of them.
    package var groups: [Group]
    /// What a fit on trajectories adds: directions to steer along; nil before one.
    package var directions: SteeringDirections?
    /// How the number of groups was chosen; empty where it was given.
    package var stability: [Stability]

    /// What is known of a group.
    package struct Group: Sendable, Codable, Equatable {
        /// Its name; empty if nobody gave it one.
        package var name: String
        /// What a person wrote of it, for a judge; nil if nobody did.
        package var description: String?
        /// Which share of it an independent fit on half of the trajectories finds again; nil where that was not tried.
        package var recall: Double?
        /// How often a judge told its spans from others', given its name; nil where none was asked.
        package var forcedChoice: Double?

        /// Makes a group without a name.
        package init(name: String = "", recall: Double? = nil, forcedChoice: Double? = nil) {
            self.name = name
            self.recall = recall
            self.forcedChoice = forcedChoice
        }
    }

    /// How well a number of groups was found again.
    package struct Stability: Sendable, Codable, Equatable {
        /// The number.
        package var groups: Int
        /// The adjusted Rand index between two halves' partitions.
        package var adjustedRand: Double
    }

    /// Gathers macrostates without names.
    package init(source: StateSource, shape: MacrostateShape, net: AdapterWeights, centroids: Centroids) {
        self.source = source
        self.shape = shape
        self.net = net
        self.centroids = centroids
        groups = (0..<centroids.count).map { _ in Group() }
        stability = []
    }

    /// What a group is called: its name, or its number.
    package func name(of group: Int) -> String {
        groups[group].name.isEmpty ? "group \(group)" : groups[group].name
    }

    /// The group that a person means by a number or a name.
    ///
    /// - Throws: `TrajectoryFault` listing the groups there are.
    package func group(_ word: String) throws(TrajectoryFault) -> Int {
        if let number = Int(word), groups.indices.contains(number) { return number }
        if let found = groups.firstIndex(where: { $0.name.lowercased() == word.lowercased() }), !word.isEmpty
        {
            return found
        }
        let known = groups.indices.map { groups[$0].name.isEmpty ? "\($0)" : "\($0) '\(groups[$0].name)'" }
        throw TrajectoryFault(
            "",
            "found no group '\(word)', expected one of \(known.joined(separator: ", "))"
        )
    }

    /// The networks, to run.
    ///
    /// - Throws: `AdapterFault` where the arrays are not those of the shape.
    package func makeNet() throws(AdapterFault) -> MacrostateNet {
        let made = MacrostateNet(shape: shape, width: source.stateWidth)
        try made.load(net)
        return made
    }

    /// Throws unless trajectories are of the model and the layers that these macrostates are of.
    package func require(_ other: StateSource, of place: String) throws(TrajectoryFault) {
        guard other.model == source.model else {
            throw TrajectoryFault(
                place,
                "found trajectories of \(other.name) (\(other.model.prefix(12))…), expected \(source.name) (\(source.model.prefix(12))…)"
            )
        }
        guard other.adapter == source.adapter else {
            func words(_ adapter: String?) -> String {
                adapter.map { "with the adapter \($0.prefix(12))…" } ?? "without an adapter"
            }
            throw TrajectoryFault(
                place,
                "found states of the model \(words(other.adapter)), expected them \(words(source.adapter))"
            )
        }
        guard other.layers == source.layers, other.width == source.width else {
            throw TrajectoryFault(
                place,
                "found states of layers \(other.layers) and width \(other.width), expected \(source.layers) and \(source.width)"
            )
        }
    }
}

extension Macrostates {
    /// Fits groups to trajectories anew, with their recalls and directions. Names are gone: groups are others.
    ///
    /// - Parameters:
    ///   - subset: The trajectories.
    ///   - groups: G; nil finds it by the stability rule among 4 … 16.
    ///   - lag: How many tokens ahead a future group is.
    ///   - seed: Of the fits.
    /// - Throws: Where there are too few states, or a file can no longer be read.
    package mutating func fit(
        _ subset: TrajectorySubset,
        groups wanted: Int? = nil,
        lag: Int = 4,
        seed: UInt64
    ) throws {
        let net = try makeNet()
        let width = shape.outputs
        let trajectories = subset.trajectories
        let points = try trajectories.map { trajectory in
            try net.encode(rows: trajectory.learnableRows, start: trajectory.rows.lowerBound, of: subset.set)
        }
        let total = points.reduce(0) { $0 + $1.count / width }
        let least = wanted ?? 4
        guard trajectories.count >= 2, total >= 10 * least else {
            throw TrajectoryFault(
                "",
                "found \(total) states in \(trajectories.count) trajectories, expected at least 2 trajectories and 10 states for each of \(least) groups"
            )
        }
        stability = []
        var count = least
        if wanted == nil {
            let rule = GroupCount(points, width: width, seed: seed)
            count = rule.chosen
            stability = rule.stability.map { Stability(groups: $0.groups, adjustedRand: $0.adjustedRand) }
        }
        var stream = RandomStream(seed: seed, "macrostate-groups")
        let thinned = Points.thinned(points.flatMap { $0 }, width: width, to: 24_000)
        centroids = KMeans.fit(thinned, width: width, groups: count, stream: &stream)
        let labels = points.map { centroids.assign($0) }
        let recalls = GroupRecall.measure(points, labels: labels, width: width, groups: count, seed: seed)
        groups = recalls.map { Group(recall: $0) }
        directions = try SteeringDirections(subset, labels: labels, groups: count, lag: lag)
    }
}

/// Which share of each group an independent fit finds again.
enum GroupRecall {
    /// The mean over two fits, each on half of the trajectories, of the share of a group's states that fall into the
    /// fit's group that has most of them.
    static func measure(
        _ trajectories: [[Float]],
        labels: [[Int32]],
        width: Int,
        groups: Int,
        seed: UInt64
    ) -> [Double] {
        var stream = RandomStream(seed: seed, "group-recall", "halves")
        var order = Array(trajectories.indices)
        stream.shuffle(&order)
        let flat = labels.flatMap { $0 }
        let all = trajectories.flatMap { $0 }
        var recalls = [Double](repeating: 0, count: groups)
        let halves = [order.prefix(order.count / 2), order.suffix(order.count - order.count / 2)]
        for (index, half) in halves.enumerated() {
            let points = Points.thinned(half.sorted().flatMap { trajectories[$0] }, width: width, to: 12_000)
            guard points.count >= groups * width else { return recalls }
            var stream = RandomStream(seed: seed, "group-recall", index)
            let other = KMeans.fit(points, width: width, groups: groups, stream: &stream).assign(all)
            var meets = [Int](repeating: 0, count: groups * groups)
            for (mine, theirs) in zip(flat, other) { meets[Int(mine) * groups + Int(theirs)] += 1 }
            for group in 0..<groups {
                let row = meets[group * groups..<(group + 1) * groups]
                // Two groups may not claim the same group of the other fit: it counts for the larger share of it.
                let best = row.indices.max { row[$0] < row[$1] } ?? row.startIndex
                let column = best - group * groups
                let claims = (0..<groups).map { meets[$0 * groups + column] }
                let owner = claims.indices.max { claims[$0] < claims[$1] } ?? group
                let total = row.reduce(0, +)
                if owner == group, total > 0 { recalls[group] += Double(row[best]) / Double(total) / 2 }
            }
        }
        return recalls
    }
}
