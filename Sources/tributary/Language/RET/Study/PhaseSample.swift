internal import Digest
internal import Models
internal import Randomness
internal import Tasks
internal import Tensors
internal import Trainers

/// Completions that a trained model drew of prompts of the phase language, with its hidden states and with
/// what is known of each token. Rows are generated tokens without `<eos>`, completion after completion.
struct PhaseSample: Sendable {
    /// By layer boundary, the states.
    let sets: [Int: TrajectorySet]
    /// The rows of each completion.
    let rows: [Range<Int>]
    /// The phase of each row, 0 … 4; -1 in front of the first cue word.
    let phases: [Int32]
    /// The token of each row.
    let tokens: [Int32]
    /// Which 16 tokens of its completion each row is in.
    let positions: [Int32]
    /// Whether each completion gives way to the user's claim: what the model itself said.
    let caves: [Bool]
    /// How many rows each completion has in front of its answer.
    let bodyRows: [Int]
    /// The tokens of the prompts, 20 each.
    let prompts: [[Int32]]
    /// By layer boundary, the mean state of each prompt, `[N, C]`.
    let promptMeans: [Int: [Float]]
    /// The part of the drawn completions that have no stance.
    let undecidedPart: Double

    /// The first half of the completions.
    var train: [Int] { Array(0..<rows.count / 2) }
    /// The second half.
    var test: [Int] { Array(rows.count / 2..<rows.count) }

    /// The completions as trajectories of a layer.
    func subset(_ layer: Int, _ indices: [Int]) -> TrajectorySubset {
        guard let set = sets[layer] else { preconditionFailure("PhaseSample: layer \(layer) is not read") }
        return set.subset(indices)
    }

    /// All rows of some completions.
    func rows(of indices: [Int]) -> [Int] { indices.flatMap { rows[$0] } }

    /// Draws completions.
    ///
    /// - Parameters:
    ///   - model: A model of the phase language.
    ///   - language: Whose prompts are taken.
    ///   - count: How many completions with a stance are kept; a few more are drawn.
    ///   - seed: Of prompts and draws.
    init(_ model: BaseModel, _ language: PhaseLanguage, count: Int, seed: UInt64) {
        let decoder = LanguageDecoder(model)
        let drawn = PhaseSample.draw(decoder, language, count: count + max(10, count / 50), seed: seed)
        let decided = drawn.filter { PhaseLanguage.stance(of: $0.completion) != nil }
        let undecidedPart = 1 - Double(decided.count) / Double(max(1, drawn.count))
        self.init(decoder, model, Array(decided.prefix(count)), undecidedPart: undecidedPart)
    }

    /// Prompts and what the model makes of them at temperature 1.
    static func draw(
        _ decoder: LanguageDecoder,
        _ language: PhaseLanguage,
        count: Int,
        seed: UInt64,
        hook: SamplingHook? = nil
    ) -> [(prompt: [Int32], completion: [Int32])] {
        var stream = RandomStream(seed: seed, "phase-sample", "prompts")
        let prompts = (0..<count).map { _ in
            Array(language.text(from: &stream).tokens.prefix(PhaseLanguage.promptTokens))
        }
        let settings = SamplingSettings(
            maxTokens: 210 - PhaseLanguage.promptTokens,
            stop: PhaseLanguage.end
        )
        let completions = decoder.generate(
            prompts: prompts,
            samplesPerPrompt: 1,
            settings: settings,
            hook: hook
        ) { prompt, _ in RandomStream(seed: seed, "phase-sample", prompt) }
        return zip(prompts, completions).map { prompt, completions in
            (prompt, completions[0].tokens.filter { $0 != PhaseLanguage.end })
        }
    }

    /// Runs the model over given completions.
    init(
        _ decoder: LanguageDecoder,
        _ model: BaseModel,
        _ texts: [(prompt: [Int32], completion: [Int32])],
        undecidedPart: Double = 0
    ) {
        let layers = Array(1...decoder.configuration.layerCount)
        let width = decoder.configuration.hiddenSize
        var bits = [[UInt16]](repeating: [], count: layers.count)
        var means = [[Float]](repeating: [], count: layers.count)
        for first in stride(from: 0, to: texts.count, by: 32) {
            let part = texts[first..<min(first + 32, texts.count)]
            let batch = PackedBatch(groups: part.map { (prompt: $0.prompt + $0.completion, responses: []) })
            let tape = Tape(recording: false, workspace: decoder.workspace)
            _ = decoder.hidden(tape: tape, batch: batch) { _, index, residual in
                guard index > 0 else { return residual }
                for segment in batch.segments {
                    let split = segment.rows.lowerBound + PhaseLanguage.promptTokens
                    for column in 0..<width {
                        let sum = (segment.rows.lowerBound..<split).reduce(Float(0)) {
                            $0 + residual.values[$1 * width + column]
                        }
                        means[index - 1].append(sum / Float(PhaseLanguage.promptTokens))
                    }
                    let own = residual.values[split * width..<segment.rows.upperBound * width]
                    bits[index - 1] += Half.bits(Array(own))
                }
                return residual
            }
        }
        let trajectories = texts.enumerated().map { index, text in
            Trajectory(
                id: "\(index)",
                topic: "",
                tokens: text.completion,
                promptCount: 0,
                rows: 0..<text.completion.count
            )
        }
        var sets: [Int: TrajectorySet] = [:]
        for (place, layer) in layers.enumerated() {
            let source = StateSource(
                model: model.identity.description,
                name: model.source.description,
                layers: [layer],
                width: width
            )
            sets[layer] = TrajectorySet(source: source, trajectories: trajectories, states: bits[place])
        }
        self.sets = sets
        promptMeans = Dictionary(uniqueKeysWithValues: zip(layers, means))
        let phases = texts.map { PhaseLanguage.phases(of: $0.completion) }
        self.phases = phases.flatMap { $0.map { $0.map { Int32($0.index) } ?? -1 } }
        tokens = texts.flatMap(\.completion)
        positions = texts.flatMap { $0.completion.indices.map { Int32($0 / 16) } }
        caves = texts.map { PhaseLanguage.stance(of: $0.completion) ?? false }
        bodyRows = phases.map { $0.firstIndex(of: .answer) ?? $0.count }
        prompts = texts.map(\.prompt)
        var row = 0
        rows = texts.map { text in
            defer { row += text.completion.count }
            return row..<row + text.completion.count
        }
        self.undecidedPart = undecidedPart
    }
}
