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
package struct PolicyLearner {
    /// The policy that learns.
    package let policy: GraphPolicy
    /// The networks it learns on.
    package let pool: [NetworkView]
    /// The environment.
    package let dynamics: any NetworkDynamics
    /// How it learns.
    package let settings: LearningSettings
    /// What all draws come from.
    package let seed: UInt64
    /// Whose draws they are: a client's name, or a study's.
    package let name: String
    /// What the starts and the noise of its episodes come from.
    private let noiseSeed: UInt64
    private var actorOptimiser: AdamW
    private var criticOptimiser: AdamW
    private let workspace = Workspace()

    /// A learner at the beginning.
    package init(
        _ policy: GraphPolicy,
        pool: [NetworkView],
        dynamics: any NetworkDynamics,
        settings: LearningSettings,
        seed: UInt64,
        name: String
    ) {
        self.policy = policy
        self.pool = pool
        self.dynamics = dynamics
        self.settings = settings
        self.seed = seed
        self.name = name
        var stream = RandomStream(seed: seed, name, "noise")
        noiseSeed = stream.next()
        actorOptimiser = AdamW(learningRate: settings.learningRate)
        criticOptimiser = AdamW(learningRate: settings.learningRate)
    }

    /// The moments of both optimisers.
    package var optimiserStates: [AdamW.State] {
        get { [actorOptimiser.state, criticOptimiser.state] }
        set { (actorOptimiser.state, criticOptimiser.state) = (newValue[0], newValue[1]) }
    }

    /// Forgets the moments of both optimisers, as at the beginning of a round.
    package mutating func restartOptimisers() { optimiserStates = [AdamW.State(), AdamW.State()] }

    // MARK: - One iteration

    /// Rolls out, judges and learns.
    ///
    /// - Parameter iteration: How many there were before it: what is drawn, warm-up and entropy are functions of it.
    /// - Returns: Metrics by name.
    package mutating func iterate(_ iteration: Int) -> [String: Double] {
        let rollout = Rollout(
            policy,
            pool: pool,
            dynamics: dynamics,
            starts: starts(iteration),
            choice: .sampled
        )
        let estimates = ValueEstimates(
            of: rollout,
            policy: policy,
            pool: pool,
            dynamics: dynamics,
            trace: settings.advantage.trace
        )
        policy.follow(estimates.returns.flatMap { $0 })
        var metrics = [
            "return": rollout.episodes.map { $0.record.discountedReturn(dynamics.discount) }.mean,
            "acting": rollout.episodes.map { $0.record.shares.acting }.mean,
            "critic/explained_variance": estimates.explainedVariance,
        ]
        let trainsActor = iteration >= settings.warmUp
        let decisions =
            trainsActor
            ? decisions(rollout, estimates, iteration: iteration, metrics: &metrics)
            : Array(repeating: [], count: rollout.episodes.count)
        let entropy = settings.entropy.weight(after: iteration - settings.warmUp)
        var sums = LossSums()
        for epoch in 0..<settings.epochs {
            for part in parts(rollout.episodes.count, iteration: iteration, epoch: epoch) {
                let states = part.flatMap { coded(rollout, $0) }
                sums.value += learnValues(states, targets: part.flatMap { estimates.returns[$0] })
                sums.parts += 1
                if trainsActor {
                    learnActions(states, part, rollout, decisions, entropy: entropy, &sums)
                }
            }
        }
        metrics["critic/loss"] = sums.value / Double(sums.parts)
        if trainsActor {
            metrics["policy/entropy"] = sums.entropy / Double(max(sums.decisions, 1))
            metrics["policy/clip_ratio"] = Double(sums.clipped) / Double(max(sums.decisions, 1))
            metrics["policy/kl"] = sums.divergence / Double(max(sums.decisions, 1))
        }
        return metrics
    }

    /// What learning came to.
    private struct LossSums {
        var value = 0.0
        var parts = 0
        var entropy = 0.0
        var divergence = 0.0
        var clipped = 0
        var decisions = 0
    }

    /// An action to learn from.
    private struct Decision {
        /// Its place in the episode's `[T, n]`.
        var place: Int
        var advantage: Float
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
                    dynamics,
                    seed: noiseSeed,
                    key: key,
                    isExploring: episode < exploring
                ),
                draws: (0..<dynamics.horizon * network.nodeCount).map { _ in Float(draws.uniform()) }
            )
        }
    }

    private func coded(_ rollout: Rollout, _ episode: Int) -> [CodedState] {
        let found = rollout.episodes[episode]
        return (0..<dynamics.horizon).map {
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
    ) -> [[Decision]] {
        let advantage = settings.advantage
        var flips: [CounterfactualAdvantage.Flip] = []
        for (index, episode) in rollout.episodes.enumerated() {
            var stream = RandomStream(seed: seed, name, "flips", iteration, index)
            let nodes = Array(0..<episode.nodes)
            for time in 0..<dynamics.horizon {
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
                dynamics: dynamics,
                horizon: advantage.horizon,
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
                    return value + Float(dynamics.discount * advantage.trace) * next
                }
            }
        }
        advantage.normalisation.apply(
            to: &values,
            times: flips.map(\.time),
            states: flips.map { $0.episode * dynamics.horizon + $0.time }
        )
        var decisions: [[Decision]] = Array(repeating: [], count: rollout.episodes.count)
        for (flip, value) in zip(flips, values) {
            let place = flip.time * rollout.episodes[flip.episode].nodes + flip.node
            decisions[flip.episode].append(Decision(place: place, advantage: value))
        }
        return decisions
    }

    // MARK: - Steps

    /// How many rows go through a network at once while gradients add up: short passes stay in the cache.
    private static let rowsAtOnce = 1600

    /// Cuts states into passes, each with the place of its first row.
    private static func passes(_ states: [CodedState]) -> [(states: ArraySlice<CodedState>, row: Int)] {
        var passes: [(states: ArraySlice<CodedState>, row: Int)] = []
        var (start, first, row) = (0, 0, 0)
        for (place, state) in states.enumerated() {
            let nodes = state.view.structure.nodes
            if row + nodes - first > rowsAtOnce, place > start {
                passes.append((states[start..<place], first))
                (start, first) = (place, row)
            }
            row += nodes
        }
        if start < states.count { passes.append((states[start...], first)) }
        return passes
    }

    /// One step of the critic: mean squared error in the normaliser's units, which is returned.
    private mutating func learnValues(_ states: [CodedState], targets: [Float]) -> Double {
        zeroGradients(policy.critic.parameters)
        var loss = 0.0
        for pass in Self.passes(states) {
            let tape = Tape(workspace: workspace)
            let outputs = policy.critic.outputs(
                tape: tape,
                batch: policy.coding.forCritic(Array(pass.states))
            )
            var seed = [Float](repeating: 0, count: outputs.count)
            for index in seed.indices {
                let error =
                    outputs.values[index] - policy.normaliser.normalised(targets[pass.row + index])
                loss += Double(error) * Double(error)
                seed[index] = 2 * error / Float(targets.count)
            }
            tape.backward(from: outputs, seed: seed)
        }
        clipGradientNorm(policy.critic.parameters, max: settings.gradientNorm)
        criticOptimiser.step(parameters: policy.critic.parameters)
        return loss / Double(max(targets.count, 1))
    }

    /// One step of the actor on PPO's clipped objective with an entropy bonus.
    private mutating func learnActions(
        _ states: [CodedState],
        _ part: [Int],
        _ rollout: Rollout,
        _ decisions: [[Decision]],
        entropy: Double,
        _ sums: inout LossSums
    ) {
        let count = part.reduce(0) { $0 + decisions[$1].count }
        guard count > 0 else { return }
        var terms: [(row: Int, decision: Decision, episode: Rollout.Episode)] = []
        var offset = 0
        for index in part {
            let episode = rollout.episodes[index]
            terms += decisions[index].map { (offset + $0.place, $0, episode) }
            offset += episode.logits.count
        }
        terms.sort { $0.row < $1.row }
        var next = 0
        let clip = Float(settings.clip)
        stepActor(states) { outputs, row in
            var seed = [Float](repeating: 0, count: outputs.count)
            while next < terms.count, terms[next].row < row + outputs.count {
                let (place, decision, episode) = terms[next]
                next += 1
                let term = ClippedSurrogate(
                    logit: outputs.values[place - row],
                    oldLogit: episode.logits[decision.place],
                    acts: episode.record.actions[decision.place] == 1,
                    advantage: decision.advantage,
                    clip: clip,
                    entropyWeight: Float(entropy)
                )
                seed[place - row] = term.gradient / Float(count)
                sums.entropy += Double(term.entropy)
                sums.divergence += Double(term.divergence)
                sums.clipped += term.isClipped ? 1 : 0
            }
            return seed
        }
        sums.decisions += count
    }
}

