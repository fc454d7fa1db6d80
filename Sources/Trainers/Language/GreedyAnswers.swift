internal import Models
internal import Randomness

extension LanguageDecoder {
    /// Prompts with the model's most likely answers, end of sequence included where it comes; those without an answer are
    /// left out.
    ///
    /// - Parameters:
    ///   - prompts: Not empty ones.
    ///   - maxTokens: The most tokens of an answer.
    ///   - eos: The token that ends one.
    func greedyAnswers(to prompts: [[Int32]], maxTokens: Int, eos: Int32) -> [LearningGroup] {
        let answers = generate(
            prompts: prompts,
            samplesPerPrompt: 1,
            settings: SamplingSettings(maxTokens: maxTokens, temperature: 0, stop: eos)
        ) { prompt, sample in RandomStream(seed: 0, "greedy", prompt, sample) }
        return zip(prompts, answers).compactMap { prompt, answer in
            let tokens = answer.flatMap(\.tokens)
            return tokens.isEmpty ? nil : LearningGroup(prompt: prompt, responses: [tokens])
        }
    }
}
