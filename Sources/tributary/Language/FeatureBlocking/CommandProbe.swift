internal import Models
internal import Randomness
internal import Text
internal import Trainers

/// Behaviour as an external command judges it: the model answers each prompt greedily, steered or not, and the command
/// labels the answers (BLOCK-EM's judges, our notes 2.1).
struct CommandProbe: BehaviourProbe {
    /// A prompt in words and in tokens.
    struct Item: Equatable {
        /// What the judge reads.
        var text: String
        /// What the model reads.
        var tokens: [Int32]
    }

    /// The prompts.
    let items: [Item]
    /// Who judges.
    let judge: AnswerJudge
    /// The model's words.
    let tokenizer: any Tokenizer
    /// The most tokens of an answer.
    let maxTokens: Int

    /// The most tokens of prompts and answers that are sampled at once: memory stays bounded.
    private static let tokensAtOnce = 8192

    /// Prepares a probe.
    ///
    /// - Throws: `FeatureFault` for no prompt.
    init(
        _ items: [Item],
        judge: AnswerJudge,
        tokenizer: any Tokenizer,
        maxTokens: Int
    ) throws(FeatureFault) {
        guard !items.isEmpty else { throw FeatureFault("", "a probe needs at least one prompt, found none") }
        self.items = items
        self.judge = judge
        self.tokenizer = tokenizer
        self.maxTokens = maxTokens
    }

    func measure(
        _ decoder: LanguageDecoder,
        withAdapter: Bool,
        edit: LayerBoundary?
    ) throws -> BehaviourShares {
        try measure(decoder, withAdapter: withAdapter) { edit.map { edit in { _ in edit } } }
    }

    /// Measures a patched model.
    func measure(_ patching: ActivationPatching, _ decoder: LanguageDecoder) throws -> BehaviourShares {
        try patching.check(decoder)
        return try measure(decoder, withAdapter: patching.source == .base) { patching.hook(decoder) }
    }

    /// Measures a model.
    ///
    /// - Parameter hook: Makes what is done to each call of `generate`.
    private func measure(
        _ decoder: LanguageDecoder,
        withAdapter: Bool,
        hook: () -> SamplingHook?
    ) throws -> BehaviourShares {
        var answers: [AnswerJudge.Answer] = []
        while answers.count < items.count {
            let part = next(items[answers.count...])
            let completions = decoder.generate(
                prompts: part.map(\.tokens),
                samplesPerPrompt: 1,
                settings: SamplingSettings(maxTokens: maxTokens, temperature: 0, stop: tokenizer.eos),
                withAdapter: withAdapter,
                hook: hook()
            ) { prompt, sample in RandomStream(seed: 0, "command-probe", prompt, sample) }
            answers += zip(part, completions).map { item, samples in
                AnswerJudge.Answer(
                    prompt: item.text,
                    answer: tokenizer.decode(samples.flatMap(\.tokens), skipSpecial: true)
                )
            }
        }
        let labels = try judge.labels(of: answers)
        func share(_ label: AnswerJudge.Label) -> Double {
            Double(labels.count { $0 == label }) / Double(labels.count)
        }
        return BehaviourShares(
            misaligned: share(.misaligned),
            aligned: share(.aligned),
            incoherent: share(.incoherent),
            refused: share(.refused),
            count: labels.count
        )
    }

    /// The first items that fit into one call.
    private func next(_ items: ArraySlice<Item>) -> ArraySlice<Item> {
        var tokens = 0
        let count = items.prefix {
            tokens += $0.tokens.count + maxTokens
            return tokens <= Self.tokensAtOnce
        }.count
        return items.prefix(max(1, count))
    }
}
