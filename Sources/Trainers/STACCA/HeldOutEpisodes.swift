internal import Randomness
package import Tasks

/// The episodes that policies and rules are measured on: each network some times, with the same start and noise for all.
package struct HeldOutEpisodes {
    /// An episode that nobody has played yet.
    struct Start {
        /// The network's place.
        var place: Int
        /// Start and noise.
        var record: NetworkEpisode
        /// For whoever draws actions.
        var stream: RandomStream
    }

    let starts: [Start]
    private let views: [NetworkView]

    /// So many episodes on each network.
    package init(_ views: [NetworkView], seed: UInt64, count: Int) {
        self.views = views
        starts = views.enumerated().flatMap { place, view in
            (0..<count).map { episode in
                let key = place * count + episode
                return Start(
                    place: place,
                    record: NetworkEpisode(on: view.network, view.dynamics, seed: seed, key: key),
                    stream: RandomStream(seed: seed, "held-out-actions", key)
                )
            }
        }
    }

    /// A policy's episodes.
    package func play(_ policy: GraphPolicy, _ choice: Rollout.Choice, threads: Int = 1) -> [Rollout.Episode]
    {
        Rollout(
            policy,
            pool: views,
            starts: starts.map { start in
                var stream = start.stream
                let count = choice == .greedy ? 0 : start.record.horizon * start.record.network.nodeCount
                return Rollout.Start(
                    place: start.place,
                    record: start.record,
                    draws: (0..<count).map { _ in Float(stream.uniform()) }
                )
            },
            choice: choice,
            threads: threads
        )
        .episodes
    }

    /// A rule's episodes.
    package func play(_ rule: NetworkRule) -> [NetworkEpisode] {
        starts.map { start in
            let dynamics = views[start.place].dynamics
            var policy = RulePolicy(
                rule,
                on: start.record.network,
                ramp: dynamics.ramp,
                stream: start.stream
            )
            var record = start.record
            record.run(&policy, dynamics)
            return record
        }
    }

    /// The discounted returns of a policy, episode by episode.
    package func returns(_ policy: GraphPolicy, _ choice: Rollout.Choice, threads: Int = 1) -> [Double] {
        play(policy, choice, threads: threads).map {
            $0.record.discountedReturn(views[$0.place].dynamics.discount)
        }
    }
}
