internal import Models
internal import Tasks
internal import Tensors

/// The actor's part of learning: PPO's clipped objective with an entropy bonus.
final class ActorLearner {
    /// An action to learn from.
    struct Decision {
        /// Its place in the episode's `[T, n]`.
        var place: Int
        var advantage: Float
    }

    /// Adam's moments.
    var optimiser: AdamW
    private let policy: GraphPolicy
    private let settings: LearningSettings
    private let workspace = Workspace()
    private var sums = Sums()

    private struct Sums {
        var entropy = 0.0
        var divergence = 0.0
        var clipped = 0
        var decisions = 0
    }

    /// Before the first step.
    init(_ policy: GraphPolicy, _ settings: LearningSettings) {
        self.policy = policy
        self.settings = settings
        optimiser = AdamW(learningRate: settings.learningRate)
    }

    /// One step on some episodes of a rollout.
    ///
    /// - Parameters:
    ///   - states: The states of these episodes, in their order.
    ///   - part: The episodes.
    ///   - decisions: By episode of the rollout.
    ///   - entropy: The weight of the policy's entropy.
    func learn(
        _ states: [CodedState],
        _ part: [Int],
        _ rollout: Rollout,
        _ decisions: [[Decision]],
        entropy: Double
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
        step(states) { outputs, row in
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

    /// One step towards given actions; their mean negative log-likelihood.
    ///
    /// - Parameter actions: For each node of each state.
    func imitate(_ states: [CodedState], actions: [UInt8]) -> Double {
        var loss = 0.0
        step(states) { outputs, row in
            (0..<outputs.count).map { index in
                let (logit, action) = (outputs.values[index], actions[row + index])
                loss -= Double(logLogistic(action == 1 ? logit : -logit))
                return (logistic(logit) - Float(action)) / Float(actions.count)
            }
        }
        return loss / Double(max(actions.count, 1))
    }

    private func step(_ states: [CodedState], _ seed: (_ outputs: Tensor, _ row: Int) -> [Float]) {
        policy.actor.step(
            &optimiser,
            workspace,
            states,
            settings,
            coded: policy.coding.forActor
        ) { seed($0, $1.row) }
    }

    /// What learning came to since it was last asked.
    func takeMetrics() -> [String: Double] {
        defer { sums = Sums() }
        let count = Double(max(sums.decisions, 1))
        return [
            "policy/entropy": sums.entropy / count, "policy/clip_ratio": Double(sums.clipped) / count,
            "policy/kl": sums.divergence / count,
        ]
    }
}
