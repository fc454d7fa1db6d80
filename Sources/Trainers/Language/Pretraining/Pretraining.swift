package import Models
internal import Randomness
package import Tasks
internal import Tensors
internal import Text

/// Makes a small base model for reinforcement from noisy labels of the arithmetic families.
///
/// All parameters of a fresh decoder are trained on answers that are right, wrong by a typical
/// misconception, or random, drawn anew each time a problem is seen: the model then knows each family
/// in part. Held-out problems (`HeldOutRule`) are never seen. Deterministic in the seed.
package struct Pretraining: Sendable {
    /// How often labels are right.
    package var labels: NoisyLabels
    /// The families.
    package var families: [SyntheticFamily] = SyntheticFamily.characterLevel
    /// The most different problems of each family; a batch draws from them with replacement.
    package var problemsPerFamily = 3000
    /// The problems of each family in a batch.
    package var sequencesPerFamily = 32
    /// The optimiser steps.
    package var steps = 600
    /// AdamW's peak learning rate, reached after `warmUpSteps`; a cosine takes it down to a tenth.
    package var learningRate = 4e-3
    /// The steps of the linear warm-up.
    package var warmUpSteps = 50
    /// The decoder's shape.
    package var configuration = Pretraining.tinyArithmetic

    /// The labels of the model `tiny-arithmetic`: right about every third time.
    package static let standard = Pretraining(labels: .standard)
    /// The labels of the model `tiny-arithmetic-hard`: right about every twelfth time.
    package static let hard = Pretraining(labels: .hard)

    /// Two blocks of width 96 with four heads over the 32 characters of the arithmetic families:
    /// 224,736 parameters.
    package static let tinyArithmetic = DecoderConfiguration(
        hiddenSize: 96,
        layerCount: 2,
        headCount: 4,
        intermediateSize: 256,
        vocabularySize: 32,
        normEpsilon: 1e-5,
        ropeTheta: 10_000,
        tiesEmbedding: true,
        positionsMax: 64
    )

    /// Makes a recipe with the usual sizes.
    package init(labels: NoisyLabels) { self.labels = labels }

    /// What one step did.
    package struct Progress: Sendable, Equatable {
        /// The step, from 0.
        package var step: Int
        /// How many steps there are.
        package var steps: Int
        /// The mean negative log-likelihood of an answer token, in nats.
        package var loss: Double
        /// The gradient's norm before clipping at 1.
        package var gradientNorm: Double
    }

    /// Trains a model.
    ///
    /// - Parameters:
    ///   - seed: For the initial weights, the problems and their labels.
    ///   - progress: Called after each step; what it throws ends the training.
    /// - Returns: The trained weights.
    package func run(seed: UInt64, progress: (Progress) throws -> Void) throws -> DecoderParameters {
        let tokenizer = CharacterTokenizer.arithmetic
        let parameters = DecoderParameters(random: configuration, seed: seed)
        let decoder = LanguageDecoder(parameters)
        let schedule = LearningRateSchedule(warmUpSteps: warmUpSteps, totalSteps: steps, floor: 0.1)
        var optimiser = AdamW(learningRate: learningRate, beta1: 0.9, beta2: 0.95, weightDecay: 0.01)
        let decks = families.map { $0.draw(problemsPerFamily, heldOut: false, seed: seed) }
        for step in 0..<steps {
            let batch = PackedBatch(
                groups: try examples(decks, step: step, seed: seed, tokenizer: tokenizer)
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
            try progress(Progress(step: step, steps: steps, loss: value.loss, gradientNorm: norm))
        }
        return parameters
    }

    /// The prompts of one step, each with one freshly drawn label.
    private func examples(
        _ decks: [[SyntheticProblem]],
        step: Int,
        seed: UInt64,
        tokenizer: CharacterTokenizer
    ) throws -> [(prompt: [Int32], responses: [[Int32]])] {
        var stream = RandomStream(seed: seed, "pretrain-batch", step)
        let end = tokenizer.eos.map { [$0] } ?? []
        var examples: [(prompt: [Int32], responses: [[Int32]])] = []
        for deck in decks where !deck.isEmpty {
            for _ in 0..<sequencesPerFamily {
                let problem = deck[stream.below(deck.count)]
                let label = labels.label(for: problem, from: &stream)
                examples.append(
                    (
                        try PromptTemplate.raw.encode(problem.prompt, tokenizer: tokenizer),
                        [tokenizer.encode(label, parseSpecial: false) + end]
                    )
                )
            }
        }
        return examples
    }
}
