internal import Randomness

/// Texts of the phase language as a data source: `{"phases": {"texts": 75, "dominant": "restate"}}`.
///
/// A client's texts dwell in the phase that is named, if one is. Those of each client, the public ones and the
/// held-out ones are drawn from streams of their own; held-out texts are kept apart by `HeldOutRule`.
package struct PhaseTexts: Sendable, Codable, Equatable {
    /// How many texts.
    package var texts: Int
    /// The phase that the texts dwell in; nil for none.
    package var dominant: PhaseLanguage.Phase?
    /// How strongly; mild if not given.
    package var strength: PhaseLanguage.Dominance.Strength?
    /// The design; standard if not given.
    package var design: PhaseLanguage.Design?

    /// Describes a source.
    package init(
        texts: Int,
        dominant: PhaseLanguage.Phase? = nil,
        strength: PhaseLanguage.Dominance.Strength? = nil,
        design: PhaseLanguage.Design? = nil
    ) {
        self.texts = texts
        self.dominant = dominant
        self.strength = strength
        self.design = design
    }

    /// The texts for a role. A text's words are the prompt, the phase with the most tokens is the topic, and the
    /// answer is `yes` if the text gives way to the user's claim, else `no`.
    ///
    /// - Throws: `DrawError.invalid` if the description makes no sense.
    package func questions(for role: DataSource.Role, seed: UInt64) throws(DrawError) -> [Question] {
        guard (1...1_000_000).contains(texts) else {
            throw .invalid(field: "texts", found: "\(texts)", expected: "1 to 1000000")
        }
        guard dominant != .answer else {
            throw .invalid(
                field: "dominant",
                found: "answer",
                expected: PhaseLanguage.Phase.cycle.map(\.rawValue).joined(separator: ", ")
            )
        }
        let language = PhaseLanguage(
            design ?? .standard,
            dominance: dominant.map { .init($0, strength ?? .mild) }
        )
        let (name, index) =
            switch role {
            case .client(let index): ("client", index)
            case .publicSet: ("public", 0)
            case .heldOut: ("held-out", 0)
            }
        var stream = RandomStream(seed: seed, "phase-texts", name, index)
        var questions: [Question] = []
        while questions.count < texts {
            let text = language.text(from: &stream)
            let words = text.words
            guard HeldOutRule.holdsOut(words) == (role == .heldOut) else { continue }
            questions.append(
                Question(
                    id: "\(name)-\(index)-\(questions.count)",
                    topic: text.dominantPhase.rawValue,
                    prompt: words,
                    answer: text.caves ? "yes" : "no",
                    kind: .choice
                )
            )
        }
        return questions
    }
}
