package import Tasks
internal import Tensors

/// What the critic says of a rollout, and what it should have said.
package struct ValueEstimates: Sendable {
    /// By episode `[T, n]`: V_i(s_t) + Â_i,t, the targets of the next critic.
    package let returns: [[Float]]
    /// By episode `[T]`: the mean over nodes of the local Â_i,t, which is the team's.
    package let team: [[Float]]
    /// By episode `[T]`: Σ_i V_i(s_t).
    package let stateValues: [[Double]]
    /// 1 − Var(returns − values) / Var(returns), over all nodes and steps.
    package let explainedVariance: Double

    /// Generalised advantage estimation (Schulman et al., arXiv:1506.02438) of each node's own rewards with its own value:
    /// δ_i,t = r_i,t + γ V_i(s_{t+1}) − V_i(s_t), Â_i,t = Σ_k (γλ)^k δ_i,t+k, and V(s_T) = 0.
    package init(
        of rollout: Rollout,
        policy: GraphPolicy,
        pool: [NetworkView],
        trace: Double,
        threads: Int = 1
    ) {
        let states = rollout.episodes.flatMap { episode in
            (0..<episode.record.horizon).map {
                CodedState(view: pool[episode.place], state: episode.record.state(after: $0), time: $0)
            }
        }
        let all = policy.values(states, threads: threads)
        var returns: [[Float]] = []
        var team: [[Float]] = []
        var stateValues: [[Double]] = []
        var (error, spread) = (Spread(), Spread())
        var offset = 0
        for episode in rollout.episodes {
            let (nodes, steps) = (episode.nodes, episode.record.horizon)
            let values = Array(all[offset..<offset + nodes * steps])
            offset += nodes * steps
            let advantages = Self.advantages(
                rewards: episode.record.rewards,
                values: values,
                nodes: nodes,
                discount: Float(pool[episode.place].dynamics.discount),
                trace: Float(trace)
            )
            let targets = zip(values, advantages).map { $0 + $1 }
            for (target, value) in zip(targets, values) {
                error.add(Double(target) - Double(value))
                spread.add(Double(target))
            }
            returns.append(targets)
            team.append(
                (0..<steps).map { time in
                    advantages[time * nodes..<(time + 1) * nodes].reduce(0, +) / Float(nodes)
                }
            )
            stateValues.append(
                (0..<steps).map { time in
                    values[time * nodes..<(time + 1) * nodes].reduce(0.0) { $0 + Double($1) }
                }
            )
        }
        (self.returns, self.team, self.stateValues) = (returns, team, stateValues)
        explainedVariance = spread.variance > 0 ? 1 - error.variance / spread.variance : 0
    }

    /// Â for each node and step.
    ///
    /// - Parameters:
    ///   - rewards: `[T, n]`.
    ///   - values: `[T, n]`; nothing comes after the last step.
    ///   - nodes: n.
    static func advantages(
        rewards: [Float],
        values: [Float],
        nodes: Int,
        discount: Float,
        trace: Float
    ) -> [Float] {
        var advantages = [Float](repeating: 0, count: rewards.count)
        for place in rewards.indices.reversed() {
            let next = place + nodes
            let isLast = next >= rewards.count
            let delta = rewards[place] + (isLast ? 0 : discount * values[next]) - values[place]
            advantages[place] = delta + (isLast ? 0 : discount * trace * advantages[next])
        }
        return advantages
    }

    private struct Spread {
        private var count = 0.0
        private var sum = 0.0
        private var square = 0.0

        mutating func add(_ value: Double) {
            count += 1
            sum += value
            square += value * value
        }

        var variance: Double { count > 0 ? max(0, square / count - (sum / count) * (sum / count)) : 0 }
    }
}
