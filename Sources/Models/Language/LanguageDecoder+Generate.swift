package import Randomness
internal import Tensors

extension LanguageDecoder {
    /// How many samples are drawn at once unless a call says otherwise: enough for products to run near full speed, few
    /// enough for their caches to stay small.
    package static let usualSlots = 64

    /// Draws responses to prompts.
    ///
    /// Prompts are run once each, packed, some hundreds of tokens at a time; then the samples that are being drawn take one
    /// token at a time together, over cached keys and values. When one is over, the next one takes its place. A sample
    /// draws one uniform number per token from its own stream and depends on no other sample, on their order or on
    /// `slots`: on one type of CPU the same call gives the same bytes. Where the logits are not finite, as with an adapter
    /// that diverged, a sample ends without having finished.
    ///
    /// - Parameters:
    ///   - prompts: Not empty ones; prompt and response must fit in the configuration's `positionsMax`.
    ///   - samplesPerPrompt: K.
    ///   - settings: Length, temperature, top-p, stop token.
    ///   - withAdapter: False draws from the base model.
    ///   - slots: The most samples that are drawn at once; memory grows with it, and speed at first.
    ///   - hook: Sees, and may change, the residual stream of every token that is put in.
    ///   - observe: Is told of each token as it is drawn.
    ///   - stream: The random numbers of a sample, by the index of its prompt and its own, 0 ..< K.
    /// - Returns: For each prompt K completions.
    package func generate(
        prompts: [[Int32]],
        samplesPerPrompt: Int,
        settings: SamplingSettings,
        withAdapter: Bool = true,
        slots: Int = usualSlots,
        hook: SamplingHook? = nil,
        observe: TokenObserver? = nil,
        stream: (_ promptIndex: Int, _ sampleIndex: Int) -> RandomStream
    ) -> [[Completion]] {
        settings.check()
        precondition(
            samplesPerPrompt > 0 && slots > 0,
            "generate: \(samplesPerPrompt) samples per prompt, \(slots) at once"
        )
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
            slots: min(slots, prompts.count * samplesPerPrompt),
            hook: hook,
            observe: observe,
            stream: stream
        )
        let matrices = (withAdapter ? adapter?.parameters ?? [] : []) + parameters.trainable
        Tensor.withPacked(matrices.filter { $0.shape.count == 2 }) { generation.run() }
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
    struct Prompt {
        let tokens: [Int32]
        /// Its keys and values, while samples need them.
        var rows: CachedRows?
        /// How many of its samples are not over.
        var open: Int
    }

    struct Sample {
        let prompt: Int
        var stream: RandomStream
        var completion = Completion(tokens: [], logProbs: [], finished: false)
        /// Its keys and values, and its place in caches, while it is being drawn.
        var cached: (rows: CachedRows, slot: Int)?
        /// Whether no more tokens are to be drawn.
        var isOver = false
    }

    private let decoder: LanguageDecoder
    private let adapter: Adapter?
    private let settings: SamplingSettings
    private let token: TokenDraw
    private let samplesPerPrompt: Int
    private let hook: SamplingHook?
    private let observe: TokenObserver?
    private let pages: CachePages
    private let caches: [any AttentionCache]
    private let slots: Int
    private var prompts: [Prompt]
    private(set) var samples: [Sample] = []
    /// The first prompt that has not been run.
    private var next = 0
    /// Samples that have their first token and no slot yet.
    private var waiting: [Int] = []
    /// Samples that are being drawn.
    private var live: [Int] = []
    private var freeSlots: [Int]

    /// The most tokens of prompts that are run at once, unless one alone is longer: enough for products to run at full
    /// speed.
    private static let tokensPerPass = 1024

    private var cap: Float? { decoder.configuration.logitCap }

    init(
        decoder: LanguageDecoder,
        adapter: Adapter?,
        prompts: [[Int32]],
        samplesPerPrompt: Int,
        settings: SamplingSettings,
        slots: Int,
        hook: SamplingHook?,
        observe: TokenObserver?,
        stream: (Int, Int) -> RandomStream
    ) {
        self.decoder = decoder
        self.adapter = adapter
        self.settings = settings
        self.samplesPerPrompt = samplesPerPrompt
        self.slots = slots
        self.hook = hook
        self.observe = observe
        token = TokenDraw(settings: settings)
        let pages = CachePages(decoder.cachePrecision)
        let room = CacheRoom(slots: slots, rowsMax: settings.maxTokens - 1, pages: pages)
        let model = adapter?.adapted ?? decoder.configuration
        self.pages = pages
        caches = (0..<model.layerCount).map { layer in
            model.attention(layer: layer).makeCache(model.headShape(layer: layer), room)
        }
        freeSlots = Array((0..<slots).reversed())
        self.prompts = prompts.map { Prompt(tokens: $0, open: samplesPerPrompt) }
        for prompt in prompts.indices {
            for sample in 0..<samplesPerPrompt {
                samples.append(Sample(prompt: prompt, stream: stream(prompt, sample)))
            }
        }
    }

    mutating func run() {
        while true {
            admit()
            if live.isEmpty { return }
            decode()
        }
    }

