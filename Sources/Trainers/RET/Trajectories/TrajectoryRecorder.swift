internal import Contract
internal import Digest
package import Models
package import Randomness
internal import Tensors

/// Records the hidden states of a frozen decoder, in half precision, while it reads or generates.
package final class TrajectoryRecorder {
    /// Which model and layers.
    package private(set) var source: StateSource
    private let decoder: LanguageDecoder
    private let layers: [Int]

    /// A text to read, or a prompt to go on from.
    package struct Given: Sendable, Equatable {
        /// The identifier, unique within the set.
        package var id: String
        /// What it is about.
        package var topic: String
        /// Its tokens, at least one.
        package var tokens: [Int32]

        /// Names a text.
        package init(id: String, topic: String, tokens: [Int32]) {
            self.id = id
            self.topic = topic
            self.tokens = tokens
        }
    }

    /// One trajectory with its states, `[T, d]` in binary16.
    package struct Recording: Sendable, Equatable {
        /// The trajectory; its rows count from 0.
        package var trajectory: Trajectory
        /// Its states.
        package var states: [UInt16]
        /// All tokens that were generated, with the last one, which has no state; none where a text was read.
        package var response: [Int32] = []
    }

    /// Prepares to record.
    ///
    /// - Parameters:
    ///   - decoder: The model, with or without an adapter.
    ///   - base: What it is made of.
    ///   - layers: Layer boundaries, 0 … number of blocks.
    /// - Throws: `TrajectoryFault` for a layer that the model does not have.
    package init(_ decoder: LanguageDecoder, of base: BaseModel, layers: [Int]) throws(TrajectoryFault) {
        let blocks = decoder.configuration.layerCount
        guard !layers.isEmpty, Set(layers).count == layers.count, layers.allSatisfy((0...blocks).contains)
        else {
            throw TrajectoryFault(
                "",
                "found layers \(layers), expected different ones of 0 … \(blocks): 0 is after the embedding, \(blocks) after the last block"
            )
        }
        self.decoder = decoder
        self.layers = layers.sorted()
        source = StateSource(
            model: base.identity.description,
            name: base.source.description,
            layers: layers.sorted(),
            width: decoder.configuration.hiddenSize
        )
        if let adapter = decoder.adapter {
            let hash = SHA256()
            for array in adapter.weights.arrays {
                hash.update(Array(array.name.utf8))
                hash.update(FloatPayload.encode(array.values))
            }
            source.adapter = hash.finish().description
        }
    }

    /// Cuts texts into passes of at most `tokensPerPass` tokens; a text longer than that is a pass of its own.
    ///
    /// - Parameter extra: How many tokens may follow each.
    package static func passes(of texts: [Given], extra: Int, tokensPerPass: Int) -> [Range<Int>] {
        var (passes, first, size) = ([Range<Int>](), 0, 0)
        for (index, text) in texts.enumerated() {
            let own = text.tokens.count + extra
            if index > first, size + own > tokensPerPass {
                passes.append(first..<index)
                (first, size) = (index, 0)
            }
            size += own
        }
        if first < texts.count { passes.append(first..<texts.count) }
        return passes
    }

    /// Records texts as the model reads them, packed into one pass.
    ///
    /// - Parameters:
    ///   - texts: No longer than the model's positions.
    ///   - promptCounts: How many leading tokens of each are not learnt from; none if nil.
    ///   - withAdapter: False reads with the base model.
    package func read(_ texts: [Given], promptCounts: [Int]? = nil, withAdapter: Bool = true) -> [Recording] {
        guard !texts.isEmpty else { return [] }
        let batch = PackedBatch(groups: texts.map { (prompt: $0.tokens, responses: []) })
        let (layers, width) = (layers, source.stateWidth)
        var states = texts.map { [UInt16](repeating: 0, count: $0.tokens.count * width) }
        let tape = Tape(recording: false, workspace: decoder.workspace)
        _ = decoder.hidden(tape: tape, batch: batch, withAdapter: withAdapter) { _, index, residual in
            guard let place = layers.firstIndex(of: index) else { return residual }
            var row = 0
            for text in texts.indices {
                StateRows(layers: layers.count, residual.columns).round(
                    residual,
                    rows: row..<row + texts[text].tokens.count,
                    into: &states[text],
                    place: place
                )
                row += texts[text].tokens.count
            }
            return residual
        }
        return texts.enumerated().map { index, text in
            let trajectory = Trajectory(
                id: text.id,
                topic: text.topic,
                tokens: text.tokens,
                promptCount: promptCounts?[index] ?? 0,
                rows: 0..<text.tokens.count
            )
            return Recording(trajectory: trajectory, states: states[index])
        }
    }

    /// Records prompts and what the model makes of them. The last token drawn is not put in again, so it has no state
    /// and is left out.
    ///
    /// - Parameters:
    ///   - prompts: At least one token each.
    ///   - settings: How responses are drawn.
    ///   - withAdapter: False draws from the base model.
    ///   - steering: What is done at layer boundaries meanwhile; recorded states are those after it.
    ///   - stream: The random numbers of a response, by the prompt's place.
    package func generate(
        _ prompts: [Given],
        settings: SamplingSettings,
        withAdapter: Bool = true,
        steering: SamplingHook? = nil,
        stream: (Int) -> RandomStream
    ) -> [Recording] {
        var states = prompts.map { _ in [UInt16]() }
        let (layers, width) = (layers, source.stateWidth)
        let completions = decoder.generate(
            prompts: prompts.map(\.tokens),
            samplesPerPrompt: 1,
            settings: settings,
            withAdapter: withAdapter,
            hook: { rows in
                let boundary = steering?(rows)
                var bits = [UInt16](repeating: 0, count: rows.tokens.count * width)
                return { tape, index, residual in
                    let steered = boundary?(tape, index, residual) ?? residual
                    guard let place = layers.firstIndex(of: index) else { return steered }
                    let all = StateRows(layers: layers.count, residual.columns)
                    all.round(steered, rows: 0..<rows.tokens.count, into: &bits, place: place)
                    guard place == layers.count - 1 else { return steered }
                    for (row, origin) in rows.origins.enumerated() {
                        let prompt =
                            switch origin {
                            case .prompt(let prompt): prompt
                            case .sample(let prompt, _): prompt
                            }
                        states[prompt] += bits[row * width..<(row + 1) * width]
                    }
                    return steered
                }
            }
        ) { prompt, _ in stream(prompt) }
        return prompts.enumerated().map { index, prompt in
            let response = completions[index][0].tokens
            let tokens = prompt.tokens + response.dropLast()
            let trajectory = Trajectory(
                id: prompt.id,
                topic: prompt.topic,
                tokens: tokens,
                promptCount: prompt.tokens.count,
                rows: 0..<tokens.count
            )
            return Recording(trajectory: trajectory, states: states[index], response: response)
        }
    }
}

