extension LatentShifts {
    /// How many latents are compared for rerouting (our notes, section 4).
    package static let comparedMost = 40

    /// Of the latents outside K that plain fine-tuning moved most, the share that are among as many that moved most here.
    ///
    /// - Parameters:
    ///   - plain: Those of plain fine-tuning; nil is returned for none.
    ///   - blocked: K.
    package func overlap(with plain: [Int], outside blocked: Set<Int>) -> Double? {
        guard !plain.isEmpty else { return nil }
        let moved = Set(largest(plain.count, excluding: blocked))
        return Double(plain.count(where: moved.contains)) / Double(plain.count)
    }
}

extension ActivationText {
    /// A prompt with its answer, of which the states count that the answer's tokens are predicted from.
    package init(answering prompt: [Int32], _ answer: [Int32]) {
        let tokens = prompt + answer.dropLast()
        self.init(tokens: tokens, rows: prompt.count - 1..<tokens.count)
    }
}
