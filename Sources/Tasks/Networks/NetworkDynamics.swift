package import Contract
package import Randomness

/// What happens on a network from step to step, and what it costs.
///
/// A step is local: the next state and the reward of node i depend on the states and actions of i and of its
/// neighbours before the step and on one random number that belongs to (episode, step, i), never on the order
/// of the nodes. With the same numbers two runs differ only where their actions made them differ (common
/// random numbers), and after one changed action only the closed neighbourhood of what has changed needs
/// looking at.
///
/// **Team reward**: the mean of the local rewards. **Return**: Σ_t γ^t · team reward, t = 0 ..< T.
package protocol NetworkDynamics: Sendable {
    /// T, the steps of an episode.
    var horizon: Int { get }
    /// γ, the weight of the next step's reward against this one's.
    var discount: Double { get }
    /// τ, the highest protection level; 0 if there is none.
    var ramp: Int { get }
    /// How many compartments there are, 2 or 3.
    var compartments: Int { get }
    /// c, what an acting node pays in a step.
    var cost: Double { get }
    /// The share of nodes that are active at the start.
    var startShare: Double { get }

    /// What the numbers are called that may be particular to a network, in a fixed order.
    var particularNames: [String] { get }
    /// These numbers.
    var particularNumbers: [Double] { get set }
    /// What a party knows of its environment, as numbers of about one: features of models that see them.
    var rates: [Float] { get }

    /// What becomes of one node in a step.
    ///
    /// - Parameters:
    ///   - node: The node.
    ///   - step: The network, the state before the step, the actions and the random numbers.
    func advance(_ node: Int, _ step: NetworkStep) -> NodeOutcome

    /// One step of all nodes.
    ///
    /// - Parameters:
    ///   - step: The network, the state before the step, the actions and the random numbers.
    ///   - compartments: `[n]`, the compartments after it; other memory than those before.
    ///   - levels: `[n]`, the levels after it; other memory than those before.
    ///   - rewards: `[n]`, the local rewards.
    func advance(
        _ step: NetworkStep,
        compartments: UnsafeMutablePointer<UInt8>,
        levels: UnsafeMutablePointer<UInt8>,
        rewards: UnsafeMutablePointer<Float>
    )

    /// One step of some nodes only: what becomes of `nodes[k]` is written to `outcomes[k]`.
    func advance(
        _ nodes: UnsafeBufferPointer<Int32>,
        _ step: NetworkStep,
        outcomes: UnsafeMutablePointer<NodeOutcome>
    )

    /// Checks ranges.
    ///
    /// - Throws: `SettingsFault` naming the field, the value and the limits.
    func validate() throws(SettingsFault)
}

/// What a step is computed from. The memory belongs to the caller and outlives the call.
package struct NetworkStep {
    /// How many nodes there are, n.
    package var nodes: Int
    /// `[n + 1]`: as in `Network`.
    package var offsets: UnsafePointer<Int32>
    /// `[2 · edges]`: as in `Network`.
    package var neighbours: UnsafePointer<Int32>
    /// `[n]`: the compartments before the step.
    package var compartments: UnsafePointer<UInt8>
    /// `[n]`: the protection levels before the step.
    package var levels: UnsafePointer<UInt8>
    /// `[n]`: 1 for the nodes that act.
    package var actions: UnsafePointer<UInt8>
    /// `[n]`: a random number in [0, 1) for each node.
    package var uniforms: UnsafePointer<Float>

    /// Makes a step.
    package init(
        nodes: Int,
        offsets: UnsafePointer<Int32>,
        neighbours: UnsafePointer<Int32>,
        compartments: UnsafePointer<UInt8>,
        levels: UnsafePointer<UInt8>,
        actions: UnsafePointer<UInt8>,
        uniforms: UnsafePointer<Float>
    ) {
        self.nodes = nodes
        self.offsets = offsets
        self.neighbours = neighbours
        self.compartments = compartments
        self.levels = levels
        self.actions = actions
        self.uniforms = uniforms
    }
}

/// What became of a node in a step.
package struct NodeOutcome: Sendable, Equatable {
    /// Its compartment after the step.
    package var compartment: UInt8
    /// Its protection level after the step.
    package var level: UInt8
    /// Its local reward.
    package var reward: Float

    /// Makes an outcome.
    package init(compartment: UInt8, level: UInt8, reward: Float) {
        self.compartment = compartment
        self.level = level
        self.reward = reward
    }
}