/// Rows of states: the residual streams of several layers side by side, in half precision.
private struct StateRows {
    private let layers: Int
    private let width: Int

    init(layers: Int, _ width: Int) {
        self.layers = layers
        self.width = width
    }

    /// Rounds some rows of one layer's stream `[N, C]` into its place in states `[rows, layers · C]`.
    func round(_ residual: Tensor, rows: Range<Int>, into bits: inout [UInt16], place: Int) {
        let values = UnsafeBufferPointer(residual.values)
        bits.withUnsafeMutableBufferPointer { bits in
            if layers == 1 {
                Half.round(
                    UnsafeBufferPointer(rebasing: values[rows.lowerBound * width..<rows.upperBound * width]),
                    into: bits
                )
                return
            }
            for row in rows {
                let first = ((row - rows.lowerBound) * layers + place) * width
                Half.round(
                    UnsafeBufferPointer(rebasing: values[row * width..<(row + 1) * width]),
                    into: UnsafeMutableBufferPointer(rebasing: bits[first..<first + width])
                )
            }
        }
    }
}

extension TrajectorySet {
    /// A set in memory of what was recorded.
    package convenience init(source: StateSource, recordings: [TrajectoryRecorder.Recording]) {
        self.init(
            source: source,
            trajectories: recordings.map(\.trajectory),
            states: recordings.flatMap(\.states)
        )
    }
}

extension TrajectorySet {
    /// This set in memory without the trajectories that there is nothing to learn from.
    func withoutEmpty() throws(TrajectoryFault) -> TrajectorySet {
        guard trajectories.contains(where: \.learnableRows.isEmpty) else { return self }
        var recordings: [TrajectoryRecorder.Recording] = []
        for trajectory in trajectories where !trajectory.learnableRows.isEmpty {
            recordings.append(.init(trajectory: trajectory, states: Half.bits(try states(trajectory.rows))))
        }
        return TrajectorySet(source: source, recordings: recordings)
    }
}
