internal import Glibc
package import Models
internal import Randomness
package import Tasks
internal import Tensors

/// Makes a small decoder that writes texts of the phase language.
///
/// Short texts first, with spans of one clause, until the model sees from the order of phases what a text will
/// answer; then the full language. With full texts alone small models do not learn the order. Every step has fresh
/// texts. Deterministic in the seed.
package struct PhasePretraining: Sendable {
    /// The language.
    package var language: PhaseLanguage
    /// The decoder's shape.
    package var configuration: DecoderConfiguration
    /// The texts of a step.
    package var textsPerStep = 16
    /// The most steps on short texts; they end when the stance's loss, smoothed, is below `stanceGoal`.
    package var shortStepsMax = 2500
    /// The loss of the stance at which short texts are left, in nats.
    package var stanceGoal = 0.1
    /// The steps on the full language.
    package var fullSteps = 350
    /// AdamW's learning rate after `warmUpSteps`; over the full language a cosine takes it down to a tenth.
    package var learningRate = 4e-3
    /// The steps of the linear warm-up.
    package var warmUpSteps = 40
    /// What the stance, `yes` or `no`, weighs in the mean loss, where other generated tokens weigh 1.
    package var stanceWeight = 20.0
    /// What the answer's first digit weighs.
    package var valueWeight = 5.0

    /// Three blocks of width 64 with four heads: 151,360 parameters.
    package static let small = shape(width: 64, layers: 3, inner: 168)
    /// Four blocks of width 128 with four heads: 801,664 parameters.
    package static let large = shape(width: 128, layers: 4, inner: 344)

    private static func shape(width: Int, layers: Int, inner: Int) -> DecoderConfiguration {
        DecoderConfiguration(
            hiddenSize: width,
            layerCount: layers,
            headCount: 4,
            intermediateSize: inner,
            vocabularySize: PhaseLanguage.words.count,
            normEpsilon: 1e-5,
            ropeTheta: 10_000,
            tiesEmbedding: true,
            positionsMax: PhaseLanguage.tokensMax
        )
    }

    /// Makes a recipe with the usual sizes.
    package init(
        _ language: PhaseLanguage = PhaseLanguage(),
        configuration: DecoderConfiguration = PhasePretraining.small
    ) {
        self.language = language
        self.configuration = configuration
    }

    /// What one step did.
    package struct Progress: Sendable, Equatable {
        /// The step, from 0.
        package var step: Int
        /// Whether the step was on short texts.
        package var isShort: Bool
        /// The weighted mean negative log-likelihood of a generated token, in nats.
        package var loss: Double
        /// The mean negative log-likelihood of `yes` or `no`, in nats; 0.69 is a guess.
        package var stanceLoss: Double
    }

    /// Trains a model.
    ///
    /// - Parameters:
    ///   - seed: For the initial weights and the texts.
    ///   - progress: Called after each step; what it throws ends the training.
    /// - Returns: The trained weights.
    package func run(seed: UInt64, progress: (Progress) throws -> Void) throws -> DecoderParameters {
        let parameters = DecoderParameters(random: configuration, seed: seed)
        let decoder = LanguageDecoder(parameters)
        let decay = LearningRateSchedule(warmUpSteps: 0, totalSteps: fullSteps, floor: 0.1)
        var optimiser = AdamW(learningRate: learningRate, beta1: 0.9, beta2: 0.95, weightDecay: 0.01)
        var (step, stanceLoss) = (0, log(2.0))
        func take(isShort: Bool, rate: Double) throws {
            let losses = try gradients(
                PackedBatch(groups: examples(step: step, isShort: isShort, seed: seed)),
                decoder
            )
            optimiser.learningRate = learningRate * min(1, Double(step + 1) / Double(warmUpSteps)) * rate
            optimiser.step(parameters: parameters.trainable)
            stanceLoss += (losses.stance - stanceLoss) / 25
            try progress(
                Progress(step: step, isShort: isShort, loss: losses.all, stanceLoss: losses.stance)
            )
            step += 1
        }
        while step < shortStepsMax && stanceLoss > stanceGoal { try take(isShort: true, rate: 1) }
        for step in 0..<fullSteps { try take(isShort: false, rate: decay.factor(step: step)) }
        return parameters
    }

    /// Leaves the gradients of a batch, clipped to a norm of 1, in the decoder's parameters.
    private func gradients(
        _ batch: PackedBatch,
        _ decoder: LanguageDecoder
    ) throws -> (all: Double, stance: Double) {
        let parameters = decoder.parameters.trainable
        zeroGradients(parameters)
        let tape = Tape(recording: true, workspace: decoder.workspace)
        let logProbs = decoder.responseLogProbs(tape: tape, batch: batch)
        let weights = weights(of: batch)
        let total = weights.reduce(0, +)
        let values = logProbs.toArray().map(Double.init)
        let loss = -zip(weights, values).reduce(0) { $0 + $1.0 * $1.1 } / total
        tape.backward(from: logProbs, seed: weights.map { Float(-$0 / total) })
        let norm = clipGradientNorm(parameters, max: 1)
        guard norm.isFinite else { throw TrainingFault(loss: loss, gradientNorm: norm) }
        let stances = zip(batch.targets, values).filter { PhasePretraining.isStance($0.0) }
        return (loss, -stances.reduce(0) { $0 + $1.1 } / Double(max(1, stances.count)))
    }

    /// The texts of a step, prompt and the rest.
    private func examples(
        step: Int,
        isShort: Bool,
        seed: UInt64
    ) -> [(prompt: [Int32], responses: [[Int32]])] {
        var language = language
        if isShort {
            language.bodyTokensMin = 40
            language.clausesPerSpan = 1...1
        }
        var stream = RandomStream(seed: seed, "pretrain-phases", step)
        return (0..<textsPerStep).map { _ in
            let tokens = language.text(from: &stream).tokens
            let prompt = PhaseLanguage.promptTokens
            return (Array(tokens[..<prompt]), [Array(tokens[prompt...])])
        }
    }

    private static func isStance(_ token: Int32) -> Bool {
        token == PhaseLanguage.yes || token == PhaseLanguage.no
    }

    /// The weight of each response token of a batch: the stance stands once in a text, and the digit three behind
    /// it is the answer's first.
    private func weights(of batch: PackedBatch) -> [Double] {
        var weights = [Double](repeating: 1, count: batch.targets.count)
        for (index, token) in batch.targets.enumerated()
        where PhasePretraining.isStance(token) {
            weights[index] = stanceWeight
            if index + 3 < weights.count { weights[index + 3] = valueWeight }
        }
        return weights
    }
}
