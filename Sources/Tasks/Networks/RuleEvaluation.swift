internal import Dispatch
internal import Randomness
internal import Synchronization

/// Plays a rule in many episodes, on several cores.
package enum RuleEvaluation {
    /// The discounted returns of a rule: network by network, episode by episode. They depend on the seed and
    /// on nothing else; the number of cores only says how fast they are there.
    ///
    /// - Parameters:
    ///   - rule: The rule.
    ///   - networks: Where.
    ///   - dynamics: What happens there: one for each network.
    ///   - seed: The seed; episode e on network k has the key k · `episodes` + e.
    ///   - episodes: How many on each network.
    ///   - cores: How many threads to use, at least 1.
    package static func returns(
        _ rule: NetworkRule,
        on networks: [Network],
        _ dynamics: [any NetworkDynamics],
        seed: UInt64,
        episodes: Int,
        cores: Int = 1
    ) -> [Double] {
        precondition(cores > 0, "RuleEvaluation: at least one core, found \(cores)")
        precondition(networks.count == dynamics.count, "RuleEvaluation: one environment for each network")
        let count = networks.count * episodes
        let results = Mutex([Double](repeating: 0, count: count))
        let threads = max(1, min(cores, count))
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            var own: [(key: Int, value: Double)] = []
            for key in stride(from: thread, to: count, by: threads) {
                let (network, dynamics) = (networks[key / episodes], dynamics[key / episodes])
                var episode = NetworkEpisode(on: network, dynamics, seed: seed, key: key)
                var policy = RulePolicy(
                    rule,
                    on: network,
                    ramp: dynamics.ramp,
                    stream: RandomStream(seed: seed, "rule", key)
                )
                episode.run(&policy, dynamics)
                own.append((key, episode.discountedReturn(dynamics.discount)))
            }
            results.withLock { all in for (key, value) in own { all[key] = value } }
        }
        return results.withLock { $0 }
    }
}
