package import Models
internal import Randomness

/// GRPO steps on groups of responses with their rewards: what the `rlvr` trainer learns by.
struct PolicyLearning {
    let learner: LanguageLearner
    let settings: RLVRSettings

    /// Takes `updatesPerBatch` steps on a batch of groups and returns what TRL would log.
    ///
    /// Silent groups have zero advantage; without a KL term they are left out of the passes, but count
    /// in every mean.
    func learn(_ groups: [RewardedGroup]) throws -> [String: Double] {
        let relative = groups.map {
            GroupAdvantage.evaluate(rewards: $0.rewards, normalise: settings.normaliseAdvantages)
        }
        // Terms besides the policy's teach something of silent groups too.
        let teachesAll = settings.klWeight > 0 || !learner.addedTerms.isEmpty
        let learnt = groups.indices.filter { teachesAll || !relative[$0].isSilent }
        let passes = learner.passes(
            learnt.map { LearningGroup(prompt: groups[$0].prompt, responses: groups[$0].responses) }
        )
        let temperature = Float(settings.temperature)
        let responses = groups.reduce(0) { $0 + $1.responses.count }
        let tokens = groups.reduce(0) { $0 + $1.responses.reduce(0) { $0 + $1.count } }
        var terms: [any ObjectiveTerm] = [
            PolicyRatioTerm(
                advantages: learnt.flatMap { relative[$0].advantages },
                old: settings.updatesPerBatch > 1 ? learner.logProbs(passes, temperature: temperature) : nil,
                normaliser: responses,
                clipLow: settings.clipLow,
                clipHigh: settings.clipHigh,
                tokensInAll: tokens * settings.updatesPerBatch,
                imported: importedTokens(groups, learnt)
            )
        ]
        if settings.klWeight > 0 {
            terms.append(ReferenceKLTerm(weight: settings.klWeight, normaliser: responses))
        }
        let step = try learner.step(
            passes,
            temperature: temperature,
            terms: terms,
            updates: settings.updatesPerBatch
        )
        var metrics = step.metrics.merging(GroupAdvantage.metrics(of: groups.map(\.rewards))) { own, _ in own
        }
        metrics["loss"] = step.loss
        metrics["grad_norm"] = step.gradientNorm
        metrics["learning_rate"] = settings.optimiser.learningRate
        return metrics
    }

    /// The positions, among the tokens of the learnt groups, of tokens from other clients.
    private func importedTokens(_ groups: [RewardedGroup], _ learnt: [Int]) -> [Int] {
        var tokens: [Int] = []
        var position = 0
        for group in learnt.map({ groups[$0] }) {
            for (index, response) in group.responses.enumerated() {
                if group.imported.contains(index) { tokens += position..<position + response.count }
                position += response.count
            }
        }
        return tokens
    }
}

/// A prompt, its group of responses and their rewards.
package struct RewardedGroup {
    /// The prompt's tokens.
    package var prompt: [Int32]
    /// The responses' tokens.
    package var responses: [[Int32]]
    /// Their rewards.
    package var rewards: [Double]
    /// Which of the responses came from other clients.
    package var imported: [Int]

    /// Makes a group.
    package init(prompt: [Int32], responses: [[Int32]], rewards: [Double], imported: [Int] = []) {
        self.prompt = prompt
        self.responses = responses
        self.rewards = rewards
        self.imported = imported
    }
}

/// GRPO on an adapter outside of a federation: what the `rlvr` trainer does, for studies and commands.
package final class PolicyTuning {
    private let learning: PolicyLearning
    private let seed: UInt64
    private var batches = 0

    /// Prepares an adapter on a base model.
    ///
    /// - Parameters:
    ///   - base: Frozen.
    ///   - adapter: What is trained.
    ///   - settings: The trainer's.
    ///   - seed: Of the adapter's first values and of the responses.
    /// - Throws: `AdapterError` where the adapter does not fit the model.
    package init(
        _ base: BaseModel,
        adapter: any AdapterKind,
        settings: RLVRSettings,
        seed: UInt64
    ) throws {
        self.seed = seed
        let learner = LanguageLearner(
            base: base,
            adapter: try Adapter(for: base, adapter, seed: seed),
            optimiser: settings.optimiser,
            tokensPerPass: settings.tokensPerPass,
            terms: []
        )
        learning = PolicyLearning(learner: learner, settings: settings)
    }

    /// Samples `samplesPerPrompt` responses to each prompt with the adapter as it stands.
    ///
    /// - Parameters:
    ///   - prompts: Not empty ones.
    ///   - stop: The token that ends a response; nil lets each have `maxTokens`.
    package func sample(_ prompts: [[Int32]], stop: Int32? = nil) -> [[Completion]] {
        defer { batches += 1 }
        let settings = SamplingSettings(
            maxTokens: learning.settings.maxTokens,
            temperature: Float(learning.settings.temperature),
            stop: stop
        )
        return learning.learner.sample(
            prompts: prompts,
            count: learning.settings.samplesPerPrompt,
            settings: settings
        ) { [seed, batches] in RandomStream(seed: seed, "policy-tuning", batches, $0, $1) }
    }

    /// Takes the trainer's steps on groups of responses; returns what was measured.
    ///
    /// - Throws: `TrainingFault` for a step that is not finite.
    package func learn(_ groups: [RewardedGroup]) throws -> [String: Double] { try learning.learn(groups) }
}
