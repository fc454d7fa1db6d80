internal import Digest
package import Models
package import Randomness
internal import Tensors

/// Records the hidden states of a frozen decoder, in half precision, while it reads or generates.
package final class TrajectoryRecorder {
    /// Which model and layers.
    package let source: StateSource
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
            model: base.sha256.description,
            name: base.source.description,
            layers: layers.sorted(),
            width: decoder.configuration.hiddenSize
        )
    }

    /// Records texts as the model reads them, packed into one pass.
    ///
    /// - Parameters:
    ///   - texts: No longer than the model's positions.
    ///   - promptCounts: How many leading tokens of each were given; all if nil.
    ///   - withAdapter: False reads with the base model.
    package func read(_ texts: [Given], promptCounts: [Int]? = nil, withAdapter: Bool = true) -> [Recording] {
        guard !texts.isEmpty else { return [] }
        let batch = PackedBatch(groups: texts.map { (prompt: $0.tokens, responses: []) })
        var collector = StateCollector(layers: layers, width: source.width, rows: batch.tokens.count)
        let tape = Tape(recording: false, workspace: decoder.workspace)
        _ = decoder.hidden(tape: tape, batch: batch, withAdapter: withAdapter) { _, index, residual in
            collector.take(residual, layer: index)
            return residual
        }
        var row = 0
        return texts.enumerated().map { index, text in
            defer { row += text.tokens.count }
            let trajectory = Trajectory(
                id: text.id,
                topic: text.topic,
                tokens: text.tokens,
                promptCount: promptCounts?[index] ?? text.tokens.count,
                rows: 0..<text.tokens.count
            )
            let width = source.stateWidth
            let states = Array(collector.bits[row * width..<(row + text.tokens.count) * width])
            return Recording(trajectory: trajectory, states: states)
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
        let (layers, width) = (layers, source.width)
        let completions = decoder.generate(
            prompts: prompts.map(\.tokens),
            samplesPerPrompt: 1,
            settings: settings,
            withAdapter: withAdapter,
            hook: { rows in
                let boundary = steering?(rows)
                var collector = StateCollector(layers: layers, width: width, rows: rows.tokens.count)
                return { tape, index, residual in
                    let steered = boundary?(tape, index, residual) ?? residual
                    if collector.take(steered, layer: index) {
                        for (row, origin) in rows.origins.enumerated() {
                            let prompt =
                                switch origin {
                                case .prompt(let prompt): prompt
                                case .sample(let prompt, _): prompt
                                }
                            states[prompt] +=
                                collector.bits[row * collector.stride..<(row + 1) * collector.stride]
                        }
                    }
                    return steered
                }
            }
        ) { prompt, _ in stream(prompt) }
        return prompts.enumerated().map { index, prompt in
            let tokens = prompt.tokens + completions[index][0].tokens.dropLast()
            let trajectory = Trajectory(
                id: prompt.id,
                topic: prompt.topic,
                tokens: tokens,
                promptCount: prompt.tokens.count,
                rows: 0..<tokens.count
            )
            return Recording(trajectory: trajectory, states: states[index])
        }
    }
}

/// Puts the residual streams of several layers side by side, in half precision.
private struct StateCollector {
    /// d.
    let stride: Int
    /// `[rows, d]`.
    private(set) var bits: [UInt16]
    private let layers: [Int]
    private let width: Int
    private let rows: Int

    init(layers: [Int], width: Int, rows: Int) {
        self.layers = layers
        self.width = width
        self.rows = rows
        stride = layers.count * width
        bits = [UInt16](repeating: 0, count: rows * stride)
    }

    /// Takes one layer's stream `[rows, C]` if it is wanted.
    ///
    /// - Returns: Whether it was the last one wanted.
    @discardableResult
    mutating func take(_ residual: Tensor, layer: Int) -> Bool {
        guard let place = layers.firstIndex(of: layer) else { return false }
        let values = UnsafeBufferPointer(residual.values)
        bits.withUnsafeMutableBufferPointer { bits in
            if layers.count == 1 {
                Half.round(values, into: bits)
            } else {
                for row in 0..<rows {
                    let first = row * stride + place * width
                    Half.round(
                        UnsafeBufferPointer(rebasing: values[row * width..<(row + 1) * width]),
                        into: UnsafeMutableBufferPointer(rebasing: bits[first..<first + width])
                    )
                }
            }
        }
        return place == layers.count - 1
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
