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
    ///   - hook: Sees, and may change, the residual stream of every token that is put in.
    ///   - observe: Is told of each token as it is drawn.
    ///   - stream: The random numbers of a sample, by the index of its prompt and its own, 0 ..< K.
    /// - Returns: For each prompt K completions.
    package func generate(
        prompts: [[Int32]],
        samplesPerPrompt: Int,
        settings: SamplingSettings,
        withAdapter: Bool = true,
        hook: SamplingHook? = nil,
        observe: TokenObserver? = nil,
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
            hook: hook,
            observe: observe,
            stream: stream
        )
        generation.run()
        return (0..<prompts.count).map { prompt in
            (0..<samplesPerPrompt).map { generation.samples[prompt * samplesPerPrompt + $0].completion }
        }
    }
}

/// What is told of a token that was drawn: the indices of its prompt and sample, and whether it ends the
/// sample.
package typealias TokenObserver = (_ prompt: Int, _ sample: Int, _ token: Int32, _ isEnd: Bool) -> Void

/// One call of `generate` at work.
private struct Generation {
    struct Sample {
        let prompt: Int
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
    private let hook: SamplingHook?
    private let observe: TokenObserver?
    private let caches: [any AttentionCache]
    private var cap: Float? { decoder.configuration.logitCap }
    var samples: [Sample] = []

    init(
        decoder: LanguageDecoder,
        adapter: Adapter?,
        prompts: [[Int32]],
        samplesPerPrompt: Int,
        settings: SamplingSettings,
        hook: SamplingHook?,
        observe: TokenObserver?,
        stream: (Int, Int) -> RandomStream
    ) {
        self.decoder = decoder
        self.adapter = adapter
        self.settings = settings
        self.samplesPerPrompt = samplesPerPrompt
        self.hook = hook
        self.observe = observe
        batch = PackedBatch(groups: prompts.map { ($0, []) })
        let model = adapter?.adapted ?? decoder.configuration
        caches = (0..<model.layerCount).map { layer in
            model.attention(layer: layer).makeCache(
                model.headShape(layer: layer),
                slots: prompts.count * samplesPerPrompt,
                rowsMax: settings.maxTokens - 1
            )
        }
        for prompt in batch.segments.indices {
            for sample in 0..<samplesPerPrompt {
                samples.append(Sample(prompt: prompt, stream: stream(prompt, sample)))
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

    /// Runs the prompts, keeps what later tokens look back to, and draws each sample's first token.
    private mutating func prefill() {
        let tape = Tape(recording: false, workspace: decoder.workspace)
        let pattern = AttentionPattern(segments: batch.segments)
        let last = batch.segments.map { Int32($0.rows.upperBound - 1) }
        let boundary = hook?(
            SampledRows(
                tokens: batch.tokens,
                positions: batch.positions,
                origins: batch.segments.enumerated().flatMap { index, segment in
                    segment.rows.map { _ in SampledRows.Origin.prompt(index) }
                },
                predictors: last,
                areSampled: false
            )
        )
        let states = decoder.hidden(
            tape: tape,
            tokens: batch.tokens,
            positions: batch.positions,
            adapter: adapter,
            boundary: boundary
        ) { [caches] layer, _, pass in caches[layer].prefill(pass, pattern) }
        let logits = tape.logits(tape.gatherRows(states, rows: last), head: decoder.head(adapter), cap: cap)
        for prompt in batch.segments.indices {
            let distribution = distribution(logits, row: prompt)
            for sample in prompt * samplesPerPrompt..<(prompt + 1) * samplesPerPrompt {
                draw(sample, from: distribution)
            }
        }
    }

    /// Puts the last token of each live sample in and draws its next one.
    private mutating func decode(_ live: [Int], step: Int) {
        let tape = Tape(recording: false, workspace: decoder.workspace)
        let tokens = live.map { samples[$0].completion.tokens[step] }
        let places = live.map { index in
            let prompt = samples[index].prompt
            return CachedSample(slot: index, beginning: batch.segments[prompt].rows, segment: prompt)
        }
        let positions = places.map { Int32($0.beginning.count + step) }
        let boundary = hook?(
            SampledRows(
                tokens: tokens,
                positions: positions,
                origins: live.map { .sample(prompt: samples[$0].prompt, index: $0 % samplesPerPrompt) },
                predictors: live.indices.map { Int32($0) },
                areSampled: true
            )
        )
        let states = decoder.hidden(
            tape: tape,
            tokens: tokens,
            positions: positions,
            adapter: adapter,
            boundary: boundary
        ) { [caches] layer, _, pass in caches[layer].decode(pass, places, step: step) }
        let logits = tape.logits(states, head: decoder.head(adapter), cap: cap)
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
        let isEnd = settings.stop.map { token == $0 || decoder.ends.contains(token) } ?? false
        samples[sample].completion.finished = isEnd
        samples[sample].isOver = isEnd
        observe?(samples[sample].prompt, sample % samplesPerPrompt, token, isEnd)
    }
}
