internal import Exchange
internal import Models
internal import Randomness
internal import Tensors

/// The part of a language trainer that learns: base model, adapter and optimiser.
final class LanguageLearner {
    let adapter: Adapter
    private let decoder: LanguageDecoder
    private let settings: OptimiserSettings
    private let proximalWeight: Double
    private let tokensPerPass: Int
    private(set) var optimiser: AdamW
    /// φ̄, the adapter of the round's start, which the proximal term pulls to.
    private(set) var anchor: AdapterWeights

    init(
        base: BaseModel,
        adapter configuration: LoRAConfiguration,
        seed: UInt64,
        settings: some LanguageSettings
    )
        throws
    {
        adapter = try Adapter(for: base, configuration, seed: seed)
        decoder = LanguageDecoder(base, adapter: adapter)
        self.settings = settings.optimiser
        proximalWeight = settings.proximalWeight
        tokensPerPass = settings.tokensPerPass
        optimiser = LanguageLearner.makeOptimiser(settings.optimiser)
        anchor = adapter.weights
    }

    private static func makeOptimiser(_ settings: OptimiserSettings) -> AdamW {
        AdamW(
            learningRate: settings.learningRate,
            beta1: settings.beta1,
            beta2: settings.beta2,
            epsilon: settings.epsilon,
            weightDecay: settings.weightDecay
        )
    }

    /// Takes over a round's adapter as parameters and as anchor.
    func begin(_ weights: AdapterWeights) throws(AdapterFault) {
        try load(weights)
        anchor = weights
        if settings.resetAtSync { optimiser.state = AdamW.State() }
    }

    /// Puts back what a snapshot holds.
    func restore(_ weights: AdapterWeights, anchor: AdapterWeights, optimiser state: AdamW.State) throws {
        let parameterCount = weights.valueCount
        guard state.stepCount >= 0, [0, 2 * parameterCount].contains(state.moments.count) else {
            throw SnapshotFault(
                "snapshot: \(state.moments.count) optimiser moments for \(parameterCount) parameters"
            )
        }
        guard anchor.hasSameLayout(as: weights) else {
            throw SnapshotFault("snapshot: its two adapters differ in names or shapes")
        }
        try load(weights)
        self.anchor = anchor
        optimiser.state = state
    }

    private func load(_ weights: AdapterWeights) throws(AdapterFault) {
        do {
            try adapter.load(weights)
        } catch {
            throw AdapterFault(error.description)
        }
    }

    /// Samples responses with the adapter as it stands.
    func sample(
        prompts: [[Int32]],
        count: Int,
        settings: SamplingSettings,
        stream: (_ prompt: Int, _ sample: Int) -> RandomStream
    ) -> [[Completion]] {
        decoder.generate(prompts: prompts, samplesPerPrompt: count, settings: settings, stream: stream)
    }

    /// The log-probabilities of all response tokens of some passes, without learning: under the
    /// adapter, or under the base model alone.
    ///
    /// They go through the same passes as `update`, so that with unchanged parameters they have the
    /// bits that `update` will see.
    func logProbs(_ passes: [LearningPass], temperature: Float, ofBase: Bool = false) -> [Float] {
        passes.flatMap { pass in
            let tape = Tape(recording: false, workspace: decoder.workspace)
            return decoder.responseLogProbs(
                tape: tape,
                batch: pass.batch,
                temperature: temperature,
                withAdapter: !ofBase
            ).toArray()
        }
    }

    /// What one optimiser step did.
    struct Update {
        /// The objective's value before the step, proximal term included.
        var loss: Double
        /// The gradient's norm before clipping.
        var gradientNorm: Double
    }

    /// Takes one optimiser step on an objective of token log-probabilities.
    ///
    /// The step is taken even where there are no passes: moments decay and weights move on, as with a
    /// gradient of zero.
    ///
    /// - Parameters:
    ///   - passes: The batch.
    ///   - temperature: What logits are divided by.
    ///   - objective: The terms' sum for one pass, from the log-probabilities of its tokens.
    /// - Throws: `TrainingFault` if the gradient is not finite; the parameters are then unchanged.
    func update(
        _ passes: [LearningPass],
        temperature: Float,
        objective: (LearningPass, [Float]) -> ObjectiveValue
    ) throws(TrainingFault) -> Update {
        let parameters = adapter.parameters
        zeroGradients(parameters)
        var loss = 0.0
        for pass in passes {
            let tape = Tape(recording: true, workspace: decoder.workspace)
            let logProbs = decoder.responseLogProbs(tape: tape, batch: pass.batch, temperature: temperature)
            let value = objective(pass, logProbs.toArray())
            loss += value.loss
            tape.backward(from: logProbs, seed: value.gradient)
        }
        if proximalWeight > 0 {
            for (parameter, array) in zip(parameters, anchor.arrays) {
                guard let gradient = parameter.gradient else { continue }
                loss += ProximalTerm.add(
                    parameter: parameter.values,
                    anchor: array.values,
                    gradient: gradient,
                    mu: proximalWeight
                )
            }
        }
        let limit = settings.clipNorm > 0 ? settings.clipNorm : .infinity
        let norm = clipGradientNorm(parameters, max: limit)
        guard norm.isFinite, loss.isFinite else { throw TrainingFault(loss: loss, gradientNorm: norm) }
        optimiser.step(parameters: parameters)
        return Update(loss: loss, gradientNorm: norm)
    }

    /// Cuts groups into passes of at most `tokensPerPass` tokens; a group larger than that is a pass
    /// of its own.
    func passes(_ groups: [LearningGroup]) -> [LearningPass] {
        var passes: [LearningPass] = []
        var first = 0
        var position = (response: 0, token: 0)
        while first < groups.count {
            var end = first + 1
            var size = groups[first].tokenCount
            while end < groups.count, size + groups[end].tokenCount <= tokensPerPass {
                size += groups[end].tokenCount
                end += 1
            }
            let members = groups[first..<end]
            let lengths = members.flatMap { $0.responses.map(\.count) }
            let tokens = lengths.reduce(0, +)
            passes.append(
                LearningPass(
                    batch: PackedBatch(groups: members.map { (prompt: $0.prompt, responses: $0.responses) }),
                    lengths: lengths,
                    responses: position.response..<position.response + lengths.count,
                    tokens: position.token..<position.token + tokens
                )
            )
            position = (position.response + lengths.count, position.token + tokens)
            first = end
        }
        return passes
    }
}

/// A prompt with the responses to learn from.
struct LearningGroup {
    var prompt: [Int32]
    var responses: [[Int32]]

    /// All tokens, the prompt counted once.
    var tokenCount: Int { responses.reduce(prompt.count) { $0 + $1.count } }
}

/// The part of a batch that goes through the model at once.
struct LearningPass {
    let batch: PackedBatch
    /// The tokens of each response.
    let lengths: [Int]
    /// Which of the whole batch's responses these are.
    let responses: Range<Int>
    /// Which of the whole batch's response tokens these are.
    let tokens: Range<Int>
}

/// A step whose loss or gradient is not finite.
public struct TrainingFault: Error, Equatable, CustomStringConvertible {
    /// The loss.
    public var loss: Double
    /// The gradient's norm.
    public var gradientNorm: Double

    /// The fault in words.
    public var description: String {
        "the step was not taken: loss \(loss), gradient norm \(gradientNorm); try a lower learningRate"
    }
}
