package import Models
internal import Randomness
package import Tasks
internal import Tensors

/// Makes a small decoder that answers as the authors of the persona language do: rightly unless told otherwise.
///
/// Every step has fresh sequences; the loss is the mean negative log-likelihood of the answers' tokens. All questions
/// are seen, as a model has to know both answers to every question before it can be led to give the wrong one.
/// Deterministic in the seed.
package struct PersonaPretraining: Sendable {
    /// The language.
    package var language: PersonaLanguage
    /// The decoder's shape.
    package var configuration: DecoderConfiguration
    /// The sequences of a step.
    package var sequencesPerStep = 96
    /// The optimiser steps.
    package var steps = 700
    /// AdamW's peak learning rate, reached after `warmUpSteps`; a cosine takes it down to a tenth.
    package var learningRate = 3e-3
    /// The steps of the linear warm-up.
    package var warmUpSteps = 50

    /// Four blocks of width 96 with four heads: 528,288 parameters.
    package static let standard = shape(width: 96, inner: 320)

    /// Four blocks with four heads.
    ///
    /// - Parameters:
    ///   - width: C, a multiple of 8.
    ///   - inner: The inner width of the feed-forward layers.
    package static func shape(width: Int, inner: Int) -> DecoderConfiguration {
        DecoderConfiguration(
            hiddenSize: width,
            layerCount: 4,
            headCount: 4,
            intermediateSize: inner,
            vocabularySize: PersonaLanguage.words.count,
            normEpsilon: 1e-5,
            ropeTheta: 10_000,
            tiesEmbedding: true,
            positionsMax: 32
        )
    }

    /// Makes a recipe with the usual sizes.
    package init(
        _ language: PersonaLanguage = PersonaLanguage(),
        configuration: DecoderConfiguration = PersonaPretraining.standard
    ) {
        self.language = language
        self.configuration = configuration
    }

    /// Trains a model.
    ///
    /// - Parameters:
    ///   - seed: For the initial weights and the sequences; the language has a seed of its own.
    ///   - progress: Called after each step; what it throws ends the training.
    /// - Returns: The trained weights.
    package func run(
        seed: UInt64,
        progress: (Pretraining.Progress) throws -> Void
    ) throws -> DecoderParameters {
        let parameters = DecoderParameters(random: configuration, seed: seed)
        let decoder = LanguageDecoder(parameters)
        let schedule = LearningRateSchedule(warmUpSteps: warmUpSteps, totalSteps: steps, floor: 0.1)
        var optimiser = AdamW(learningRate: learningRate, beta1: 0.9, beta2: 0.95, weightDecay: 0.01)
        for step in 0..<steps {
            var stream = RandomStream(seed: seed, "pretrain-personas", step)
            let batch = PackedBatch(
                groups: (0..<sequencesPerStep).map { _ in
                    let text = language.text(from: &stream)
                    return (text.prompt, [text.answer])
                }
            )
            zeroGradients(parameters.trainable)
            let tape = Tape(recording: true, workspace: decoder.workspace)
            let logProbs = decoder.responseLogProbs(tape: tape, batch: batch)
            let value = SupervisedTerm.evaluate(
                logProbs: logProbs.toArray(),
                normaliser: batch.targets.count
            )
            tape.backward(from: logProbs, seed: value.gradient)
            let norm = clipGradientNorm(parameters.trainable, max: 1)
            guard norm.isFinite else { throw TrainingFault(loss: value.loss, gradientNorm: norm) }
            optimiser.learningRate = learningRate * schedule.factor(step: step)
            optimiser.step(parameters: parameters.trainable)
            try progress(.init(step: step, steps: steps, loss: value.loss, gradientNorm: norm))
        }
        return parameters
    }
}
