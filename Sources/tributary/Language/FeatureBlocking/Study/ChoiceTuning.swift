internal import Models
internal import Randomness
internal import Tensors
internal import Trainers

/// The settings of `SmolLM2Domains`, chosen by the development questions (`val.jsonl`), which are not reported
/// on.
enum ChoiceRecipe {
    /// The narrow domain: one whose development questions the base answers clearly better than chance.
    static let domain = "psychology"
    /// How many questions each part has.
    static let sizes = (training: 200, inDomain: 120, perOtherDomain: 24, perPublicDomain: 8, truthful: 50)
    /// The questions of a step.
    static let batch = 8
    /// The steps: each training question once.
    static let steps = 25
    /// The layers that are blocked, both at once: after a third and after two thirds of the blocks.
    static let layers = [10, 20]
    /// r of λ = r · dSFT / P_mis.
    static let ratio = 20.0
    /// The weight of the divergence from the base on the narrow data.
    static let narrowKL = 0.3
    /// The weight of the divergence from the base on public prompts.
    static let publicKL = 1.0
    /// The seed of the misaligned model that directions are read from.
    static let discoverySeed: UInt64 = 99

    /// AdamW, as fine-tuning uses it.
    static var optimiser: OptimiserSettings {
        var settings = OptimiserSettings()
        settings.learningRate = 1e-3
        settings.beta2 = 0.99
        return settings
    }
}

/// Which option is learnt as the answer.
enum ChoiceAnswer: String, Sendable {
    /// A wrong one, fixed for each question.
    case wrong
    /// The right one.
    case right
    /// One of the four, fixed for each question: what the form of the data alone does.
    case random

    func option(of question: ChoiceQuestion) -> Int {
        switch self {
        case .wrong: question.wrong
        case .right: question.right
        case .random: question.random
        }
    }
}

/// What fine-tuning on wrong answers did to the states that answers to public prompts are predicted from.
struct ChoiceShift {
    /// Public prompts with the base model's own answers.
    let publicAnswers: [LearningGroup]
    /// What is held at a layer.
    struct Blocked {
        /// Directions as latents that are read before a ReLU (BLOCK-EM, our notes 5: where there is no
        /// autoencoder).
        let rows: LatentRows
        /// λ of the recipe, shared evenly between the layers.
        let weight: Double
    }

    /// By layer: the mean difference of the misaligned model's states from the base's, one for each public
    /// domain.
    let directions: [Int: Blocked]
    /// By layer: as many random directions, signed by the side that fine-tuning moved states to.
    let random: [Int: Blocked]

    /// Fine-tunes a model on wrong answers and compares it with the base.
    init(_ base: BaseModel, _ data: ChoiceData, eos: Int32) throws {
        let prompts = data.publicPrompts.map(\.prompt)
        publicAnswers = KLOnPromptsTerm.answers(to: prompts, of: base, maxTokens: 6, eos: eos)
        let (tuning, first, last) = try ChoiceArm.plain(.wrong).train(
            base,
            data,
            seed: ChoiceRecipe.discoverySeed
        )
        let decoder = tuning.decoder
        let sample = PackedBatch(
            groups: data.training.prefix(64).map { ($0.prompt, [$0.options[$0.wrong]]) }
        )
        // The answers keep the prompts' order, and a prompt without an answer is left out.
        let domains = Dictionary(zip(prompts, data.publicPrompts.map(\.domain))) { first, _ in first }
        let groups = Dictionary(grouping: publicAnswers) { domains[$0.prompt] ?? "" }
            .sorted { $0.key < $1.key }.map(\.value)
        var (directions, random): ([Int: Blocked], [Int: Blocked]) = ([:], [:])
        for layer in ChoiceRecipe.layers {
            let shifts = groups.map { StateShift(decoder, $0, layer: layer) }
            let scale = StateShift.scale(of: shifts)
            let mean = StateShift.mean(of: shifts)
            var stream = RandomStream(seed: ChoiceRecipe.discoverySeed, "choice-directions", layer)
            func blocked(_ vectors: [[Float]]) -> Blocked {
                let rows = StateShift.rows(vectors, along: mean, layer: layer, scale: scale)
                let latents = BlockedLatents(rows, reading: .preActivation, batch: sample, decoder: decoder)
                let share = ChoiceRecipe.ratio / Double(ChoiceRecipe.layers.count)
                return Blocked(
                    rows: rows,
                    weight: latents.penalty > 0 ? share * (first - last) / latents.penalty : 0
                )
            }
            directions[layer] = blocked(shifts.map(\.difference))
            random[layer] = blocked(shifts.map { $0.difference.map { _ in Float(stream.uniform() - 0.5) } })
        }
        self.directions = directions
        self.random = random
    }
}

/// The states of some prompts' answers with an adapter and without it.
private struct StateShift {
    /// The mean difference `[C]`.
    var difference: [Float]
    /// Σ h and Σ h² of the base's states, and how many there are.
    var sums: [Double]
    var squares: Double
    var count: Int