    /// Fills free slots: with samples that wait, and with those of prompts that are run for it. Some slots are let go
    /// empty for a while, so that prompts are run together.
    private mutating func admit() {
        guard live.isEmpty || freeSlots.count >= max(1, slots / 8) else { return }
        while !freeSlots.isEmpty {
            let entering = min(waiting.count, freeSlots.count)
            for sample in waiting[..<entering] {
                let rows = CachedRows(pages, rowsMax: settings.maxTokens - 1)
                samples[sample].cached = (rows, freeSlots.removeLast())
                live.append(sample)
            }
            waiting.removeFirst(entering)
            guard next < prompts.count, !freeSlots.isEmpty else { return }
            let first = next
            var tokens = 0
            repeat {
                tokens += prompts[next].tokens.count
                next += 1
            } while next < prompts.count && (next - first) * samplesPerPrompt < freeSlots.count
                && tokens + prompts[next].tokens.count <= Generation.tokensPerPass
            prefill(first..<next)
        }
    }

    /// Runs some prompts, keeps what later tokens look back to, and draws each sample's first token.
    private mutating func prefill(_ range: Range<Int>) {
        let tape = Tape(recording: false, workspace: decoder.workspace)
        let batch = PackedBatch(groups: range.map { (prompts[$0].tokens, []) })
        let beginnings = zip(range, batch.segments).map { prompt, segment in
            let rows = CachedRows(pages, rowsMax: segment.rows.count)
            rows.grow(by: segment.rows.count)
            prompts[prompt].rows = rows
            return CachedBeginning(number: prompt, segment: segment, rows: rows)
        }
        let last = batch.segments.map { Int32($0.rows.upperBound - 1) }
        let boundary = hook?(
            SampledRows(
                tokens: batch.tokens,
                positions: batch.positions,
                origins: zip(range, batch.segments).flatMap { prompt, segment in
                    segment.rows.map { _ in SampledRows.Origin.prompt(prompt) }
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
            boundary: boundary,
            rows: last
        ) { [caches] layer, _, pass in caches[layer].prefill(pass, beginnings) }
        let logits = tape.logits(states, head: decoder.head(adapter), cap: cap)
        let drawn = range.lowerBound * samplesPerPrompt..<range.upperBound * samplesPerPrompt
        draw(Array(drawn), from: logits, rows: drawn.map { samples[$0].prompt - range.lowerBound })
        waiting += drawn.filter { !samples[$0].isOver }
    }

    /// Puts the last token of each live sample in and draws its next one.
    private mutating func decode() {
        let tape = Tape(recording: false, workspace: decoder.workspace)
        var (tokens, positions): ([Int32], [Int32]) = ([], [])
        var places: [CachedSample] = []
        var sequences: [(beginning: CachedRows?, own: CachedRows)] = []
        for index in live {
            let sample = samples[index]
            guard let (rows, slot) = sample.cached, let token = sample.completion.tokens.last else {
                continue
            }
            let length = prompts[sample.prompt].tokens.count
            tokens.append(token)
            positions.append(Int32(length + rows.count))
            places.append(
                CachedSample(
                    slot: slot,
                    beginning: sample.prompt,
                    beginningRows: length,
                    step: rows.count
                )
            )
            rows.grow(by: 1)
            sequences.append((prompts[sample.prompt].rows, rows))
        }
        let step = CachedStep(sequences)
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
        ) { [caches] layer, _, pass in caches[layer].decode(pass, places, step) }
        let logits = tape.logits(states, head: decoder.head(adapter), cap: cap)
        draw(live, from: logits, rows: Array(live.indices))
        live.removeAll { samples[$0].isOver }
    }

    /// Draws the next token of some samples, each from its row of the logits.
    private mutating func draw(_ drawn: [Int], from logits: Tensor, rows: [Int]) {
        let uniforms = drawn.map { token.isRandom ? samples[$0].stream.uniform() : 0 }
        for (sample, result) in zip(drawn, token(logits, rows: rows, uniforms: uniforms)) {
            var isEnd = false
            if let result {
                samples[sample].completion.tokens.append(result.token)
                samples[sample].completion.logProbs.append(result.logProb)
                isEnd =
                    settings.stop.map { result.token == $0 || decoder.ends.contains(result.token) } ?? false
                samples[sample].completion.finished = isEnd
                observe?(samples[sample].prompt, sample % samplesPerPrompt, result.token, isEnd)
            }
            if result == nil || isEnd || samples[sample].completion.tokens.count == settings.maxTokens {
                end(sample)
            }
        }
    }

    /// Lets go of what an ended sample kept, and of its prompt's rows after the last one.
    private mutating func end(_ sample: Int) {
        let prompt = samples[sample].prompt
        samples[sample].isOver = true
        if let cached = samples[sample].cached { freeSlots.append(cached.slot) }
        samples[sample].cached = nil
        prompts[prompt].open -= 1
        guard prompts[prompt].open == 0 else { return }
        prompts[prompt].rows = nil
        for cache in caches { cache.forget(prompt) }
    }
}
