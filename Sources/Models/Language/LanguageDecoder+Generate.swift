package import Randomness
internal import Tensors

extension LanguageDecoder {
    /// Draws responses to prompts.
    ///
    /// All prompts are run once, packed; then all unfinished samples take one token at a time together, over
    /// cached keys and values. A sample draws one uniform number per token from its own stream and depends on
    /// no other sample, except that the last bits of matrix products can depend on the number of rows; the
    /// same call on the same machine always gives the same samples. Where the logits are not finite, as with
    /// an adapter that diverged, a sample ends without having finished.
    ///
    /// - Parameters:
    ///   - prompts: Not empty ones; prompt and response must fit in the configuration's `positionsMax`.
    ///   - samplesPerPrompt: K.
    ///   - settings: Length, temperature, top-p, stop token.
    ///   - withAdapter: False draws from the base model.
    ///   - stream: The random numbers of a sample, by the index of its prompt and its own, 0 ..< K.
    /// - Returns: For each prompt K completions.
    package func generate(
        prompts: [[Int32]],
        samplesPerPrompt: Int,
        settings: SamplingSettings,
        withAdapter: Bool = true,
        stream: (_ promptIndex: Int, _ sampleIndex: Int) -> RandomStream
    ) -> [[Completion]] {
        settings.check()
        precondition(samplesPerPrompt > 0, "generate: \(samplesPerPrompt) samples per prompt")
        guard !prompts.isEmpty else { return [] }
        let longest = prompts.reduce(0) { max($0, $1.count) }
        precondition(
            longest + settings.maxTokens <= configuration.positionsMax,
            "generate: a prompt of \(longest) tokens and a response of \(settings.maxTokens) exceed "
                + "\(configuration.positionsMax) positions"
        )
        var generation = Generation(
            decoder: self,
            adapter: withAdapter ? adapter : nil,
            prompts: prompts,
            samplesPerPrompt: samplesPerPrompt,
            settings: settings,
            stream: stream
        )
        generation.run()
        return (0..<prompts.count).map { prompt in
            (0..<samplesPerPrompt).map { generation.samples[prompt * samplesPerPrompt + $0].completion }
        }
    }
}

/// One call of `generate` at work.
private struct Generation {
    struct Sample {
        let prompt: Range<Int>
        var stream: RandomStream
        var completion = Completion(tokens: [], logProbs: [], finished: false)
        /// Whether no more tokens are to be drawn.
        var isOver = false
    }

    private let decoder: LanguageDecoder
    private let adapter: Adapter?
    private let settings: SamplingSettings
    private let batch: PackedBatch
    private let samplesPerPrompt: Int
    private let cache: KeyValueCache
    var samples: [Sample] = []

    init(
        decoder: LanguageDecoder,
        adapter: Adapter?,
        prompts: [[Int32]],
        samplesPerPrompt: Int,
        settings: SamplingSettings,
        stream: (Int, Int) -> RandomStream
    ) {
        self.decoder = decoder
        self.adapter = adapter
        self.settings = settings
        self.samplesPerPrompt = samplesPerPrompt
        batch = PackedBatch(groups: prompts.map { ($0, []) })
        cache = KeyValueCache(
            slots: prompts.count * samplesPerPrompt,
            tokensMax: settings.maxTokens - 1,
            width: decoder.configuration.keyValueHeadCount * decoder.configuration.headSize
        )
        for (index, segment) in batch.segments.enumerated() {
            for sample in 0..<samplesPerPrompt {
                samples.append(Sample(prompt: segment.rows, stream: stream(index, sample)))
            }
        }
    }

    mutating func run() {
        prefill()
        var live = samples.indices.filter { !samples[$0].isOver }
        for step in 0..<settings.maxTokens - 1 where !live.isEmpty {
            decode(live, step: step)
            live.removeAll { samples[$0].isOver }
        }
    }

    /// Runs the prompts, keeps their keys and values, and draws each sample's first token.
    private mutating func prefill() {
        let tape = Tape(recording: false, workspace: decoder.workspace)
        let configuration = decoder.configuration
        let states = decoder.hidden(
            tape: tape,
            tokens: batch.tokens,
            positions: batch.positions,
            adapter: adapter,
            boundary: nil
        ) { [batch, cache] _, q, k, v in
            cache.appendLayer(promptKeys: k, promptValues: v)
            return tape.attention(
                q: q,
                k: k,
                v: v,
                segments: batch.segments,
                heads: configuration.headCount,
                keyValueHeads: configuration.keyValueHeadCount
            )
        }
        let last = batch.segments.map { Int32($0.rows.upperBound - 1) }
        let logits = tape.logits(tape.gatherRows(states, rows: last), head: decoder.parameters.head)
        for prompt in batch.segments.indices {
            let distribution = distribution(logits, row: prompt)
            for sample in prompt * samplesPerPrompt..<(prompt + 1) * samplesPerPrompt {
                draw(sample, from: distribution)
            }
        }
    }

    /// Puts the last token of each live sample in and draws its next one.
    private mutating func decode(_ live: [Int], step: Int) {
        cache.reserve(step + 1)
        let tape = Tape(recording: false, workspace: decoder.workspace)
        let configuration = decoder.configuration
        let places = live.map { (slot: $0, prompt: samples[$0].prompt) }
        let states = decoder.hidden(
            tape: tape,
            tokens: live.map { samples[$0].completion.tokens[step] },
            positions: places.map { Int32($0.prompt.count + step) },
            adapter: adapter,
            boundary: nil
        ) { [cache] layer, q, k, v in
            tape.cachedAttention(
                q: [q],
                offsets: [0],
                segments: cache.store(layer: layer, keys: k, values: v, step: step, samples: places),
                heads: configuration.headCount,
                keyValueHeads: configuration.keyValueHeadCount
            )
        }
        let logits = tape.logits(states, head: decoder.parameters.head)
        for (row, sample) in live.enumerated() {
            draw(sample, from: distribution(logits, row: row))
        }
    }

    private func distribution(_ logits: Tensor, row: Int) -> TokenDistribution? {
        let start = row * logits.columns
        let values = UnsafeBufferPointer(rebasing: logits.values[start..<start + logits.columns])
        return TokenDistribution(logits: values, settings: settings)
    }

    private mutating func draw(_ sample: Int, from distribution: TokenDistribution?) {
        guard let (token, logProb) = distribution?.draw(&samples[sample].stream) else {
            samples[sample].isOver = true
            return
        }
        samples[sample].completion.tokens.append(token)
        samples[sample].completion.logProbs.append(logProb)
        samples[sample].completion.finished = token == settings.stop
        samples[sample].isOver = token == settings.stop
    }
}
