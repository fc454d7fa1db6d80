package import Models
internal import Tensors

/// Supervised fine-tuning of an adapter outside of a federation: what the `sft` trainer does, for studies and commands.
package final class FineTuning {
    private let learner: LanguageLearner
    private let seed: UInt64
    private var order: ShuffledEpochs?

    /// Prepares an adapter on a base model.
    ///
    /// - Parameters:
    ///   - base: Frozen.
    ///   - adapter: What is trained.
    ///   - optimiser: AdamW's settings.
    ///   - terms: What is added to the mean negative log-likelihood of the answers.
    ///   - tokensPerPass: The most tokens of one forward and backward pass.
    ///   - seed: Of the adapter's first values and of the order of examples.
    /// - Throws: `AdapterError` where the adapter does not fit the model.
    package init(
        _ base: BaseModel,
        adapter: any AdapterKind,
        optimiser: OptimiserSettings,
        terms: [any ObjectiveTerm] = [],
        tokensPerPass: Int = 512,
        seed: UInt64
    ) throws {
        self.seed = seed
        learner = LanguageLearner(
            base: base,
            adapter: try Adapter(for: base, adapter, seed: seed),
            optimiser: optimiser,
            tokensPerPass: tokensPerPass,
            terms: terms
        )
    }

    /// What is trained.
    package var adapter: Adapter { learner.adapter }
    /// The base model with the adapter on it.
    package var decoder: LanguageDecoder { learner.decoder }
    /// What is added to the loss of answers; may change between steps.
    package var terms: [any ObjectiveTerm] {
        get { learner.addedTerms }
        set { learner.addedTerms = newValue }
    }

    /// Takes steps over examples in shuffled epochs.
    ///
    /// - Parameters:
    ///   - examples: Prompts with their answers; the same ones in every call.
    ///   - batch: How many make a step.
    ///   - steps: Which steps, counted from 0.
    /// - Returns: What was measured, as a mean over the steps: `loss` (terms included), `loss/answers`, and the terms' own.
    /// - Throws: `TrainingFault` for a step that is not finite.
    package func train(
        on examples: [LearningGroup],
        batch: Int,
        steps: Range<Int>
    ) throws(TrainingFault) -> [String: Double] {
        var order = order ?? ShuffledEpochs(count: examples.count, seed: seed, path: "fine-tuning")
        var sums: [String: Double] = [:]
        for step in steps {
            let chosen = order.elements(from: step * batch, length: batch).map { examples[$0] }
            let measured = try learner.step(learner.passes(chosen), temperature: 1, terms: [SupervisedTerm()])
            sums["loss", default: 0] += measured.loss
            for (name, value) in measured.metrics { sums[name, default: 0] += value }
        }
        self.order = order
        return sums.mapValues { $0 / Double(max(steps.count, 1)) }
    }
}