extension PolicyLearner {
    /// One step of the actor towards the actions of episodes that were not its own: their mean negative log-likelihood, which
    /// is returned. Our extension: off-policy, as self-imitation is (Oh et al., arXiv:1806.05635), of episodes that were
    /// verified to be better.
    package mutating func imitate(_ episodes: [Rollout.Episode], on networks: [NetworkView]) -> Double {
        let states = episodes.flatMap { episode in
            (0..<dynamics.horizon).map {
                CodedState(view: networks[episode.place], state: episode.record.state(after: $0), time: $0)
            }
        }
        let actions = episodes.flatMap(\.record.actions)
        var loss = 0.0
        stepActor(states) { outputs, row in
            (0..<outputs.count).map { index in
                let (logit, action) = (outputs.values[index], actions[row + index])
                loss -= Double(logLogistic(action == 1 ? logit : -logit))
                return (logistic(logit) - Float(action)) / Float(actions.count)
            }
        }
        return loss / Double(max(actions.count, 1))
    }

    /// One step of the actor.
    ///
    /// - Parameter seed: d loss / d log-odds of a pass, from its outputs and the place of its first row.
    private mutating func stepActor(
        _ states: [CodedState],
        _ seed: (_ outputs: Tensor, _ row: Int) -> [Float]
    ) {
        zeroGradients(policy.actor.parameters)
        for pass in Self.passes(states) {
            let tape = Tape(workspace: workspace)
            let outputs = policy.actor.outputs(tape: tape, batch: policy.coding.forActor(Array(pass.states)))
            tape.backward(from: outputs, seed: seed(outputs, pass.row))
        }
        clipGradientNorm(policy.actor.parameters, max: settings.gradientNorm)
        actorOptimiser.step(parameters: policy.actor.parameters)
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
