internal import Randomness

/// Makes the features by which a behaviour is foretold from the beginning of a trajectory.
struct BehaviourFeatures {
    private let macrostates: Macrostates
    private let net: MacrostateNet
    private let set: TrajectorySet
    private let fractions: [Double]
    private let debounce: Int
    private let components: PrincipalComponents
    private let stateGroups: Centroids

    /// The most states that components and groups are found on, evenly spread.
    private static let statesMax = 12_000

    /// Finds components and groups of hidden states on the trajectories that macrostates are learnt from too.
    init(
        _ macrostates: Macrostates,
        of set: TrajectorySet,
        fractions: [Double],
        debounce: Int,
        seed: UInt64
    ) throws {
        try macrostates.require(set.source, of: "the trajectories")
        self.macrostates = macrostates
        self.set = set
        self.fractions = fractions
        self.debounce = debounce
        net = try macrostates.makeNet()
        let (train, _) = set.split(heldOutOneIn: 5)
        let learnt = train.indices.isEmpty ? set.all : train
        let total = learnt.trajectories.reduce(0) { $0 + $1.learnableRows.count }
        let every = max(1, (total + Self.statesMax - 1) / Self.statesMax)
        var states: [Float] = []
        var seen = 0
        for trajectory in learnt.trajectories {
            let own = try set.states(trajectory.learnableRows)
            for row in 0..<trajectory.learnableRows.count {
                if seen % every == 0 { states += own[row * set.width..<(row + 1) * set.width] }
                seen += 1
            }
        }
        net.statistics.standardise(&states)
        components = PrincipalComponents(states, width: set.width, count: net.shape.outputs)
        guard states.count >= macrostates.centroids.count * set.width else {
            throw TrajectoryFault(
                "",
                "found \(states.count / set.width) states, expected at least one for each of "
                    + "\(macrostates.centroids.count) groups"
            )
        }
        var stream = RandomStream(seed: seed, "behaviour", "k-means")
        stateGroups = KMeans.fit(
            states,
            width: set.width,
            groups: macrostates.centroids.count,
            stream: &stream
        )
    }

    /// The features of a trajectory's beginnings, by fraction; those of the prompt once, and none without a prompt.
    func rows(of trajectory: Trajectory) throws -> [BehaviourForecast.Kind: [[Double]]] {
        let rows = trajectory.learnableRows
        let width = set.width
        let start = trajectory.rows.lowerBound
        var states = try set.states(rows)
        net.statistics.standardise(&states)
        let groups = macrostates.centroids.assign(try net.encode(rows: rows, start: start, of: set))
        let ofStates = stateGroups.assign(states)
        var features: [BehaviourForecast.Kind: [[Double]]] = [:]
        for fraction in fractions {
            let count = PrefixFeatures.count(of: rows.count, fraction: fraction)
            func visited(_ ids: [Int32]) -> [Double] {
                PrefixFeatures.occupancyAndChanges(
                    ids.prefix(count),
                    groups: macrostates.centroids.count,
                    debounce: debounce
                )
            }
            let mean = PrefixFeatures.mean(states, width: width, count: count)
            features[.groups, default: []].append(visited(groups))
            features[.meanState, default: []].append(mean)
            features[.principal, default: []].append(components.project(mean))
            features[.stateGroups, default: []].append(visited(ofStates))
            features[.length, default: []].append([Double(count)])
        }
        if rows.lowerBound > start {
            var prompt = try set.states(start..<rows.lowerBound)
            net.statistics.standardise(&prompt)
            let count = rows.lowerBound - start
            features[.prompt] = [PrefixFeatures.mean(prompt, width: width, count: count)]
        }
        return features
    }
}

extension StateStatistics {
    /// Takes the mean off states `[N, d]` and divides by the deviation.
    func standardise(_ states: inout [Float]) {
        let scale = deviation.map { 1 / $0 }
        states.withUnsafeMutableBufferPointer { states in
            for first in stride(from: 0, to: states.count, by: mean.count) {
                for column in mean.indices {
                    states[first + column] = (states[first + column] - mean[column]) * scale[column]
                }
            }
        }
    }
}
