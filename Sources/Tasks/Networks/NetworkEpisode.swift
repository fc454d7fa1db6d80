internal import Randomness

/// An episode on a network, recorded: all states, actions, random numbers and local rewards.
///
/// Made with its start and its random numbers, it is carried on step by step by whoever chooses the actions;
/// the same start, numbers and actions give the same episode to the bit.
package struct NetworkEpisode: Sendable {
    /// The network.
    package let network: Network
    /// T, the steps there is room for.
    package let horizon: Int
    /// `[T + 1, n]`: the compartments, from the start on.
    package private(set) var compartments: [UInt8]
    /// `[T + 1, n]`: the protection levels, from the start on.
    package private(set) var levels: [UInt8]
    /// `[T, n]`: 1 where a node acted.
    package private(set) var actions: [UInt8]
    /// `[T, n]`: the random numbers.
    package let uniforms: [Float]
    /// `[T, n]`: the local rewards.
    package private(set) var rewards: [Float]
    /// The steps that are done; rows of later ones are zero.
    package private(set) var stepsDone = 0

    /// Makes an episode at its start.
    ///
    /// - Parameters:
    ///   - network: The network.
    ///   - start: The first state.
    ///   - uniforms: `[T, n]`: random numbers in [0, 1), as `noise` draws them.
    package init(on network: Network, start: NodeStates, uniforms: [Float]) {
        let count = network.nodeCount
        precondition(
            start.nodeCount == count,
            "NetworkEpisode: a state of \(start.nodeCount) nodes for \(count)"
        )
        precondition(
            uniforms.count % count == 0,
            "NetworkEpisode: \(uniforms.count) numbers for \(count) nodes"
        )
        self.network = network
        self.uniforms = uniforms
        horizon = uniforms.count / count
        let later = [UInt8](repeating: 0, count: horizon * count)
        compartments = start.compartments + later
        levels = start.levels + later
        actions = later
        rewards = [Float](repeating: 0, count: horizon * count)
    }

    /// Makes the episode of a seed: start and random numbers depend on the seed and the key alone, not on the
    /// policy, so that policies can be compared on the same ones.
    ///
    /// - Parameters:
    ///   - network: The network.
    ///   - dynamics: What happens on it.
    ///   - seed: The seed.
    ///   - key: Which of the seed's episodes.
    ///   - isExploring: Whether it starts as `exploringStart` does.
    package init(
        on network: Network,
        _ dynamics: some NetworkDynamics,
        seed: UInt64,
        key: Int,
        isExploring: Bool = false
    ) {
        var stream = RandomStream(seed: seed, "start", key)
        let start =
            isExploring
            ? dynamics.exploringStart(on: network, stream: &stream)
            : dynamics.start(on: network, stream: &stream)
        let uniforms = NetworkEpisode.noise(
            steps: dynamics.horizon,
            nodes: network.nodeCount,
            seed: seed,
            key: key
        )
        self.init(on: network, start: start, uniforms: uniforms)
    }

    /// The random numbers of an episode, `[T, n]`, multiples of 2⁻²⁴ in [0, 1).
    package static func noise(steps: Int, nodes: Int, seed: UInt64, key: Int) -> [Float] {
        var stream = RandomStream(seed: seed, "noise", key)
        return [Float](unsafeUninitializedCapacity: steps * nodes) { buffer, count in
            for index in 0..<steps * nodes {
                buffer.initializeElement(at: index, to: Float(stream.nextWord() >> 8) * 0x1p-24)
            }
            count = steps * nodes
        }
    }

    /// The state after some steps.
    package func state(after step: Int) -> NodeStates {
        precondition((0...stepsDone).contains(step), "NetworkEpisode: step \(step) of \(stepsDone)")
        let row = rowRange(step)
        return NodeStates(compartments: Array(compartments[row]), levels: Array(levels[row]))
    }

    /// Where a step's row is in any of the arrays.
    package func rowRange(_ step: Int) -> Range<Int> {
        step * network.nodeCount..<(step + 1) * network.nodeCount
    }

    /// One step.
    ///
    /// - Parameters:
    ///   - chosen: `[n]`: 1 for the nodes that act, 0 for the others.
    ///   - dynamics: What happens.
    package mutating func step(_ chosen: [UInt8], _ dynamics: some NetworkDynamics) {
        precondition(
            chosen.count == network.nodeCount,
            "NetworkEpisode: \(chosen.count) actions for \(network.nodeCount) nodes"
        )
        step(dynamics) { actions, _, _ in
            for node in chosen.indices { actions[node] = chosen[node] }
        }
    }

    /// One step whose actions a body writes.
    ///
    /// - Parameters:
    ///   - dynamics: What happens.
    ///   - choose: Writes the actions `[n]`, from the compartments `[n]` and levels `[n]` before the step.
    package mutating func step(
        _ dynamics: some NetworkDynamics,
        _ choose: (UnsafeMutablePointer<UInt8>, UnsafePointer<UInt8>, UnsafePointer<UInt8>) -> Void
    ) {
        precondition(stepsDone < horizon, "NetworkEpisode: all \(horizon) steps are done")
        let count = network.nodeCount
        let row = stepsDone * count
        // Each pointer is used only inside this call, for rows that the arrays' sizes, (T + 1) · n or T · n,
        // hold.
        uniforms.withUnsafeBufferPointer { uniforms in
            compartments.withUnsafeMutableBufferPointer { compartments in
                levels.withUnsafeMutableBufferPointer { levels in
                    actions.withUnsafeMutableBufferPointer { actions in
                        rewards.withUnsafeMutableBufferPointer { rewards in
                            guard let uniforms = uniforms.baseAddress, let rewards = rewards.baseAddress,
                                let compartments = compartments.baseAddress,
                                let levels = levels.baseAddress, let actions = actions.baseAddress
                            else { preconditionFailure("an episode with a step to do has rows") }
                            choose(actions + row, compartments + row, levels + row)
                            network.withStep(
                                compartments: compartments + row,
                                levels: levels + row,
                                actions: actions + row,
                                uniforms: uniforms + row
                            ) {
                                dynamics.advance(
                                    $0,
                                    compartments: compartments + row + count,
                                    levels: levels + row + count,
                                    rewards: rewards + row
                                )
                            }
                        }
                    }
                }
            }
        }
        stepsDone += 1
    }

    /// The rest of the episode under a rule.
    package mutating func run(_ policy: inout RulePolicy, _ dynamics: some NetworkDynamics) {
        while stepsDone < horizon {
            step(dynamics) { policy.act(compartments: $1, levels: $2, actions: $0) }
        }
    }

    /// Σ_t γ^t · mean of the local rewards of step t.
    package func discountedReturn(_ discount: Double) -> Double {
        var (sum, weight) = (0.0, 1.0)
        for step in 0..<stepsDone {
            sum += weight * rewards[rowRange(step)].reduce(0.0) { $0 + Double($1) }
            weight *= discount
        }
        return sum / Double(network.nodeCount)
    }

    /// What the episode was like: shares of nodes, 0 to 1.
    package struct Shares: Sendable, Equatable {
        /// Ever active.
        package var everActive: Double
        /// Active at the worst moment.
        package var peakActive: Double
        /// Active, on the average over states after a step.
        package var meanActive: Double
        /// Acting, on the average over steps.
        package var acting: Double
    }

    /// What the episode was like so far.
    package var shares: Shares {
        let count = network.nodeCount
        var ever = [Bool](repeating: false, count: count)
        var (peak, sum) = (0, 0)
        for step in 0...stepsDone {
            var active = 0
            for (node, index) in rowRange(step).enumerated() where compartments[index] == NodeStates.active {
                ever[node] = true
                active += 1
            }
            peak = max(peak, active)
            if step > 0 { sum += active }
        }
        let acting = actions.reduce(0) { $0 + Int($1) }
        let cells = Double(max(1, stepsDone * count))
        return Shares(
            everActive: Double(ever.count { $0 }) / Double(count),
            peakActive: Double(peak) / Double(count),
            meanActive: Double(sum) / cells,
            acting: Double(acting) / cells
        )
    }
}
