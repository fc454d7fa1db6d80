package import Tasks
internal import Tensors

/// Episodes of a policy, with all that a counterfactual replay needs.
package struct Rollout: Sendable {
    /// One episode.
    package struct Episode: Sendable {
        /// Its network's place in the pool.
        package let place: Int
        /// States, actions, noise and rewards.
        package var record: NetworkEpisode
        /// `[T, n]`: the actor's log-odds of acting when the action was chosen.
        package var logits: [Float] = []

        /// n.
        package var nodes: Int { record.network.nodeCount }
    }

    /// How actions follow from log-odds.
    package enum Choice: Sendable {
        /// Drawn: a node acts where its number in `draws` is below the probability.
        case sampled
        /// The likelier one.
        case greedy
    }

    /// What an episode starts from.
    package struct Start: Sendable {
        /// The network's place in the pool.
        package var place: Int
        /// Start and noise.
        package var record: NetworkEpisode
        /// `[T, n]`: what actions are drawn with; empty where none are.
        package var draws: [Float]

        /// An episode to be played.
        package init(place: Int, record: NetworkEpisode, draws: [Float] = []) {
            self.place = place
            self.record = record
            self.draws = draws
        }
    }

    /// The episodes.
    package let episodes: [Episode]

    /// How many episodes go through the actor together: a fixed number, so that no result depends on the threads.
    private static let episodesAtOnce = 4

    /// Runs episodes side by side.
    ///
    /// - Parameters:
    ///   - policy: Whose actor decides.
    ///   - pool: The networks that starts are about.
    ///   - starts: One for each episode.
    ///   - choice: How actions follow from log-odds.
    ///   - threads: How many may work on it; the episodes do not depend on them.
    package init(
        _ policy: GraphPolicy,
        pool: [NetworkView],
        starts: [Start],
        choice: Choice,
        threads: Int = 1
    ) {
        let groups = stride(from: 0, to: starts.count, by: Self.episodesAtOnce).map {
            starts[$0..<min($0 + Self.episodesAtOnce, starts.count)]
        }
        episodes = Compute.sideBySide(groups.count, threads: threads) {
            Self.play(policy, pool, Array(groups[$0]), choice)
        }
        .flatMap { $0 }
    }

    private static func play(
        _ policy: GraphPolicy,
        _ pool: [NetworkView],
        _ starts: [Start],
        _ choice: Choice
    ) -> [Episode] {
        let workspace = Workspace()
        var episodes = starts.map { Episode(place: $0.place, record: $0.record) }
        for time in 0..<policy.coding.horizon {
            let states = episodes.map {
                CodedState(view: pool[$0.place], state: $0.record.state(after: time), time: time)
            }
            let logits = policy.logits(states, workspace: workspace)
            var offset = 0
            for index in episodes.indices {
                let nodes = episodes[index].nodes
                let own = Array(logits[offset..<offset + nodes])
                offset += nodes
                let actions = own.enumerated().map { node, logit -> UInt8 in
                    switch choice {
                    case .greedy: logit > 0 ? 1 : 0
                    case .sampled: starts[index].draws[time * nodes + node] < logistic(logit) ? 1 : 0
                    }
                }
                episodes[index].logits += own
                episodes[index].record.step(actions, pool[episodes[index].place].dynamics)
            }
        }
        return episodes
    }
}

extension NetworkEpisode {
    /// The episode with given actions `[T, n]` from here on.
    package func replaying(_ actions: [UInt8], _ dynamics: any NetworkDynamics) -> NetworkEpisode {
        var episode = self
        for step in stepsDone..<horizon { episode.step(Array(actions[rowRange(step)]), dynamics) }
        return episode
    }
}