extension NetworkDynamics {
    /// One step of all nodes, node by node.
    @inline(__always)
    package func advance(
        _ step: NetworkStep,
        compartments: UnsafeMutablePointer<UInt8>,
        levels: UnsafeMutablePointer<UInt8>,
        rewards: UnsafeMutablePointer<Float>
    ) {
        for node in 0..<step.nodes {
            let outcome = advance(node, step)
            compartments[node] = outcome.compartment
            levels[node] = outcome.level
            rewards[node] = outcome.reward
        }
    }

    /// One step of some nodes, one by one.
    @inline(__always)
    package func advance(
        _ nodes: UnsafeBufferPointer<Int32>,
        _ step: NetworkStep,
        outcomes: UnsafeMutablePointer<NodeOutcome>
    ) {
        for (index, node) in nodes.enumerated() { outcomes[index] = advance(Int(node), step) }
    }

    /// One step of all nodes of a state, in place.
    ///
    /// - Parameters:
    ///   - state: The state before and after.
    ///   - network: The network.
    ///   - actions: `[n]`: 1 for the nodes that act.
    ///   - uniforms: `[n]`: a random number in [0, 1) for each node.
    ///   - rewards: `[n]`: where the local rewards go.
    package func step(
        _ state: inout NodeStates,
        on network: Network,
        actions: UnsafePointer<UInt8>,
        uniforms: UnsafePointer<Float>,
        rewards: UnsafeMutablePointer<Float>
    ) {
        let before = state
        network.withStep(
            compartments: before.compartments,
            levels: before.levels,
            actions: actions,
            uniforms: uniforms
        ) {
            advance($0, compartments: &state.compartments, levels: &state.levels, rewards: rewards)
        }
    }

    /// How many nodes are active at the start: the share of all, at least one.
    package func startCount(nodes: Int) -> Int {
        min(nodes, max(1, Int((startShare * Double(nodes)).rounded())))
    }

    /// The start of an episode that counts: some active nodes drawn at random, nobody protected.
    package func start(on network: Network, stream: inout RandomStream) -> NodeStates {
        var state = NodeStates(nodes: network.nodeCount)
        let all = Array(0..<network.nodeCount)
        for node in stream.choose(startCount(nodes: all.count), from: all) {
            state.compartments[node] = NodeStates.active
        }
        return state
    }

    /// The start of a training episode that shows what good policies meet later: any number of active nodes
    /// up to four times the usual, none at all in a third of the episodes, and protection that is already
    /// there (our reconstruction; not the paper's).
    ///
    /// Half of the episodes have an own share of nodes on a random level, half have nearly all nodes near the
    /// highest one. With three compartments up to half of the nodes are through with it.
    package func exploringStart(on network: Network, stream: inout RandomStream) -> NodeStates {
        let count = network.nodeCount
        var state = NodeStates(nodes: count)
        if compartments > 2 {
            let share = stream.uniform() / 2
            for node in 0..<count where stream.uniform() < share {
                state.compartments[node] = NodeStates.closed
            }
        }
        if stream.below(3) > 0 {
            let active = stream.below(min(count, 4 * startCount(nodes: count)) + 1)
            for node in stream.choose(active, from: Array(0..<count)) {
                state.compartments[node] = NodeStates.active
            }
        }
        guard ramp > 0 else { return state }
        let isHigh = stream.below(2) == 0
        let share = isHigh ? 0.8 : stream.uniform()
        for node in 0..<count {
            let isChosen = stream.uniform() < share
            if isHigh {
                let low = isChosen ? ramp - 1 : 0
                state.levels[node] = UInt8(low + stream.below(ramp - low + 1))
            } else if isChosen {
                state.levels[node] = UInt8(1 + stream.below(ramp))
            }
        }
        return state
    }
}

extension Network {
    /// Calls a body with a step on this network.
    package func withStep<Result>(
        compartments: UnsafePointer<UInt8>,
        levels: UnsafePointer<UInt8>,
        actions: UnsafePointer<UInt8>,
        uniforms: UnsafePointer<Float>,
        _ body: (NetworkStep) -> Result
    ) -> Result {
        offsets.withUnsafeBufferPointer { offsets in
            neighbours.withUnsafeBufferPointer { neighbours in
                guard let first = offsets.baseAddress else {
                    preconditionFailure("a network has at least one node")
                }
                // Without edges there is nothing to read; any address will do.
                return body(
                    NetworkStep(
                        nodes: nodeCount,
                        offsets: first,
                        neighbours: neighbours.baseAddress ?? first,
                        compartments: compartments,
                        levels: levels,
                        actions: actions,
                        uniforms: uniforms
                    )
                )
            }
        }
    }
}
