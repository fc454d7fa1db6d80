internal import Glibc
package import Tasks
internal import Tensors

/// What one node's other action would have been worth (notes 2.3; the replay over K steps is our reconstruction).
///
/// One action of a stored step is flipped, the stored actions and noise of the next K − 1 steps are replayed, and the critic
/// takes over: with Q in units of the sum over nodes (n times the mean reward)
///
///     A_i = π(ā_i) · (Q(a) − Q(a with a_i flipped))
///
/// which is COMA's advantage for two actions, made from state values. The same noise on both sides leaves nothing but the
/// action's effect, and a flip whose end state is the stored one needs no critic.
package struct CounterfactualAdvantage {
    /// One flip.
    package struct Flip: Sendable, Equatable {
        /// The episode.
        package var episode: Int
        /// The time step.
        package var time: Int
        /// The node.
        package var node: Int
    }

    /// Advantages of the actions that were taken, one for each flip, in units of the sum over nodes.
    package let values: [Float]
    /// The share of flips that the critic was asked about.
    package let asked: Double

    /// Replays flips.
    ///
    /// - Parameters:
    ///   - flips: Which actions are flipped.
    ///   - rollout: Where they were taken.
    ///   - policy: Whose critic takes over.
    ///   - pool: The networks.
    ///   - horizon: K.
    ///   - threads: How many may work on it.
    ///   - stateValues: By episode `[T]`: Σ_i V_i(s_t) of the stored states.
    package init(
        _ flips: [Flip],
        of rollout: Rollout,
        policy: GraphPolicy,
        pool: [NetworkView],
        horizon: Int,
        threads: Int = 1,
        stateValues: [[Double]]
    ) {
        var differences = [Double](repeating: 0, count: flips.count)
        var pending: [(flip: Int, state: CodedState, factor: Double, stored: Double)] = []
        var replays: [Int: CounterfactualReplay] = [:]
        for (index, flip) in flips.enumerated() {
            let episode = rollout.episodes[flip.episode]
            let view = pool[episode.place]
            let outcome = replays[episode.nodes, default: CounterfactualReplay(nodes: episode.nodes)].flip(
                flip.node,
                at: flip.time,
                in: episode.record,
                view.dynamics,
                steps: horizon
            )
            differences[index] = outcome.rewardDifference
            let time = flip.time + outcome.steps
            guard !outcome.changed.isEmpty, time < episode.record.horizon else { continue }
            var state = episode.record.state(after: time)
            for (node, compartment, level) in outcome.changed {
                state.compartments[node] = compartment
                state.levels[node] = level
            }
            pending.append(
                (
                    index, CodedState(view: view, state: state, time: time),
                    pow(view.dynamics.discount, Double(outcome.steps)), stateValues[flip.episode][time]
                )
            )
        }
        let nodeValues = policy.values(pending.map(\.state), threads: threads)
        var offset = 0
        for (flip, state, factor, stored) in pending {
            let nodes = state.view.structure.nodes
            let value = nodeValues[offset..<offset + nodes].reduce(0.0) { $0 + Double($1) }
            offset += nodes
            differences[flip] += factor * (value - stored)
        }
        asked = flips.isEmpty ? 0 : Double(pending.count) / Double(flips.count)
        values = zip(flips, differences).map { flip, difference in
            let episode = rollout.episodes[flip.episode]
            let place = flip.time * episode.nodes + flip.node
            let acts = logistic(episode.logits[place])
            let other = episode.record.actions[place] == 1 ? 1 - acts : acts
            return other * Float(-difference)
        }
    }
}
