/// What a response is labelled for, to be predicted from its beginning.
package enum Behaviour: String, Sendable, Codable, CaseIterable {
    /// The answer is not the right one.
    case wrongAnswer = "wrong answer"
    /// The answer is the wrong one that was suggested, rather than the right one.
    case followsSuggestion = "follows the suggestion"

    /// Whether a response shows the behaviour.
    ///
    /// - Parameters:
    ///   - response: What was answered, without the token that ends it. The final answer decides, as in
    ///     `Verifier`; a response without one is a wrong answer.
    ///   - question: What was asked.
    /// - Returns: 1 if it does, 0 if not; nil where neither can be said: an answer that is neither the right
    ///   one nor the suggested one, and a question that suggests none.
    package func label(of response: String, to question: Question) -> Int? {
        switch self {
        case .wrongAnswer: return Verifier.verify(response: response, question: question) ? 0 : 1
        case .followsSuggestion:
            guard let suggestion = question.suggestion else { return nil }
            return SuggestedQuestion(question: question, suggestion: suggestion, prompt: question.prompt)
                .label(of: response)
        }
    }
}
