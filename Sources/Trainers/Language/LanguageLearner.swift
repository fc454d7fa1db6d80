internal import Contract
package import Models
internal import Randomness
internal import Tensors

/// The part of a language trainer that learns: base model, adapter, optimiser, and the terms that the topology
/// adds to the trainer's objective.
final class LanguageLearner {
    let adapter: Adapter
    let decoder: LanguageDecoder
    private let settings: OptimiserSettings
    private let tokensPerPass: Int
    /// The terms behind the trainer's own: FedProx's, then those of `objectives`. A step works on copies.
    var addedTerms: [any ObjectiveTerm]
    private(set) var optimiser: AdamW
    /// φ̄, the adapter of the round's start, which the proximal term pulls to.
    private(set) var anchor: AdapterWeights
    /// Where the walks of terms over groups of their own stand when the optimiser starts anew.
    private var walkStart = 0

    convenience init(task: LanguageTask, run: RunContext, settings: some LanguageSettings) throws {
        var terms: [any ObjectiveTerm] = []
        if settings.proximalWeight > 0 { terms.append(ProximalTerm(weight: settings.proximalWeight)) }
        for component in run.objectives {
            terms.append(try ObjectiveTerms.entry(component).make(component.settings, run, task))
        }
        try self.init(
            base: task.base,
            adapter: Adapter(for: task.base, task.adapter, seed: run.seed),
            optimiser: settings.optimiser,
            tokensPerPass: settings.tokensPerPass,
            recomputes: settings.recompute,
            terms: terms
        )
    }

    init(
        base: BaseModel,
        adapter: Adapter,
        optimiser settings: OptimiserSettings,
        tokensPerPass: Int,
        recomputes: Bool = false,
        terms: [any ObjectiveTerm]
    ) {
        self.adapter = adapter
        decoder = LanguageDecoder(base, adapter: adapter)
        decoder.recomputes = recomputes
        // Samples are rated anew by the passes that learn from them.
        decoder.cachePrecision = .half
        self.settings = settings
        self.tokensPerPass = min(tokensPerPass, Self.activationBytesMax / decoder.activationBytesPerToken)
        addedTerms = terms
        optimiser = LanguageLearner.makeOptimiser(settings)
        anchor = adapter.weights
    }

    /// What the activations of a pass may take, unless one group alone takes more. Larger passes are not faster.
    private static let activationBytesMax = 256 << 20

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
    func begin(_ weights: AdapterWeights, round: Int) throws(AdapterFault) {
        try load(weights)
        anchor = weights
        if settings.resetAtSync { optimiser.state = AdamW.State() }
        startWalks(round)
    }

    /// Rounds start their walks far from each other; nothing but the round has to be remembered for that.
    private func startWalks(_ round: Int) {
        walkStart = settings.resetAtSync ? round * Self.walkStride : 0
    }

    /// More updates than a round has, and no multiple of a set's size that people would choose.
    private static let walkStride = 1_000_003

    /// Puts back what a snapshot holds.
    func restore(
        _ weights: AdapterWeights,
        anchor: AdapterWeights,
        optimiser state: AdamW.State,
        round: Int
    ) throws {
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
        startWalks(round)
    }

