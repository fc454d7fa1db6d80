/// What would have come of one other action: the recorded episode replayed for K steps with one node's action
/// changed, its other actions and its random numbers as they were (open loop; our reconstruction).
///
/// Only the closed neighbourhood of what has changed is computed, and the result is equal, to the bit, to
/// that of whole steps. Holds memory for one network size; one for each thread.
package struct CounterfactualReplay {
    /// What the change came to.
    package struct Outcome: Sendable, Equatable {
        /// The steps that were replayed: K, or fewer at the end of the episode.
        package var steps: Int
        /// Σ_k γ^k · (Σ_i local rewards of the changed episode − those of the recorded one), k = 0 ..< steps.
        /// The sum over nodes: n times the difference of team rewards.
        package var rewardDifference: Double
        /// The nodes whose state after the last of these steps differs from the recorded one, in rising
        /// order, with what it is instead; none if the change has passed without a trace. The rewards are not
        /// used.
        package var changed: [(node: Int, compartment: UInt8, level: UInt8)]

        /// Equal in all numbers.
        package static func == (left: Outcome, right: Outcome) -> Bool {
            left.steps == right.steps && left.rewardDifference == right.rewardDifference
                && left.changed.elementsEqual(right.changed) { $0 == $1 }
        }
    }

    private let nodes: Int
    private var compartments: [UInt8]
    private var levels: [UInt8]
    private var actions: [UInt8]
    /// `[n]`: the mark of the last step that a node was put on the list in.
    private var marks: [UInt32]
    private var mark: UInt32 = 0
    /// The nodes to compute, and what becomes of them.
    private var touched: [Int32]
    private var outcomes: [NodeOutcome]
    /// The nodes that differ, with their states.
    private var changed: [(node: Int, compartment: UInt8, level: UInt8)] = []

    /// Makes room for networks of a size.
    package init(nodes: Int) {
        self.nodes = nodes
        compartments = [UInt8](repeating: 0, count: nodes)
        levels = compartments
        actions = compartments
        marks = [UInt32](repeating: 0, count: nodes)
        touched = []
        touched.reserveCapacity(nodes)
        let nothing = NodeOutcome(compartment: 0, level: 0, reward: 0)
        outcomes = [NodeOutcome](repeating: nothing, count: nodes)
    }

    /// Replays with one action changed.
    ///
    /// - Parameters:
    ///   - node: Whose action.
    ///   - time: In which step, 0 ..< `episode.stepsDone`.
    ///   - episode: What was recorded.
    ///   - dynamics: What happens.
    ///   - steps: K, at least 1.
    package mutating func flip(
        _ node: Int,
        at time: Int,
        in episode: NetworkEpisode,
        _ dynamics: some NetworkDynamics,
        steps: Int
    ) -> Outcome {
        precondition(episode.network.nodeCount == nodes, "CounterfactualReplay: made for another size")
        precondition(
            (0..<episode.stepsDone).contains(time) && steps > 0,
            "CounterfactualReplay: no such step"
        )
        let count = min(steps, episode.stepsDone - time)
        changed.removeAll(keepingCapacity: true)
        var (sum, weight) = (0.0, 1.0)
        for step in time..<time + count {
            let flipped = step == time ? node : nil
            if changed.isEmpty, flipped == nil { break }
            sum += weight * replay(step, flipped, episode, dynamics)
            weight *= dynamics.discount
        }
        changed.sort { $0.node < $1.node }
        return Outcome(steps: count, rewardDifference: sum, changed: changed)
    }

    /// One step; gives the difference of rewards and leaves the nodes that differ after it.
    private mutating func replay(
        _ step: Int,
        _ flipped: Int?,
        _ episode: NetworkEpisode,
        _ dynamics: some NetworkDynamics
    ) -> Double {
        let row = step * nodes
        for index in 0..<nodes {
            compartments[index] = episode.compartments[row + index]
            levels[index] = episode.levels[row + index]
            actions[index] = episode.actions[row + index]
        }
        mark &+= 1
        touched.removeAll(keepingCapacity: true)
        if let flipped {
            actions[flipped] ^= 1
            touch(flipped, episode.network)
        }
        for (node, compartment, level) in changed {
            compartments[node] = compartment
            levels[node] = level
            touch(node, episode.network)
        }
        episode.uniforms.withUnsafeBufferPointer { uniforms in
            touched.withUnsafeBufferPointer { touched in
                guard let uniforms = uniforms.baseAddress else { return }
                episode.network.withStep(
                    compartments: compartments,
                    levels: levels,
                    actions: actions,
                    uniforms: uniforms + row
                ) {
                    dynamics.advance(touched, $0, outcomes: &outcomes)
                }
            }
        }
        changed.removeAll(keepingCapacity: true)
        var difference = 0.0
        for (index, node) in touched.enumerated() {
            let (node, outcome) = (Int(node), outcomes[index])
            difference += Double(outcome.reward - episode.rewards[row + node])
            let next = row + nodes + node
            if outcome.compartment != episode.compartments[next] || outcome.level != episode.levels[next] {
                changed.append((node, outcome.compartment, outcome.level))
            }
        }
        return difference
    }

    /// Puts a node and its neighbours on the list, each once.
    private mutating func touch(_ node: Int, _ network: Network) {
        if marks[node] != mark {
            marks[node] = mark
            touched.append(Int32(node))
        }
        for neighbour in network.neighbours(of: node) where marks[Int(neighbour)] != mark {
            marks[Int(neighbour)] = mark
            touched.append(neighbour)
        }
    }
}