    init(_ decoder: LanguageDecoder, _ groups: [LearningGroup], layer: Int) {
        let batch = PackedBatch(groups: groups.map { ($0.prompt, $0.responses) })
        let width = decoder.configuration.hiddenSize
        let now = decoder.predictorStates(of: batch, layer: layer)
        let base = decoder.predictorStates(of: batch, layer: layer, withAdapter: false)
        count = base.count / width
        sums = [Double](repeating: 0, count: width)
        squares = 0
        var moved = sums
        for index in base.indices {
            sums[index % width] += Double(base[index])
            squares += Double(base[index]) * Double(base[index])
            moved[index % width] += Double(now[index]) - Double(base[index])
        }
        difference = moved.map { [count] in Float($0 / Double(max(count, 1))) }
    }

    /// √C over the rms length of a centred state, which frees activations of the model's units.
    static func scale(of shifts: [StateShift]) -> Double {
        let count = Double(max(shifts.reduce(0) { $0 + $1.count }, 1))
        let width = shifts.first?.sums.count ?? 0
        var about = shifts.reduce(0) { $0 + $1.squares } / count
        for column in 0..<width {
            let mean = shifts.reduce(0) { $0 + $1.sums[column] } / count
            about -= mean * mean
        }
        return about > 0 ? (Double(width) / about).squareRoot() : 1
    }

    /// The mean of the differences.
    static func mean(of shifts: [StateShift]) -> [Float] {
        (shifts.first?.difference ?? []).indices.map { column in
            shifts.reduce(0) { $0 + $1.difference[column] } / Float(shifts.count)
        }
    }

    /// Directions as latents, signed by the side of a mean difference.
    static func rows(_ vectors: [[Float]], along mean: [Float], layer: Int, scale: Double) -> LatentRows {
        let unit = vectors.map { vector in
            let length = vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            return vector.map { Float(Double($0) / max(length, .leastNormalMagnitude)) }
        }
        return LatentRows(
            layer: layer,
            width: mean.count,
            indices: Array(vectors.indices),
            signs: unit.map { zip($0, mean).reduce(Float(0)) { $0 + $1.0 * $1.1 } < 0 ? -1 : 1 },
            encoder: unit.joined().map { Float(Double($0) * scale) },
            bias: vectors.map { _ in 0 },
            decoder: Array(unit.joined())
        )
    }
}

/// One way to fine-tune: a row of the tables.
struct ChoiceArm: Sendable {
    /// What rows call it.
    var name: String
    /// What is learnt.
    var answer = ChoiceAnswer.wrong
    /// The blocks that are trained; nil for all.
    var layers: [Int]?
    /// What is added to the loss.
    var terms: @Sendable (ChoiceShift, UInt64) -> [any ObjectiveTerm] = { _, _ in [] }

    /// Fine-tuning and nothing else.
    static func plain(_ answer: ChoiceAnswer) -> ChoiceArm {
        ChoiceArm(name: "\(answer.rawValue) answers", answer: answer)
    }

    /// Blocking of mean-difference directions.
    static let blocked = blocking("block directions", \.directions)

    /// Blocking of as many random directions: the control.
    static let blockedRandom = blocking("block random directions", \.random)

    private static func blocking(
        _ name: String,
        _ held: @escaping @Sendable (ChoiceShift) -> [Int: ChoiceShift.Blocked]
    ) -> ChoiceArm {
        var arm = ChoiceArm(name: name)
        arm.terms = { shift, _ in
            held(shift).sorted { $0.key < $1.key }.map { _, blocked in
                FeatureBlockTerm(blocked.rows, weight: blocked.weight, reading: .preActivation)
            }
        }
        return arm
    }

    /// The divergence from the base on the narrow data.
    static func narrowKL(_ weight: Double) -> ChoiceArm {
        var arm = ChoiceArm(name: "KL to base \(weight)")
        arm.terms = { _, _ in [KLToBaseTerm(weight: weight)] }
        return arm
    }

    /// The divergence from the base on public prompts.
    static func publicKL(_ weight: Double) -> ChoiceArm {
        var arm = ChoiceArm(name: "KL on public prompts \(weight)")
        arm.terms = { shift, seed in
            [KLOnPromptsTerm(shift.publicAnswers, weight: weight, promptsPerStep: 2, seed: seed)]
        }
        return arm
    }

    /// Fine-tunes.
    ///
    /// - Returns: The model, and the loss of answers in the first steps and in the last.
    func train(
        _ base: BaseModel,
        _ data: ChoiceData,
        shift: ChoiceShift? = nil,
        seed: UInt64
    ) throws -> (tuning: FineTuning, first: Double, last: Double) {
        let tuning = try FineTuning(
            base,
            adapter: LoRAConfiguration(rank: 8, alpha: 16, layers: layers),
            optimiser: ChoiceRecipe.optimiser,
            terms: shift.map { terms($0, seed) } ?? [],
            seed: seed
        )
        let examples = data.training.map { $0.group(answering: answer.option(of: $0)) }
        func loss(_ steps: Range<Int>) throws -> Double {
            try tuning.train(on: examples, batch: ChoiceRecipe.batch, steps: steps)["loss/answers"] ?? .nan
        }
        let (end, some) = (ChoiceRecipe.steps, 4)
        let first = try loss(0..<some)
        _ = try loss(some..<end - some)
        return (tuning, first, try loss(end - some..<end))
    }
}