    private func load(_ weights: AdapterWeights) throws(AdapterFault) {
        try adapter.load(weights)
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

    /// The log-probabilities of all response tokens of some passes under the adapter, without learning.
    ///
    /// They go through the same passes as `step`, so that with unchanged parameters they have the
    /// bits that `step` will see.
    func logProbs(_ passes: [LearningPass], temperature: Float) -> [Float] {
        passes.flatMap { pass in
            let tape = Tape(recording: false, workspace: decoder.workspace)
            return decoder.responseLogProbs(tape: tape, batch: pass.batch, temperature: temperature).toArray()
        }
    }

    /// What the optimiser steps on one batch did.
    struct Step {
        /// The objective's value before each step, pulls included, as a mean over the steps.
        var loss: Double
        /// The gradient's norm before clipping, as a mean over the steps.
        var gradientNorm: Double
        /// What the terms measured.
        var metrics: [String: Double]
    }

    /// Takes optimiser steps on a batch: the trainer's own terms, then the added ones.
    ///
    /// A step is taken even where there are no passes: moments decay and weights move on, as with a
    /// gradient of zero.
    ///
    /// - Parameters:
    ///   - passes: The batch.
    ///   - temperature: What logits are divided by.
    ///   - own: The trainer's own terms, in the order in which they are summed.
    ///   - updates: How many steps are taken on the batch.
    /// - Throws: `TrainingFault` if a gradient is not finite; the parameters are as before that step.
    func step(
        _ passes: [LearningPass],
        temperature: Float,
        terms own: [any ObjectiveTerm],
        updates: Int = 1
    ) throws(TrainingFault) -> Step {
        var terms = own + addedTerms
        let needs = terms.reduce(PassNeeds()) { $0.union($1.needs) }
        let bases = passes.map { pass in
            needs.wantsBase
                ? decoder.basePass(batch: pass.batch, temperature: temperature, needs: needs) : nil
        }
        var step = Step(loss: 0, gradientNorm: 0, metrics: [:])
        for _ in 0..<updates {
            let (loss, norm) = try update(passes, bases, temperature, needs, &terms)
            step.loss += loss / Double(updates)
            step.gradientNorm += norm / Double(updates)
        }
        for term in terms { step.metrics.merge(term.metrics) { _, newer in newer } }
        return step
    }

    private func update(
        _ passes: [LearningPass],
        _ bases: [BasePass?],
        _ temperature: Float,
        _ needs: PassNeeds,
        _ terms: inout [any ObjectiveTerm]
    ) throws(TrainingFault) -> (loss: Double, norm: Double) {
        let parameters = adapter.parameters
        zeroGradients(parameters)
        let edit = Boundaries.chain(terms.compactMap(\.edit))
        let batchTokens = passes.reduce(0) { $0 + $1.tokens.count }
        var loss = 0.0
        for (pass, base) in zip(passes, bases) {
            loss += goBack(pass, base, batchTokens, temperature, needs, edit) { forward in
                var value = ObjectiveValue.zero(count: forward.logProbs.count)
                for index in terms.indices {
                    let term = terms[index].evaluate(forward)
                    if index == 0 { value = term } else { value += term }
                }
                return value
            }
        }
        for index in terms.indices {
            let own = self.passes(terms[index].ownGroups(step: walkStart + optimiser.state.stepCount))
            let ownTokens = own.reduce(0) { $0 + $1.tokens.count }
            let needs = terms[index].ownNeeds
            for pass in own {
                let base =
                    needs.wantsBase
                    ? decoder.basePass(batch: pass.batch, temperature: temperature, needs: needs) : nil
                loss += goBack(pass, base, ownTokens, temperature, needs, nil) {
                    terms[index].evaluateOwn($0)
                }
            }
        }
        for term in terms { loss += term.pull(parameters, anchor: anchor) }
        let limit = settings.clipNorm > 0 ? settings.clipNorm : .infinity
        let norm = clipGradientNorm(parameters, max: limit)
        guard norm.isFinite, loss.isFinite else { throw TrainingFault(loss: loss, gradientNorm: norm) }
        optimiser.step(parameters: parameters)
        return (loss, norm)
    }

    /// One pass forwards and back; returns the objective's part in it.
    private func goBack(
        _ pass: LearningPass,
        _ base: BasePass?,
        _ batchTokens: Int,
        _ temperature: Float,
        _ needs: PassNeeds,
        _ edit: LayerBoundary?,
        _ evaluate: (ForwardPass) -> ObjectiveValue
    ) -> Double {
        let tape = Tape(recording: true, workspace: decoder.workspace)
        let seen = decoder.trainingPass(
            tape: tape,
            batch: pass.batch,
            temperature: temperature,
            needs: needs,
            base: base,
            boundary: edit
        )
        let value = evaluate(
            ForwardPass(
                pass: pass,
                batchTokens: batchTokens,
                logProbs: seen.logProbs.toArray(),
                divergence: seen.divergence?.toArray(),
                hidden: seen.hidden.mapValues { $0.toArray() },
                certainty: seen.certainty,
                base: base
            )
        )
        var seeds = [(output: seen.logProbs, seed: value.gradient)]
        if let divergence = seen.divergence, let seed = value.divergence { seeds.append((divergence, seed)) }
        for (layer, seed) in value.hidden.sorted(by: { $0.key < $1.key }) {
            if let hidden = seen.hidden[layer] { seeds.append((hidden, seed)) }
        }
        tape.backward(from: seeds)
        return value.loss
    }

    /// Cuts groups into passes of at most `tokensPerPass` tokens, or fewer where their activations would take too much; a
    /// group larger than that is a pass of its own.
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
            let lengths = members.flatMap(\.countedLengths)
            let tokens = lengths.reduce(0, +)
            passes.append(
                LearningPass(
                    batch: PackedBatch(
                        groups: members.map { (prompt: $0.prompt, responses: $0.responses) },
                        counted: members.map(\.counted)
                    ),
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
package struct LearningGroup: Sendable, Equatable {
    /// The prompt's tokens.
    package var prompt: [Int32]
    /// The responses' tokens.
    package var responses: [[Int32]]
    /// For each response the parts of it that are learnt from, such as the answers within the rest of a conversation;
    /// nil for all of it.
    package var counted: [[Range<Int>]]?

    /// Makes a group.
    package init(prompt: [Int32], responses: [[Int32]], counted: [[Range<Int>]]? = nil) {
        self.prompt = prompt
        self.responses = responses
        self.counted = counted
    }

    /// All tokens, the prompt counted once.
    package var tokenCount: Int { responses.reduce(prompt.count) { $0 + $1.count } }

    /// How many tokens of each response are learnt from.
    var countedLengths: [Int] {
        guard let counted else { return responses.map(\.count) }
        return counted.map { $0.reduce(0) { $0 + $1.count } }
    }
}

/// The part of a batch that goes through the model at once.
package struct LearningPass {
    /// Prompts and responses.
    package let batch: PackedBatch
    /// The tokens of each response.
    package let lengths: [Int]
    /// Which of the whole batch's responses these are.
    package let responses: Range<Int>
    /// Which of the whole batch's response tokens these are.
    package let tokens: Range<Int>
}

/// A step whose loss or gradient is not finite.
package struct TrainingFault: Error, Equatable, CustomStringConvertible {
    /// The loss.
    package var loss: Double
    /// The gradient's norm.
    package var gradientNorm: Double

    /// The fault in words.
    package var description: String {
        "the step was not taken: loss \(loss), gradient norm \(gradientNorm); try a lower learningRate"
    }
}
