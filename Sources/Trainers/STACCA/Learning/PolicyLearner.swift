package import Contract
internal import Glibc
package import Models
internal import Randomness
package import Tasks
package import Tensors

/// Learns a policy on a pool of networks: STACCA's loop as far as it is known (shared graph-transformer actor, centralised
/// graph-transformer critic, counterfactual advantage in three steps), with PPO's clipped objective, which is our choice.
///
/// Each iteration: episodes of the current policy; values, per-node returns by generalised advantage estimation (the critic
/// has a value for each node, and n targets in place of one); counterfactual advantages of some nodes of each state; epochs
/// of minibatches over both networks.
package final class PolicyLearner {
    /// The policy that learns.
    package let policy: GraphPolicy
    /// The networks it learns on.
    package let pool: [NetworkView]
    /// How it learns.
    package let settings: LearningSettings
    /// What all draws come from.
    package let seed: UInt64
    /// Whose draws they are: a client's name, or a study's.
    package let name: String
    /// What the starts and the noise of its episodes come from.
    private let noiseSeed: UInt64
    private let actor: ActorLearner
    private let critic: CriticLearner
    /// How many threads may work; no result depends on them.
    private let threads: Int
    /// Where rolling out episodes is counted as sampling.
    package var timer = StepTimer()

    /// A learner at the beginning.
    package init(
        _ policy: GraphPolicy,
        pool: [NetworkView],
        settings: LearningSettings,
        seed: UInt64,
        name: String,
        threads: Int = 1
    ) {
        self.policy = policy
        self.pool = pool
        self.settings = settings
        self.seed = seed
        self.name = name
        self.threads = threads
        var stream = RandomStream(seed: seed, name, "noise")
        noiseSeed = stream.next()
        actor = ActorLearner(policy, settings)
        critic = CriticLearner(policy, settings)
    }

    /// T, of all networks.
    private var horizon: Int { policy.coding.horizon }
    /// γ, of all networks.
    private var discount: Double { pool[0].dynamics.discount }

    /// The moments of both optimisers, the actor's first.
    package var optimiserStates: [AdamW.State] {
        get { [actor.optimiser.state, critic.optimiser.state] }
        set { (actor.optimiser.state, critic.optimiser.state) = (newValue[0], newValue[1]) }
    }

    /// Forgets the moments of both optimisers, as at the beginning of a round.
    package func restartOptimisers() { optimiserStates = [AdamW.State(), AdamW.State()] }

    // MARK: - One iteration

    /// Rolls out, judges and learns.
    ///
    /// - Parameter iteration: How many there were before it: what is drawn, warm-up and entropy are functions of it.
    /// - Returns: Metrics by name.
    package func iterate(_ iteration: Int) -> [String: Double] {
        let rollout = timer.sampling {
            Rollout(
                policy,
                pool: pool,
                starts: starts(iteration),
                choice: .sampled,
                threads: threads
            )
        }
        let estimates = ValueEstimates(
            of: rollout,
            policy: policy,
            pool: pool,
            trace: settings.advantage.trace,
            threads: threads
        )
        policy.follow(estimates.returns.flatMap { $0 })
        var metrics = [
            "return": rollout.episodes.map { $0.record.discountedReturn(discount) }.mean,
            "acting": rollout.episodes.map { $0.record.shares.acting }.mean,
            "critic/explained_variance": estimates.explainedVariance,
        ]
        let trainsActor = iteration >= settings.warmUp
        let decisions =
            trainsActor
            ? decisions(rollout, estimates, iteration: iteration, metrics: &metrics)
            : Array(repeating: [], count: rollout.episodes.count)
        let entropy = settings.entropy.weight(after: iteration - settings.warmUp)
        let states = rollout.episodes.indices.map { coded(rollout, $0) }
        let parts = (0..<settings.epochs).flatMap {
            self.parts(rollout.episodes.count, iteration: iteration, epoch: $0)
        }
        // The two networks share nothing that either of them writes.
        _ = Compute.sideBySide(trainsActor ? 2 : 1, threads: threads) { piece in
            for part in parts {
                let states = part.flatMap { states[$0] }
                if piece == 0 {
                    critic.learn(states, targets: part.flatMap { estimates.returns[$0] })
                } else {
                    actor.learn(states, part, rollout, decisions, entropy: entropy)
                }
            }
        }
        metrics.merge(critic.takeMetrics()) { $1 }
        if trainsActor { metrics.merge(actor.takeMetrics()) { $1 } }
        return metrics
    }

    /// One step of the actor towards the actions of episodes that were not its own: their mean negative log-likelihood, which
    /// is returned. Our extension: off-policy, as self-imitation is (Oh et al., arXiv:1806.05635), of episodes that were
    /// verified to be better.
    package func imitate(_ episodes: [Rollout.Episode], on networks: [NetworkView]) -> Double {
        let states = episodes.flatMap { episode in
            (0..<horizon).map {
                CodedState(view: networks[episode.place], state: episode.record.state(after: $0), time: $0)
            }
        }
        return actor.imitate(states, actions: episodes.flatMap(\.record.actions))
    }

    private func starts(_ iteration: Int) -> [Rollout.Start] {
        var order = Array(pool.indices)
        var stream = RandomStream(seed: seed, name, "networks", iteration)
        stream.shuffle(&order)
        let exploring = Int((settings.exploringStarts * Double(settings.episodes)).rounded())
        return (0..<settings.episodes).map { episode in
            let place = order[episode % order.count]
            let network = pool[place].network
            // One key for each episode of a learner's life.
            let key = iteration * settings.episodes + episode
            var draws = RandomStream(seed: seed, name, "actions", key)
            return Rollout.Start(
                place: place,
                record: NetworkEpisode(
                    on: network,
                    pool[place].dynamics,
                    seed: noiseSeed,
                    key: key,
                    isExploring: episode < exploring
                ),
                draws: (0..<horizon * network.nodeCount).map { _ in Float(draws.uniform()) }
            )
        }
    }

    private func coded(_ rollout: Rollout, _ episode: Int) -> [CodedState] {
        let found = rollout.episodes[episode]
        return (0..<horizon).map {
            CodedState(view: pool[found.place], state: found.record.state(after: $0), time: $0)
        }
    }

    private func parts(_ episodes: Int, iteration: Int, epoch: Int) -> [[Int]] {
        var order = Array(0..<episodes)
        var stream = RandomStream(seed: seed, name, "minibatches", iteration, epoch)
        stream.shuffle(&order)
        return (0..<settings.minibatches).map { part in
            Array(
                order[part * episodes / settings.minibatches..<(part + 1) * episodes / settings.minibatches]
            )
        }
    }

    // MARK: - Credit

    private func decisions(
        _ rollout: Rollout,
        _ estimates: ValueEstimates,
        iteration: Int,
        metrics: inout [String: Double]
    ) -> [[ActorLearner.Decision]] {
        let advantage = settings.advantage
        var flips: [CounterfactualAdvantage.Flip] = []
        for (index, episode) in rollout.episodes.enumerated() {
            var stream = RandomStream(seed: seed, name, "flips", iteration, index)
            let nodes = Array(0..<episode.nodes)
            for time in 0..<horizon {
                let chosen =
                    advantage.kind == .gae || advantage.flips >= episode.nodes
                    ? nodes : stream.choose(advantage.flips, from: nodes)
                flips += chosen.map { .init(episode: index, time: time, node: $0) }
            }
        }
        var values: [Float]
        if advantage.kind == .gae {
            values = flips.map { estimates.team[$0.episode][$0.time] }
        } else {
            let counterfactual = CounterfactualAdvantage(
                flips,
                of: rollout,
                policy: policy,
                pool: pool,
                horizon: advantage.horizon,
                threads: threads,
                stateValues: estimates.stateValues
            )
            metrics["counterfactual/asked"] = counterfactual.asked
            values = zip(flips, counterfactual.values).map { flip, value in
                let team = estimates.team[flip.episode]
                switch advantage.kind {
                case .counterfactual, .gae: return value
                case .mix:
                    return Float(advantage.weight) * value + Float(1 - advantage.weight) * team[flip.time]
                case .gaecf:
                    let next = flip.time + 1 < team.count ? team[flip.time + 1] : 0
                    return value + Float(discount * advantage.trace) * next
                }
            }
        }
        advantage.normalisation.apply(
            to: &values,
            times: flips.map(\.time),
            states: flips.map { $0.episode * horizon + $0.time }
        )
        var decisions: [[ActorLearner.Decision]] = Array(repeating: [], count: rollout.episodes.count)
        for (flip, value) in zip(flips, values) {
            let place = flip.time * rollout.episodes[flip.episode].nodes + flip.node
            decisions[flip.episode].append(ActorLearner.Decision(place: place, advantage: value))
        }
        return decisions
    }
}

extension Sequence<Double> {
    /// The arithmetic mean; 0 for nothing.
    var mean: Double {
        var (sum, count) = (0.0, 0)
        for value in self { (sum, count) = (sum + value, count + 1) }
        return count == 0 ? 0 : sum / Double(count)
    }
}
